"""Plans: what would move, and whether it can be moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from flask import Blueprint
from pydantic import Field, StringConstraints, model_validator

from sah.blueprints.access import requires
from sah.blueprints.api.functions import RoutingAnswer
from sah.blueprints.api.shapes import Answered, Asked
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.aliases import Routing, parse_routing
from sah.domain.operations import OperationKind
from sah.domain.plans import Plan
from sah.domain.preflight import Preflight
from sah.services.operations import plan_project_switch, preflight_plan
from sah.services.refresh import sync_if_changed
from sah.services.rollback import RollbackPlan, look_and_plan_rollback

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


class SwitchRequest(Asked):
    """Which version each function is to serve; functions that are not named stay."""

    functions: Wanted = Field(min_length=1, max_length=MOST_FUNCTIONS)


Number = Annotated[int, Field(ge=1, le=999_999_999)]


class PlanRequest(Asked):
    """Either which version each function is to serve, or which deployment to go to."""

    functions: Wanted | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_FUNCTIONS,
        description="By function; those that are not named stay.",
    )
    to: Number | Literal["previous"] | None = Field(
        default=None,
        description="A deployment's number, or the one that was live before the present one.",
    )
    partial: bool = Field(
        default=False, description="With to: leave functions where they are that cannot go back."
    )

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Self:
        if (self.functions is None) == (self.to is None):
            raise ValueError("give either functions or to")
        return self


class PlannedMoveAnswer(Answered):
    """One alias that would move."""

    function: str
    from_: RoutingAnswer = Field(serialization_alias="from")
    to: RoutingAnswer


class PlanAnswer(Answered):
    """What would move; give its fingerprint to an operation so that nothing else moves."""

    fingerprint: str
    alias: str
    kind: OperationKind = Field(description="Of the operation that it would be.")
    to: int | None = Field(description="The deployment that a rollback or roll forward goes to.")
    unseen: list[int] = Field(
        description="Newer deployments that previous skips, as SAH cannot know whether they were"
        " live."
    )
    moves: list[PlannedMoveAnswer]
    unchanged: list[str] = Field(description="Functions that serve their target already.")
    untouched: list[str] = Field(description="Functions that were not named.")
    missing: list[str] = Field(description="Functions that lack the alias.")
    problems: dict[str, str] = Field(description="By function, why it cannot be moved.")
    warnings: dict[str, str] = Field(description="By function, what should be known.")
    busy: str = Field(description="That the stack is being updated; empty when it is not.")
    unknown: str = Field(description="Why AWS did not tell that; empty when it did.")


@bp.post("/plan")
@requires(Right.OPERATE)
@describe(PlanAnswer, tag="operations", errors=(409, 502))
def create(project_id: int, json: PlanRequest) -> PlanAnswer:
    """Plan an operation and ask AWS whether it can be carried out. Nothing moves."""
    made = make_plan(project_id, json)
    plan = made.plan
    checks = preflight_plan(project_id, plan) if plan.moves else Preflight()
    return PlanAnswer(
        fingerprint=plan.fingerprint,
        alias=plan.alias,
        kind=made.kind,
        to=made.to,
        unseen=list(made.rollback.unseen) if made.rollback else [],
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
        problems={**made.blocked, **checks.problems},
        warnings=checks.warnings,
        busy=checks.busy,
        unknown=checks.unknown,
    )


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan, and when it goes to a deployment all about that."""

    plan: Plan
    rollback: RollbackPlan | None = None

    @property
    def kind(self) -> OperationKind:
        """What kind of operation it would be."""
        return self.rollback.kind if self.rollback else OperationKind.SWITCH

    @property
    def to(self) -> int | None:
        """The number of the deployment that a rollback or roll forward goes to."""
        return self.rollback.deployment.number if self.rollback else None

    @property
    def blocked(self) -> Mapping[str, str]:
        """Why functions cannot go back, by name."""
        return self.rollback.blocked if self.rollback else {}


def make_plan(project_id: int, wanted: PlanRequest) -> MadePlan:
    """Plan what a call asks for, from what is live now.

    :raises InvalidInputError: a function or version that the project does not have.
    :raises NotFoundError: there is no such deployment.
    :raises ConflictError: one cannot go back to that deployment.
    """
    if wanted.to is not None:
        rollback = look_and_plan_rollback(project_id, wanted.to)
        return MadePlan(rollback.plan, rollback)
    sync_if_changed(project_id)
    return MadePlan(plan_project_switch(project_id, parse_functions(wanted.functions or {})))


def parse_functions(wanted: Mapping[str, str | Split]) -> dict[str, Routing]:
    """Read what each function is to serve.

    :raises InvalidInputError: a split that AWS would refuse.
    """
    return {
        name: parse_routing(to.version, to.weights) if isinstance(to, Split) else Routing(to)
        for name, to in wanted.items()
    }
