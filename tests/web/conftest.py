"""What the tests of the pages share."""

import pytest
from flask import Flask

from sah.domain.aliases import Routing
from sah.services.operations import (
    OperationRequest,
    execute_operation,
    plan_project_switch,
    start_operation,
)
from tests.factories import OPERATOR, make_shop
from tests.fakes import FakeAws
from tests.web.pipeline import Pipeline, minutes_from_now


@pytest.fixture(autouse=True)
def in_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carry operations out before the answer, so that the next page shows their end."""
    for pages in ("switch", "deployments"):
        monkeypatch.setattr(f"sah.blueprints.{pages}.run_operation", execute_operation)


@pytest.fixture
def shop(app: Flask, aws: FakeAws) -> int:
    """A project of three functions with three versions each; its id."""
    with app.app_context():
        return make_shop(aws).id


@pytest.fixture
def operation(app: Flask, shop: int) -> int:
    """An operation that moved shop-cart back to version 2; its id."""
    target = {"shop-cart": Routing("2")}
    with app.app_context():
        plan = plan_project_switch(shop, target)
        request = OperationRequest(shop, target, plan.fingerprint, "It is slow.", OPERATOR)
        return execute_operation(start_operation(request).id).id


@pytest.fixture
def pipeline(app: Flask, aws: FakeAws) -> Pipeline:
    """The shop, whose first deployment SAH noticed hours ago, and a pipeline that deploys it."""
    aws.now = minutes_from_now(-600)
    with app.app_context():
        return Pipeline(app, aws, make_shop(aws).id)
