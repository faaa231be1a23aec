"""Prepare for SAH being down: a script from what the last sync saw, without asking AWS."""

from collections.abc import Iterable, Sequence

from sah.domain.aliases import Routing, parse_version
from sah.domain.breakglass import Place, choose_previous, write_script
from sah.domain.errors import InvalidInputError
from sah.models import Project
from sah.services.functions import FunctionSummary, list_summaries_by_project
from sah.services.operations import plan_project_switch
from sah.services.projects import get_project_by_name

PREVIOUS = "previous"


def write_break_glass(project_name: str, wanted: Sequence[str]) -> str:
    """Write the shell script that moves a project's aliases without SAH, and back.

    ``wanted`` are ``FUNCTION=VERSION``, ``FUNCTION=previous``, or ``previous`` for
    every function that has a version below the live one.

    :raises NotFoundError: there is no such project.
    :raises InvalidInputError: a function or version that the project does not have.
    """
    project = get_project_by_name(project_name)
    target = _parse_target(project, wanted)
    plan = plan_project_switch(project.id, target)
    if plan.missing:
        raise InvalidInputError(f"{', '.join(plan.missing)}: there is no alias {plan.alias}.")
    if not plan.moves:
        raise InvalidInputError("Nothing would move.", "Name other versions.")
    account = project.account
    place = Place(
        project.name, project.stack_name, account.region, account.endpoint_url, account.role_arn
    )
    return write_script(plan, place, project.synced_at)


def _parse_target(project: Project, wanted: Sequence[str]) -> dict[str, Routing]:
    summaries = list_summaries_by_project([project]).get(project.id, ())
    target: dict[str, Routing] = {}
    assigned = []
    for text in wanted:
        function, equals, version = text.rpartition("=")
        if version == PREVIOUS:
            chosen = [s for s in summaries if not equals or s.function.name == function]
            target |= _previous(chosen, text)
        else:
            assigned.append(text)
    return target | parse_assignments(assigned)


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


def _previous(summaries: Sequence[FunctionSummary], text: str) -> dict[str, Routing]:
    found = {
        s.function.name: Routing(version)
        for s in summaries
        if s.live is not None and not s.function.gone_at
        if (version := choose_previous(s.live, s.versions)) is not None
    }
    if not found:
        raise InvalidInputError(f"“{text}”: there is no version before the live one.")
    return found
