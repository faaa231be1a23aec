"""A deployment that waits for another sync to end is not put off as if AWS had failed."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus
from sah.extensions import db
from sah.models import Deployment
from sah.services.capture import capture_project
from sah.services.deployments import DeploymentReport, record_deployment
from sah.services.locks import claim_project
from tests.factories import make_shop
from tests.fakes import FakeAws


@pytest.mark.usefixtures("context")
def test_while_another_sync_runs_it_is_tried_every_two_seconds(aws: FakeAws) -> None:
    shop = make_shop(aws)
    record_deployment(shop.id, DeploymentReport(), reported_by="a test")
    query = sa.select(Deployment).where(Deployment.status == DeploymentStatus.PENDING)
    with claim_project(shop.id, 0.0):
        for _ in range(10):
            capture_project(shop.id)
    waiting = db.session.scalars(query.execution_options(populate_existing=True)).one()
    assert "is being synced already" in waiting.error
    assert waiting.tries == 0
    assert waiting.next_try_at is not None
    assert waiting.next_try_at <= datetime.now(UTC) + timedelta(seconds=2)
    capture_project(shop.id)
    assert db.session.scalar(query) is None
