"""Retention removes snapshots that nobody needs, never a line of the history."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from sah.domain.errors import ConflictError
from sah.extensions import db
from sah.models import Deployment, Project, PublishedVersion, Snapshot
from sah.services.comparison import compare_deployments
from sah.services.locks import claim_project
from sah.services.retention import prune_snapshots
from sah.services.rollback import find_previous, plan_rollback
from sah.services.sync import sync_project
from tests.factories import SHOP, make_project, make_shop
from tests.fakes import FakeAws

pytestmark = pytest.mark.usefixtures("context")

CART = "shop-cart"


@pytest.fixture
def shop(aws: FakeAws) -> Project:
    """A shop with five deployments, the newest one live."""
    project = make_shop(aws)
    for _ in range(4):
        deploy(aws, project)
    return project


def deploy(aws: FakeAws, project: Project, *functions: str) -> None:
    aws.deploy("shop", functions or None)
    sync_project(project.id)


def lines(project: Project) -> dict[int, bool]:
    """Say of each deployment whether it has its snapshot."""
    query = sa.select(Deployment).where(Deployment.project_id == project.id)
    rows = db.session.scalars(query.execution_options(populate_existing=True))
    for row in (found := list(rows)):
        assert (row.pruned_at is None) == (row.snapshot_id is not None)
    return {row.number: row.snapshot_id is not None for row in found}


def count(model: type[Snapshot | PublishedVersion]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_everything_is_kept_by_default(shop: Project) -> None:
    assert prune_snapshots(0) == 0
    assert lines(shop) == dict.fromkeys(range(1, 6), True)


def test_old_snapshots_go_and_their_lines_stay(shop: Project) -> None:
    assert prune_snapshots(3) == 2
    assert lines(shop) == {1: False, 2: False, 3: True, 4: True, 5: True}
    assert count(Snapshot) == 3
    assert prune_snapshots(3) == 0


def test_a_removed_snapshot_is_named_as_the_reason(shop: Project) -> None:
    prune_snapshots(3)
    with pytest.raises(ConflictError, match="removed by the retention setting"):
        plan_rollback(shop.id, 1)
    with pytest.raises(ConflictError) as refused:
        compare_deployments(shop.id, 1, 5)
    assert "removed by the retention setting" in refused.value.hint


def test_what_is_live_and_what_previous_means_stay(aws: FakeAws, shop: Project) -> None:
    for name in SHOP:  # back to the second one, by somebody else
        aws.set_alias(name, shop.alias, "4")
    sync_project(shop.id)
    previous = find_previous(shop.id)
    assert previous is not None
    assert previous.number == 1
    prune_snapshots(1)
    assert lines(shop) == {1: True, 2: True, 3: False, 4: False, 5: True}
    assert plan_rollback(shop.id).deployment.number == 1


def test_the_newest_that_is_partly_live_stays(aws: FakeAws, shop: Project) -> None:
    aws.set_alias(CART, shop.alias, "4")
    for name in set(SHOP) - {CART}:
        aws.set_alias(name, shop.alias, "3")
    sync_project(shop.id)
    prune_snapshots(1)
    previous = find_previous(shop.id)
    assert previous is not None
    assert previous.number == 4
    assert lines(shop) == {1: False, 2: True, 3: False, 4: True, 5: True}


def test_deployments_that_changed_nothing_do_not_count(aws: FakeAws, shop: Project) -> None:
    for _ in range(3):
        aws.set_stack_status("shop", "UPDATE_COMPLETE")
        sync_project(shop.id)
    prune_snapshots(2)
    kept = {number for number, has in lines(shop).items() if has}
    assert kept == {4, 5, 6, 7, 8}


def test_the_next_deployment_is_compared_as_before(aws: FakeAws, shop: Project) -> None:
    prune_snapshots(1)
    deploy(aws, shop, CART)
    newest = db.session.scalars(sa.select(Deployment).order_by(Deployment.number.desc())).first()
    assert newest is not None
    assert (newest.changed, newest.added, newest.removed) == ([CART], [], [])


def test_deleted_versions_go_with_the_last_snapshot_that_had_them(
    aws: FakeAws, shop: Project
) -> None:
    known = count(PublishedVersion)
    aws.delete_version(CART, "3")  # that of the first deployment
    aws.delete_version(CART, "6")  # that of the fourth, which stays
    sync_project(shop.id, force_full=True)
    prune_snapshots(2)
    assert count(PublishedVersion) == known, "what a late webhook may need stays for a day"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, minutes=1)):
        prune_snapshots(2)
    assert count(PublishedVersion) == known - 1


def test_a_project_that_is_being_synced_waits(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.services.retention._PATIENCE_S", 0.0)
    with claim_project(shop.id, 0.0):
        assert prune_snapshots(1) == 0
    assert prune_snapshots(1) == 3


def test_projects_are_counted_apart(aws: FakeAws, shop: Project) -> None:
    aws.add_stack("till", {"till-sell": 1})

    till = make_project(shop.account, "till")
    prune_snapshots(4)
    assert lines(till) == {1: True}
    assert lines(shop) == {1: False, 2: True, 3: True, 4: True, 5: True}
