"""After a deploy, what a plan is made of is read first, and the rest holds nobody up."""

from collections import Counter

import pytest

from sah.domain.aliases import LATEST, Routing
from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import AwsServerError, BusyError
from sah.extensions import db
from sah.models import Project
from sah.services.functions import FunctionSummary, list_summaries_by_project
from sah.services.locks import ask_for_project
from sah.services.operations import plan_project_switch
from sah.services.projects import get_project
from sah.services.refresh import sync_again, sync_if_changed
from sah.services.rollback import find_previous, plan_rollback
from sah.services.sync import sync_project
from tests.factories import make_account, make_project, make_shop
from tests.fakes import FakeAws, FakeConnections
from tests.services.story import CART, CHECKOUT, SEARCH, Story

pytestmark = pytest.mark.usefixtures("context")

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
BROKEN = AwsServerError("AWS failed.")
# A look at the stack before and after its content is listed.
STACK = {"DescribeStacks": 2, "ListStackResources": 1}


@pytest.fixture
def shop(aws: FakeAws) -> Project:
    project = make_shop(aws)
    aws.calls.clear()
    return project


def functions(project: Project) -> dict[str, FunctionSummary]:
    found = list_summaries_by_project([get_project(project.id)])[project.id]
    return {summary.function.name: summary for summary in found}


def live(project: Project, name: str = CART) -> Routing | None:
    state = functions(project)[name].live
    return None if state is None else state.routing


def read_first(project: Project) -> None:
    sync_project(project.id, leave_rest=True)


def calls(aws: FakeAws) -> dict[str, int]:
    found = Counter(call.name for call in aws.calls)
    aws.calls.clear()
    return dict(found)


class TestCalls:
    def test_a_plan_needs_the_aliases_that_moved_and_the_versions_that_are_new(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.deploy("shop", [CART])
        sync_if_changed(shop.id)
        assert calls(aws) == STACK | {"DescribeStacks": 3, "GetFunction": 3, "ListAliases": 1}
        assert live(shop) == Routing("4")
        assert functions(shop)[CART].versions == ("4", "3", "2", "1")
        assert functions(shop)[CART].function.published_version == "4"
        sync_if_changed(shop.id)
        assert calls(aws) == {"DescribeStacks": 1}

    def test_only_who_waits_for_a_plan_is_urgent(
        self, aws: FakeAws, connections: FakeConnections, shop: Project
    ) -> None:
        for sync, expected in (
            (lambda: sync_project(shop.id), {False}),
            (lambda: read_first(shop), {False}),
            (lambda: sync_if_changed(shop.id), {False, True}),
        ):
            aws.deploy("shop", [CART])
            connections.opened.clear()
            sync()
            assert {urgent for _, urgent in connections.opened} == expected

    def test_a_plan_that_is_made_again_waits_for_no_more(
        self, aws: FakeAws, connections: FakeConnections, shop: Project
    ) -> None:
        aws.deploy("shop", [CART])
        sync_if_changed(shop.id)
        aws.set_alias(SEARCH, "ACTIVE", "1")
        aws.calls.clear()
        connections.opened.clear()
        with ask_for_project(shop.id):
            assert sync_again(shop.id)
        assert calls(aws) == STACK | {"GetFunction": 3, "ListAliases": 1}
        assert all(urgent for _, urgent in connections.opened)
        assert live(shop, SEARCH) == Routing("1")

    def test_the_next_sync_reads_the_rest_once(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [CART])
        sync_if_changed(shop.id)
        assert [sync_project(shop.id).full, sync_project(shop.id).full] == [True, False]

    def test_a_sync_that_notices_the_change_reads_the_rest_itself(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.deploy("shop", [CART])
        assert sync_project(shop.id).full
        found = calls(aws)
        assert (found["ListAliases"], found["ListVersionsByFunction"]) == (1 + 3, 3)
        assert sync_project(shop.id).full is False

    def test_a_deploy_under_way_lists_only_the_aliases_that_it_moved(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.set_alias(CART, "ACTIVE", aws.begin_deploy("shop", CART))
        sync_project(shop.id)
        assert calls(aws) == STACK | {"GetFunction": 3, "ListAliases": 1}
        assert live(shop) == Routing("4")
        sync_project(shop.id)
        assert calls(aws) == STACK | {"GetFunction": 3}
        assert sync_project(shop.id, force_full=True).full

    def test_what_a_report_waits_for_is_read_without_the_rest(self, story: Story) -> None:
        story.deploy(CART, SEARCH)
        number = story.report()
        story.aws.calls.clear()
        story.capture()
        assert calls(story.aws) == STACK | {"GetFunction": 3, "ListAliases": 2}
        assert story.versions(number) == "2 1 2"
        assert story.lived() == [1, number]
        previous = find_previous(story.project_id)
        assert previous is not None
        assert previous.number == 1
        assert [m.function for m in plan_rollback(story.project_id).plan.moves] == [CART, SEARCH]

    def test_a_report_of_a_stack_that_is_known_leaves_nothing_to_read(self, story: Story) -> None:
        story.ship(CART)
        assert story.sync().full
        story.report()
        story.capture()
        assert story.sync().full is False


class TestWhatIsRead:
    def test_a_new_function_is_read_whole(self, aws: FakeAws, shop: Project) -> None:
        aws.add_to_stack("shop", "shop-pay", 2)
        aws.add_mapping("shop-pay", "ACTIVE", QUEUE)
        aws.set_stack_status("shop", "UPDATE_COMPLETE")
        read_first(shop)
        seen = functions(shop)["shop-pay"]
        assert (seen.versions, [t.kind for t in seen.triggers]) == (("2", "1"), ["SQS"])
        assert aws.count("ListVersionsByFunction") == 1

    def test_a_removed_function_is_gone(self, aws: FakeAws, shop: Project) -> None:
        aws.remove_function("shop", CART)
        read_first(shop)
        assert functions(shop)[CART].function.gone_at is not None
        assert functions(shop)[CHECKOUT].function.gone_at is None

    def test_versions_published_between_are_listed(self, story: Story) -> None:
        story.deploy(CART)
        first = story.report()
        story.deploy(CART, SEARCH)
        second = story.report()
        story.aws.calls.clear()
        story.capture()
        assert (story.versions(first), story.versions(second)) == ("2 1 1", "3 1 2")
        assert story.aws.count("ListVersionsByFunction", CART) == 1
        assert story.aws.count("ListVersionsByFunction") == 1

    def test_a_version_that_does_not_go_live_is_read(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [CART], activate=False)
        read_first(shop)
        assert calls(aws) == STACK | {"GetFunction": 3, "ListAliases": 1}
        assert live(shop) == Routing("3")
        assert functions(shop)[CART].versions[0] == "4"

    def test_a_published_version_that_was_deleted_is_no_lost_function(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.deploy("shop", [CART], activate=False)
        aws.delete_version(CART, "4")
        read_first(shop)
        seen = functions(shop)[CART]
        assert (seen.function.gone_at, seen.versions) == (None, ("3", "2", "1"))

    def test_a_deleted_function_is_gone(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [SEARCH])
        aws.delete_function(CART)
        read_first(shop)
        assert functions(shop)[CART].function.gone_at is not None

    def test_a_deleted_alias_is_gone(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [SEARCH])
        aws.delete_alias(CART, "ACTIVE")
        read_first(shop)
        assert live(shop) is None

    def test_a_split_alias_is_listed(self, aws: FakeAws, shop: Project) -> None:
        aws.set_alias(CART, "ACTIVE", "3", ("2", 0.5))
        sync_project(shop.id)
        aws.set_alias(CART, "ACTIVE", "3", ("2", 0.9))
        aws.deploy("shop", [SEARCH])
        read_first(shop)
        assert live(shop) == Routing("3", (("2", 0.9),))

    def test_a_canary_of_a_deploy_is_seen_while_it_runs(self, aws: FakeAws, shop: Project) -> None:
        version = aws.begin_deploy("shop", CART)
        sync_project(shop.id)
        assert live(shop) == Routing("3")
        aws.set_alias(CART, "ACTIVE", "3", (version, 0.1))
        read_first(shop)
        assert live(shop) == Routing("3", ((version, 0.1),))
        assert [m.function for m in plan_project_switch(shop.id, {CART: Routing("3")}).moves] == [
            CART
        ]

    def test_a_canary_that_began_with_a_deploy_is_seen(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [CART], activate=False)
        aws.set_alias(CART, "ACTIVE", "3", ("4", 0.1))
        read_first(shop)
        assert live(shop) == Routing("3", (("4", 0.1),))

    def test_what_was_rolled_back_earlier_is_not_listed_after_a_deploy(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.set_alias(SEARCH, "ACTIVE", "1")
        sync_project(shop.id)
        aws.deploy("shop", [CART])
        aws.calls.clear()
        read_first(shop)
        assert calls(aws) == STACK | {"GetFunction": 3, "ListAliases": 1}

    @pytest.mark.parametrize("alias", ["dev", "ACTIVE"])
    def test_an_alias_of_latest_leads_to_no_version(
        self, aws: FakeAws, shop: Project, alias: str
    ) -> None:
        aws.set_alias(CART, alias, LATEST)
        assert sync_project(shop.id).worked
        aws.deploy("shop", [CART, SEARCH], activate=False)
        assert sync_project(shop.id).worked
        assert functions(shop)[CART].versions == ("4", "3", "2", "1")
        aws.calls.clear()
        assert sync_project(shop.id).worked
        assert calls(aws) == {"DescribeStacks": 1, "ListAliases": 3}

    def test_a_deploy_that_was_rolled_back_has_all_aliases_listed(
        self, aws: FakeAws, shop: Project
    ) -> None:
        aws.set_alias(CART, "ACTIVE", "3")  # away and back: only the RevisionId tells
        aws.fail_deploy("shop", CHECKOUT)
        read_first(shop)
        assert aws.count("ListAliases") == 3
        seen = functions(shop)[CART].live
        assert seen is not None
        db.session.remove()
        assert seen.revision_id == aws.get_alias(CART, "ACTIVE").revision_id


class TestFailures:
    def test_one_function_stops_no_other_and_is_read_again(self, story: Story) -> None:
        story.deploy(CART, SEARCH)
        number = story.report()
        story.aws.fail("ListAliases", BROKEN, subject=SEARCH)
        story.capture()
        assert story.get(number).status == DeploymentStatus.PENDING
        assert live(story.project, CART) == Routing("2")
        story.aws.calls.clear()
        story.capture()
        assert story.versions(number) == "2 1 2"
        assert story.aws.count("ListAliases") == 1

    def test_reports_of_no_change_cost_no_more_than_a_sync(self, story: Story) -> None:
        story.deploy(CART)
        story.report()
        story.capture()
        calls(story.aws)
        number = story.report()
        story.capture()
        assert story.get(number).no_change
        assert set(calls(story.aws)) == {"DescribeStacks", "ListAliases"}

    def test_a_note_on_triggers_stays_until_they_are_read(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {CART: 2})
        aws.fail("ListEventSourceMappings", BROKEN)
        project = make_project(make_account(), "shop")
        aws.deploy("shop")
        read_first(project)
        db.session.expire_all()
        assert "triggers may be missing" in project.sync_error
        assert sync_project(project.id).error == ""


class TestGivingWay:
    def test_the_job_gives_way_to_who_waits_for_a_plan(self, aws: FakeAws, shop: Project) -> None:
        with ask_for_project(shop.id), pytest.raises(BusyError, match="waits for a plan"):
            sync_project(shop.id)
        assert aws.count("ListAliases") == 0
        assert sync_project(shop.id).worked

    def test_what_a_plan_is_made_of_is_read_all_the_same(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [CART])
        with ask_for_project(shop.id):
            assert sync_project(shop.id).full is False
        assert live(shop) == Routing("4")
        assert sync_project(shop.id).full

    def test_of_two_who_wait_none_gives_way(self, aws: FakeAws, shop: Project) -> None:
        aws.deploy("shop", [CART])
        with ask_for_project(shop.id):
            sync_if_changed(shop.id)
        assert live(shop) == Routing("4")
