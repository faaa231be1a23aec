"""A shop that is deployed again and again, on a clock that AWS and SAH share."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
import time_machine

from sah.domain.aliases import DEFAULT_ALIAS, Routing
from sah.extensions import db
from sah.models import Deployment, LivePeriod, Operation, Project
from sah.services.capture import capture_due, capture_project
from sah.services.deployments import DeploymentReport, get_deployment, record_deployment
from sah.services.operations import (
    OperationRequest,
    execute_operation,
    plan_project_switch,
    start_operation,
)
from sah.services.projects import ProjectDetails, update_project
from sah.services.rollback import PREVIOUS, Target, find_previous, plan_rollback, request_rollback
from sah.services.snapshots import read_snapshot
from sah.services.summaries import DeploymentSummary, summarise_deployments
from sah.services.sync import SyncReport, sync_project
from tests.factories import make_shop
from tests.fakes import FakeAws

CART, CHECKOUT, SEARCH = "shop-cart", "shop-checkout", "shop-search"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Story:
    """What happens to the shop, in words. Deployment #1 was noticed, one version of each.

    Each act takes time, so that no two things happen at once. ``skew`` is how far
    AWS's clock is ahead of SAH's.
    """

    aws: FakeAws
    clock: time_machine.Traveller
    project_id: int
    skew: timedelta = timedelta(0)

    @property
    def project(self) -> Project:
        """The project as the next request would read it."""
        db.session.remove()
        return db.session.get_one(Project, self.project_id)

    @property
    def changed_at(self) -> datetime:
        """When the stack changed last, by AWS's clock."""
        db.session.remove()
        return self.aws.get_stack("shop").changed_at

    def serving(self, function: str) -> str:
        """Ask AWS what a function serves."""
        db.session.remove()
        return str(self.aws.get_alias(function, DEFAULT_ALIAS).routing)

    def pass_time(self, **span: float) -> None:
        """Let time pass for everybody, and begin with nothing in mind."""
        db.session.remove()
        self.clock.shift(timedelta(**span))

    def deploy(self, *changed: str, activate: bool = True, stack: str = "shop") -> None:
        """Deploy functions, all of them unless named, and tell nobody."""
        self._meet()
        self.aws.deploy(stack, changed or None, activate=activate)
        self._part()

    def change_stack(self, status: str = "UPDATE_COMPLETE", *, stack: str = "shop") -> None:
        """Let CloudFormation do something that publishes nothing."""
        self._meet()
        self.aws.set_stack_status(stack, status)
        self._part()

    def fail_deploy(self, function: str) -> None:
        """Deploy a function, and let CloudFormation roll that back because of something else."""
        self._meet()
        self.aws.fail_deploy("shop", function)
        self._part()

    def finish(self, status: str = "UPDATE_COMPLETE") -> None:
        """End what CloudFormation is at; the time of the last update stays."""
        self.aws.set_stack_status("shop", status, at=self.changed_at)

    def point_to(self, stack: str, alias: str = DEFAULT_ALIAS) -> None:
        """Give the project another stack, or its alias another name."""
        self.pass_time(minutes=1)
        project = self.project
        details = ProjectDetails(project.name, project.account_id, stack, alias)
        update_project(project.id, details, project.revision)

    def report(self, key: str = "", **facts: str) -> int:
        """Send the webhook; give the deployment's number."""
        number = record_deployment(
            self.project_id,
            DeploymentReport(**facts),
            reported_by="the pipeline",
            idempotency_key=key,
        ).number
        self.pass_time(seconds=1)
        return number

    def ship(self, *changed: str, activate: bool = True) -> int:
        """Deploy, report, and let SAH read it; give the number."""
        self.deploy(*changed, activate=activate)
        number = self.report()
        self.capture()
        return number

    def sync(self, *, full: bool = False) -> SyncReport:
        """Read the stack as the job does every minute."""
        self.pass_time(seconds=1)
        return sync_project(self.project_id, force_full=full)

    def capture(self) -> None:
        """Read the stack since a deployment waits, whether it is time or not."""
        self.pass_time(seconds=1)
        capture_project(self.project_id)

    def run_job(self) -> int:
        """Run the job that captures what is due."""
        self.pass_time(seconds=1)
        return capture_due()

    def roll_back(self, to: Target = PREVIOUS, *, partial: bool = False) -> Operation:
        """Roll back, from the plan to the end."""
        self.pass_time(minutes=1)
        rollback = plan_rollback(self.project_id, to)
        request = request_rollback(
            rollback, reason="bad deploy", requested_by="kim@example.com", partial=partial
        )
        return self._carry_out(request)

    def switch(self, **versions: str) -> Operation:
        """Move functions, named without ``shop-``, by hand."""
        self.pass_time(minutes=1)
        target = {f"shop-{name}": Routing(version) for name, version in versions.items()}
        plan = plan_project_switch(self.project_id, target)
        request = OperationRequest(
            self.project_id, target, plan.fingerprint, "try", "kim@example.com"
        )
        return self._carry_out(request)

    def _carry_out(self, request: OperationRequest) -> Operation:
        operation = execute_operation(start_operation(request).id)
        self.pass_time(seconds=1)
        return operation

    def get(self, number: int) -> Deployment:
        """Read a deployment."""
        db.session.remove()
        return get_deployment(self.project_id, number)

    def summary(self, number: int) -> DeploymentSummary:
        """Read a deployment as a list shows it."""
        (found,) = summarise_deployments(self.project, [self.get(number)])
        return found

    def versions(self, number: int) -> str:
        """Say what a deployment published: the versions, by the functions' names in order."""
        snapshot_id = self.get(number).snapshot_id
        assert snapshot_id is not None
        return " ".join(version for _, version in sorted(read_snapshot(snapshot_id).items()))

    def lived(self) -> list[int]:
        """List which deployments were wholly live, one after the other; 0 ends it when none is."""
        query = (
            sa.select(Deployment.number, LivePeriod.began_at, LivePeriod.ended_at)
            .join(Deployment, Deployment.id == LivePeriod.deployment_id)
            .where(Deployment.project_id == self.project_id, Deployment.snapshot_id.is_not(None))
            .order_by(LivePeriod.id)
        )
        found = list(db.session.execute(query))
        for one, other in pairwise(found):
            assert one.ended_at is not None
            assert one.began_at <= one.ended_at <= other.began_at
        return [one.number for one in found] + ([0] if found and found[-1].ended_at else [])

    def previous(self) -> int | None:
        """Give the number of what “roll back” means."""
        found = find_previous(self.project_id)
        return found.number if found else None

    def numbers(self) -> Collection[int]:
        """List all numbers that were ever given, in order."""
        query = sa.select(Deployment.number).where(Deployment.project_id == self.project_id)
        return list(db.session.scalars(query.order_by(Deployment.number)))

    def _meet(self) -> None:
        self.aws.now = datetime.now(UTC) + self.skew

    def _part(self) -> None:
        self.clock.move_to(self.aws.now - self.skew + timedelta(seconds=5))


def begin_story(aws: FakeAws, clock: time_machine.Traveller) -> Story:
    """Let a shop with one version of each function be there, read by SAH."""
    aws.now = START - timedelta(hours=1)
    project = make_shop(aws, {CART: 1, CHECKOUT: 1, SEARCH: 1})
    return Story(aws, clock, project.id)
