"""Prepare for SAH being down: a script from what the last sync saw, without asking AWS."""

from collections.abc import Iterable, Sequence

from sah.domain.aliases import Routing, parse_version
from sah.domain.breakglass import Place, choose_previous, write_script
from sah.domain.errors import InvalidInputError
from sah.models import Project
from sah.services.functions import FunctionSummary, list_summaries_by_project
from sah.services.operations import plan_project_switch
from sah.services.projects import get_project_by_name
from sah.services.rollback import PREVIOUS, RollbackPlan, parse_target, plan_rollback

_HOW = "Write a deployment, such as 41 or previous, or functions, such as shop-dev-cart=7."


def write_break_glass(project_name: str, wanted: Sequence[str]) -> str:
    """Write the shell script that moves a project's aliases without SAH, and back.

    ``wanted`` are one deployment or none, by its number or as ``previous``, and
    ``FUNCTION=VERSION`` for those that shall serve another version than it had;
    ``FUNCTION=previous`` is the newest version below the live one.

    :raises NotFoundError: there is no such project or deployment.
    :raises ConflictError: one cannot go back to that deployment.
    :raises InvalidInputError: a function or version that the project does not have.
    """
    project = get_project_by_name(project_name)
    rollback = _plan_rollback(project, [text for text in wanted if "=" not in text])
    target = dict(rollback.target) if rollback else {}
    target |= _parse_functions(project, [text for text in wanted if "=" in text])
    plan = plan_project_switch(project.id, target)
    if plan.missing:
        raise InvalidInputError(f"{', '.join(plan.missing)}: there is no alias {plan.alias}.")
    if not plan.moves:
        raise InvalidInputError("Nothing would move.", "Name other versions.")
    account = project.account
    place = Place(
        project.name, project.stack_name, account.region, account.endpoint_url, account.role_arn
    )
    return write_script(plan, place, project.synced_at, _notes_on(rollback))


def _plan_rollback(project: Project, texts: Sequence[str]) -> RollbackPlan | None:
    if len(texts) > 1:
        raise InvalidInputError(f"{' and '.join(texts)}: only one deployment can be gone to.", _HOW)
    if not texts:
        return None
    try:
        deployment = parse_target(texts[0])
    except InvalidInputError:
        raise InvalidInputError(
            f"“{texts[0]}” is neither a deployment nor FUNCTION=VERSION.", _HOW
        ) from None
    return plan_rollback(project.id, deployment)


def _notes_on(rollback: RollbackPlan | None) -> list[str]:
    if rollback is None:
        return []
    blocked = [f"Left where it is: {name}. {why}" for name, why in sorted(rollback.blocked.items())]
    return [f"Goes to deployment #{rollback.deployment.number}.", *blocked]


def _parse_functions(project: Project, texts: Sequence[str]) -> dict[str, Routing]:
    summaries = list_summaries_by_project([project]).get(project.id, ())
    return parse_assignments(_resolve_previous(text, summaries) for text in texts)


def _resolve_previous(text: str, summaries: Sequence[FunctionSummary]) -> str:
    function, _, version = text.rpartition("=")
    if version != PREVIOUS:
        return text
    return f"{function}={_find_version_before(function, summaries)}"


def parse_assignments(texts: Iterable[str]) -> dict[str, Routing]:
    """Parse ``FUNCTION=VERSION``, each function once.

    :raises InvalidInputError: one is something else, or its function was named before.
    """
    target: dict[str, Routing] = {}
    for text in texts:
        function, equals, version = text.partition("=")
        if not equals or not function:
            hint = "Write it such as shop-dev-cart=7."
            raise InvalidInputError(f"“{text}” is not FUNCTION=VERSION.", hint)
        if function in target:
            raise InvalidInputError(f"{function} is named twice.", "Give it one version.")
        target[function] = Routing(parse_version(version))
    return target


def _find_version_before(function: str, summaries: Sequence[FunctionSummary]) -> str:
    found = [s for s in summaries if s.function.name == function and not s.function.gone_at]
    live = found[0].live if found else None
    version = choose_previous(live, found[0].versions) if live else None
    if version is None:
        raise InvalidInputError(f"{function}: there is no version before the live one.")
    return version
