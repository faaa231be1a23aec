"""How two versions of a function differ in what AWS froze in them (aws-facts 6)."""

from collections.abc import Mapping
from dataclasses import dataclass

# What a rollback leaves as it is, whatever the versions are (aws-facts 6).
NOT_ROLLED_BACK = (
    "tables, queues, buckets and what is in them",
    "secrets and parameters that the code reads when it runs",
    "what the execution role may do",
    "reserved concurrency",
    "triggers and resource policies",
    "tags",
    "everything else in the stack that is not a function's code or configuration",
)


@dataclass(frozen=True, slots=True)
class VersionConfig:
    """What identifies a version.

    ``memory_size`` is in MB, ``timeout`` in seconds; ``layers`` are ARNs in their
    order; ``environment`` has a digest for each variable, never the value.
    """

    version: str
    code_sha256: str = ""
    runtime: str = ""
    handler: str = ""
    memory_size: int = 0
    timeout: int = 0
    layers: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; ``before`` and ``after`` are texts for a person."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FunctionComparison:
    """One function on both sides; None where a side does not have it."""

    function: str
    before: VersionConfig | None
    after: VersionConfig | None
    differences: tuple[Difference, ...]


def compare_functions(
    before: Mapping[str, VersionConfig], after: Mapping[str, VersionConfig]
) -> tuple[FunctionComparison, ...]:
    """Compare two stacks function by function, by name; functions that are the same are left out.

    Two versions with the same code and configuration still are two versions.
    """
    rows = []
    for name in sorted(set(before) | set(after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            rows.append(FunctionComparison(name, one, other, ()))
        elif one.version != other.version:
            rows.append(FunctionComparison(name, one, other, compare_configs(one, other)))
    return tuple(rows)


def compare_configs(before: VersionConfig, after: VersionConfig) -> tuple[Difference, ...]:
    """List what differs between two versions, in the order in which a person cares."""
    pairs = (
        ("code", before.code_sha256[:12], after.code_sha256[:12]),
        ("runtime", before.runtime, after.runtime),
        ("handler", before.handler, after.handler),
        ("memory", f"{before.memory_size} MB", f"{after.memory_size} MB"),
        ("timeout", f"{before.timeout} s", f"{after.timeout} s"),
        ("layers", _layers(before), _layers(after)),
    )
    plain = [Difference(what, old, new) for what, old, new in pairs if old != new]
    return (*plain, *_compare_environments(before.environment or {}, after.environment or {}))


def _compare_environments(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(f"variable {name}", *_say_presence(before=name in before, after=name in after))
        for name in sorted(set(before) | set(after))
        if before.get(name) != after.get(name)
    ]


def _say_presence(*, before: bool, after: bool) -> tuple[str, str]:
    """Say what became of a variable, without ever saying a value."""
    if before and after:
        return "one value", "another value"
    return ("set", "not set") if before else ("not set", "set")


def _layers(config: VersionConfig) -> str:
    """Name layers as people do, ``name:version``."""
    return ", ".join(":".join(arn.split(":")[-2:]) for arn in config.layers) or "none"
