"""A pipeline as tests have one: it deploys a stack, reports that, and SAH reads it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask

from sah.domain.aliases import Routing
from sah.services.deployments import DeploymentReport, record_deployment
from sah.services.operations import (
    OperationRequest,
    execute_operation,
    plan_project_switch,
    start_operation,
)
from sah.services.sync import sync_project
from tests.factories import OPERATOR
from tests.fakes import FakeAws


@dataclass(frozen=True)
class Pipeline:
    """Deploys the stack ``shop``, whose project is ``project_id``."""

    app: Flask
    aws: FakeAws
    project_id: int

    def deploy(self, *changed: str, **said: str) -> int:
        """Deploy these functions, report it, and have it read; give the deployment's number."""
        self.change(changed)
        number = self.report(**said)
        self.sync()
        return number

    def overtake(self, *changed: str) -> int:
        """Deploy and report, and deploy all again before SAH could look; give the number."""
        self.change(changed)
        number = self.report()
        self.aws.now = minutes_from_now(5)
        self.aws.deploy("shop")
        self.sync()
        return number

    def change(self, changed: Collection[str]) -> None:
        """Deploy without telling anybody; what is deployed is some minutes old."""
        self.aws.deploy("shop", changed)

    def report(self, **said: str) -> int:
        """Tell SAH of a deploy, which nobody reads yet."""
        with self.app.app_context():
            report = DeploymentReport(**said)
            return record_deployment(self.project_id, report, reported_by="ci (token)").number

    def switch(self, **target: str) -> int:
        """Move functions, by name without the prefix ``shop-``; give the operation's id."""
        wanted = {f"shop-{name}": Routing(version) for name, version in target.items()}
        with self.app.app_context():
            plan = plan_project_switch(self.project_id, wanted)
            request = OperationRequest(
                self.project_id, wanted, plan.fingerprint, "It is slow.", OPERATOR
            )
            return execute_operation(start_operation(request).id).id

    def sync(self) -> None:
        """Have everything read from AWS, as the sync does."""
        with self.app.app_context():
            sync_project(self.project_id, force_full=True)


def minutes_from_now(minutes: float) -> datetime:
    """Give a time that is so many minutes ahead, or behind when negative."""
    return datetime.now(UTC) + timedelta(minutes=minutes)
