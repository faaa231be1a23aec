"""Whether a function can be rolled back, and if not, why: known before the incident."""

from collections.abc import Collection
from dataclasses import dataclass

from sah.domain.aliases import Routing
from sah.domain.preflight import VersionFacts, judge_version
from sah.domain.triggers import Trigger


@dataclass(frozen=True, slots=True)
class Readiness:
    """``ready`` says whether moving the alias rolls the function back.

    ``problems`` say why not; ``warnings`` say what would not follow the alias.
    Each is a sentence for a person.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Say whether nothing stands in the way."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What the last sync saw of one function; ``live`` is None where it lacks the alias."""

    alias: str
    live: Routing | None
    versions: Collection[str]
    triggers: Collection[Trigger] = ()
    gone: bool = False


def assess_readiness(facts: FunctionFacts) -> Readiness:
    """Judge whether one function can be rolled back.

    It can when it has the alias and, besides the live version, another published
    one to go back to.
    """
    if facts.gone:
        return Readiness(problems=("The function is gone from the stack.",))
    problems = []
    if not facts.versions:
        problems.append("It has no published version: the template makes no Version resource.")
    if facts.live is None:
        problems.append(f"It has no alias {facts.alias}, so there is nothing to repoint.")
    elif facts.versions and not set(facts.versions) - set(facts.live.shares):
        problems.append("Its only published version is live, so there is nothing to go back to.")
    return Readiness(tuple(problems), _bypass_warnings(facts))


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known of one version that a rollback would go to; texts are empty where unknown."""

    function: str
    version: str
    alias: str
    function_gone: bool = False
    version_gone: bool = False
    has_alias: bool = True
    state: str = ""
    reason: str = ""
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class TargetReadiness:
    """Whether a version can be gone back to: ``problem`` says why not, or what to expect.

    ``blocks`` says that it cannot be moved to at all. A version that only slept can be,
    though its first calls may fail (aws-facts 10): it is not ready, and not blocked.
    """

    problem: str = ""
    blocks: bool = False

    @property
    def ready(self) -> bool:
        """Say whether nothing stands in the way."""
        return not self.problem


def assess_target(facts: TargetFacts) -> TargetReadiness:
    """Judge whether a function can go back to a version, before the incident."""
    if facts.function_gone:
        return TargetReadiness("The function is gone from the stack.", blocks=True)
    if not facts.has_alias:
        return TargetReadiness(f"It has no alias {facts.alias}.", blocks=True)
    if facts.version_gone:
        return TargetReadiness(f"Version {facts.version} was deleted.", blocks=True)
    finding = judge_version(
        VersionFacts(
            function=facts.function,
            version=facts.version,
            state=facts.state,
            reason=facts.reason,
            reason_code=facts.reason_code,
        )
    )
    return TargetReadiness(finding.text, blocks=finding.blocks) if finding else TargetReadiness()


def _bypass_warnings(facts: FunctionFacts) -> tuple[str, ...]:
    bypassing = sum(1 for trigger in facts.triggers if not trigger.follows(facts.alias))
    if not bypassing or facts.live is None:
        return ()
    if bypassing == 1:
        return (f"1 trigger bypasses {facts.alias}: a rollback will not affect it.",)
    return (f"{bypassing} triggers bypass {facts.alias}: a rollback will not affect them.",)
