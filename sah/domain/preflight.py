"""Whether a plan's targets can be moved to, judged before anything moves (aws-facts 10)."""

from collections.abc import Iterable
from dataclasses import dataclass

from sah.domain.plans import PlannedMove

# Why a version cannot run at all, whatever its state.
_BROKEN = {
    "ImageDeleted",
    "ImageAccessDenied",
    "InvalidImage",
    "KMSKeyNotFound",
    "KMSKeyAccessDenied",
    "DisabledKMSKey",
    "InvalidStateKMSKey",
    "InvalidSubnet",
    "InvalidSecurityGroup",
    "InvalidConfiguration",
    "InvalidRuntime",
    "InvalidZipFileException",
    "FunctionError",
}
# States in which a version takes no calls, now or soon.
_NOT_RUNNING = ("Failed", "Deleting", "ActiveNonInvocable")


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one function; it ``blocks`` the plan or only warns.

    One that is not ``checked`` says why AWS did not tell. What the last sync did not
    know: a version that is ``gone``, or that the alias ``moved`` or is no more.
    """

    function: str
    text: str
    blocks: bool
    checked: bool = True
    gone: str = ""
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found. ``busy`` says that the stack is being updated, empty when it is not.

    A busy stack is a warning that a person may override with a reason. ``unknown`` says
    why nobody can tell whether it is busy. ``is_outdated`` says that more is known by
    now than the plan was made from, so that it is worth making again.
    """

    findings: tuple[Finding, ...] = ()
    busy: str = ""
    unknown: str = ""
    is_outdated: bool = False

    @property
    def problems(self) -> dict[str, str]:
        """Why the plan cannot be carried out, by function name."""
        return _by_function(finding for finding in self.findings if finding.blocks)

    @property
    def warnings(self) -> dict[str, str]:
        """What the person should know, by function name."""
        return _by_function(finding for finding in self.findings if not finding.blocks)

    @property
    def notes(self) -> dict[str, str]:
        """The warnings without those of the ``unchecked``, of which there may be many."""
        found = (f for f in self.findings if not f.blocks and f.checked)
        return _by_function(found)

    @property
    def unchecked(self) -> dict[str, str]:
        """Why AWS did not tell all about a function, by its name."""
        return _by_function(finding for finding in self.findings if not finding.checked)


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What AWS says about a version; empty where it did not say."""

    function: str
    version: str
    state: str = ""
    reason: str = ""
    reason_code: str = ""
    last_update_status: str = ""


def unchecked(function: str, why: str) -> Finding:
    """Say that AWS did not tell, which in an incident must not be a wall."""
    return Finding(function, f"It could not be checked: {why}", blocks=False, checked=False)


def judge_version(facts: VersionFacts) -> Finding | None:
    """Judge whether traffic may be sent to a version (aws-facts 10).

    A version that idleness made ``Inactive`` only warns: AWS wakes it at the first call.
    So does a state that is not known here, since AWS adds some now and then.
    """
    name = f"Version {facts.version}"
    why = f": {facts.reason}" if facts.reason else ""
    broken = facts.reason_code.partition(".")[0] in _BROKEN  # such as FunctionError.InitTimeout
    if facts.state in _NOT_RUNNING or broken:
        return Finding(facts.function, f"{name} cannot run{why or '.'}", blocks=True)
    if facts.state == "Pending":
        return Finding(facts.function, f"{name} is still being made{why or '.'}", blocks=True)
    if facts.last_update_status in ("Failed", "InProgress"):
        text = f"{name}: its last update is {facts.last_update_status}."
        return Finding(facts.function, text, blocks=True)
    if facts.state == "Inactive":
        text = f"{name} was idle for long: the first calls may fail while AWS wakes it."
        return Finding(facts.function, text, blocks=False)
    if facts.state not in ("", "Active"):
        text = f"{name} is {facts.state}, so it may not run."
        return Finding(facts.function, text, blocks=False)
    return None


def judge_alias(move: PlannedMove, serving: str) -> Finding | None:
    """Judge whether the alias still serves what the plan starts from."""
    if serving == move.before.version:
        return None
    text = f"{move.alias} serves version {serving} by now, not {move.before.version}: plan again."
    return Finding(move.function, text, blocks=True, moved=True)


def describe_busy_stack(name: str, status: str) -> str:
    """Say that CloudFormation is at work on the stack, empty when it is not."""
    if not status.endswith("_IN_PROGRESS"):
        return ""
    return f"CloudFormation is working on {name} ({status}), and may move the same aliases."


def _by_function(findings: Iterable[Finding]) -> dict[str, str]:
    found: dict[str, str] = {}
    for finding in findings:
        found[finding.function] = f"{found.get(finding.function, '')} {finding.text}".strip()
    return found
