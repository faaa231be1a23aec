from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sah.domain.snapshots import (
    Publication,
    SnapshotChanges,
    compare_snapshots,
    digest_snapshot,
    digest_variable,
    reconstruct_snapshot,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
names = st.text("abc-", min_size=1, max_size=3)
snapshots = st.dictionaries(names, st.integers(1, 12).map(str), max_size=6)


def test_changes_are_told_by_name() -> None:
    changes = compare_snapshots({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "1"})
    assert changes == SnapshotChanges(changed=("b",), added=("d",), removed=("c",))


@given(snapshots)
def test_the_same_snapshot_has_no_changes(versions: dict[str, str]) -> None:
    assert not compare_snapshots(versions, dict(reversed(versions.items())))


@given(snapshots, snapshots)
def test_changes_lead_from_one_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    changes = compare_snapshots(before, after)
    made = {name: version for name, version in before.items() if name not in changes.removed}
    made |= {name: after[name] for name in (*changes.changed, *changes.added)}
    assert made == after
    back = compare_snapshots(after, before)
    assert (back.changed, back.added, back.removed) == (
        changes.changed,
        changes.removed,
        changes.added,
    )


@given(snapshots, snapshots)
def test_digests_are_equal_for_equal_snapshots_alone(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert (digest_snapshot(one) == digest_snapshot(other)) == (one == other)
    assert digest_snapshot(one) == digest_snapshot(dict(reversed(one.items())))


def test_names_and_versions_are_not_run_together() -> None:
    assert digest_snapshot({"a1": "2"}) != digest_snapshot({"a": "12"})


def publication(function: str, version: int, minute: int) -> Publication:
    return Publication(function, str(version), START + timedelta(minutes=minute))


def test_the_newest_versions_until_then_were_deployed() -> None:
    found = [publication("a", n, n) for n in range(1, 13)] + [publication("b", 1, 11)]
    assert reconstruct_snapshot(found, START + timedelta(minutes=10)) == {"a": "10"}
    assert reconstruct_snapshot(found, START + timedelta(minutes=11)) == {"a": "11", "b": "1"}
    assert reconstruct_snapshot(found, START) == {}


@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.integers(0, 35),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_a_moment_is_what_was_deployed_until_then(
    deploys: list[str], minute: int, random: Random
) -> None:
    served: dict[str, str] = {}
    published, expected = [], {}
    for at, function in enumerate(deploys):
        served[function] = str(int(served.get(function, "0")) + 1)
        published.append(publication(function, int(served[function]), at))
        if at <= minute:
            expected = dict(served)
    random.shuffle(published)
    assert reconstruct_snapshot(published, START + timedelta(minutes=minute)) == expected


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_digest_shows_only_whether_a_value_is_the_same(name: str, one: str, other: str) -> None:
    digest = digest_variable("salt", name, one)
    assert (digest == digest_variable("salt", name, other)) == (one == other)
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")


def test_equal_values_of_other_variables_and_projects_look_different() -> None:
    digests = {
        digest_variable(salt, name, "on") for salt in ("s1", "s2") for name in ("DEBUG", "CACHE")
    }
    assert len(digests) == 4
