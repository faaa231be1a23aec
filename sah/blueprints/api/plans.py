"""Plans: what would move, and whether it can be moved."""

from collections.abc import Mapping
from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from sah.blueprints.access import requires
from sah.blueprints.api.functions import RoutingAnswer
from sah.blueprints.api.shapes import Answered, Asked
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.aliases import Routing, parse_routing
from sah.domain.plans import Plan
from sah.domain.preflight import Preflight
from sah.services.operations import plan_project_switch, preflight_plan
from sah.services.sync import sync_if_changed

bp = Blueprint("plans", __name__, url_prefix="/projects/<int:project_id>")

MOST_FUNCTIONS = 1000

FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,140}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
Weight = Annotated[float, Field(ge=0, le=1)]


class Split(Asked):
    """A version, and the share of another one."""

    version: Version
    weights: dict[Version, Weight] = Field(
        default_factory=dict, max_length=1, description="The share of one other version, 0 to 1."
    )


Wanted = dict[FunctionName, Version | Split]


class PlanRequest(Asked):
    """Which version each function is to serve; functions that are not named stay."""

    functions: Wanted = Field(min_length=1, max_length=MOST_FUNCTIONS)


class PlannedMoveAnswer(Answered):
    """One alias that would move."""

    function: str
    from_: RoutingAnswer = Field(serialization_alias="from")
    to: RoutingAnswer


class PlanAnswer(Answered):
    """What would move; give its fingerprint to an operation so that nothing else moves."""

    fingerprint: str
    alias: str
    moves: list[PlannedMoveAnswer]
    unchanged: list[str] = Field(description="Functions that serve their target already.")
    untouched: list[str] = Field(description="Functions that were not named.")
    missing: list[str] = Field(description="Functions that lack the alias.")
    problems: dict[str, str] = Field(description="By function, why it cannot be moved.")
    warnings: dict[str, str] = Field(description="By function, what should be known.")
    busy: str = Field(description="That the stack is being updated; empty when it is not.")


@bp.post("/plan")
@requires(Right.OPERATE)
@describe(PlanAnswer, tag="operations", errors=(409, 502))
def create(project_id: int, json: PlanRequest) -> PlanAnswer:
    """Plan a switch and ask AWS whether it can be carried out. Nothing moves."""
    plan = make_plan(project_id, json.functions)
    checks = preflight_plan(project_id, plan) if plan.moves else Preflight()
    return PlanAnswer(
        fingerprint=plan.fingerprint,
        alias=plan.alias,
        moves=[
            PlannedMoveAnswer(
                function=move.function,
                from_=RoutingAnswer.of(move.before),
                to=RoutingAnswer.of(move.after),
            )
            for move in plan.moves
        ],
        unchanged=list(plan.unchanged),
        untouched=list(plan.untouched),
        missing=list(plan.missing),
        problems=checks.problems,
        warnings=checks.warnings,
        busy=checks.busy,
    )


def make_plan(project_id: int, wanted: Wanted) -> Plan:
    """Plan what a call asks for, from what is live now.

    :raises InvalidInputError: a function or version that the project does not have.
    """
    sync_if_changed(project_id)
    return plan_project_switch(project_id, _parse_target(wanted))


def _parse_target(wanted: Mapping[str, str | Split]) -> dict[str, Routing]:
    return {
        name: parse_routing(to.version, to.weights) if isinstance(to, Split) else Routing(to)
        for name, to in wanted.items()
    }
