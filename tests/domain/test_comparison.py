from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sah.domain.comparison import (
    Difference,
    VersionConfig,
    compare_configs,
    compare_functions,
)

ONE = VersionConfig(
    version="1",
    code_sha256="a" * 44,
    runtime="nodejs20.x",
    handler="index.handler",
    memory_size=128,
    timeout=6,
    layers=("arn:aws:lambda:eu-west-1:1:layer:tools:1",),
    environment={"KEY": "d1", "OLD": "d2", "SAME": "d3"},
)
OTHER = VersionConfig(
    version="2",
    code_sha256="b" * 44,
    runtime="nodejs22.x",
    handler="main.handler",
    memory_size=512,
    timeout=30,
    layers=(),
    environment={"KEY": "d9", "NEW": "d4", "SAME": "d3"},
)


def test_everything_that_differs_is_said_in_order() -> None:
    assert compare_configs(ONE, OTHER) == (
        Difference("code", "a" * 12, "b" * 12),
        Difference("runtime", "nodejs20.x", "nodejs22.x"),
        Difference("handler", "index.handler", "main.handler"),
        Difference("memory", "128 MB", "512 MB"),
        Difference("timeout", "6 s", "30 s"),
        Difference("layers", "tools:1", "none"),
        Difference("variable KEY", "one value", "another value"),
        Difference("variable NEW", "not set", "set"),
        Difference("variable OLD", "set", "not set"),
    )


@given(st.sampled_from([ONE, OTHER]))
def test_the_same_does_not_differ(config: VersionConfig) -> None:
    assert compare_configs(config, replace(config, version="9")) == ()


def test_functions_are_matched_by_name_and_the_same_left_out() -> None:
    rows = compare_functions({"a": ONE, "b": ONE, "gone": ONE}, {"a": ONE, "b": OTHER, "new": ONE})
    assert [(row.function, row.before, row.after) for row in rows] == [
        ("b", ONE, OTHER),
        ("gone", ONE, None),
        ("new", None, ONE),
    ]
    assert rows[1].differences == ()


def test_two_versions_of_the_same_code_are_two_versions() -> None:
    (row,) = compare_functions({"a": ONE}, {"a": replace(ONE, version="2")})
    assert row.differences == ()


def test_no_digest_is_shown() -> None:
    shown = " ".join(f"{d.before} {d.after}" for d in compare_configs(ONE, OTHER))
    assert not any(digest in shown.split() for digest in ("d1", "d2", "d3", "d4", "d9"))
