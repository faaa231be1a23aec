"""What a deploy really put live: captured, worked out, noticed, and become one."""

from datetime import timedelta

import pytest

from sah.domain.deployments import DeploymentSource, DeploymentStatus, Liveness
from sah.domain.errors import AwsServerError, AwsUnreachableError
from sah.services.live import list_deciding_periods
from sah.services.timeline import list_timeline
from tests.factories import make_project
from tests.fakes import Call
from tests.services.story import CART, CHECKOUT, SEARCH, Story

PENDING, CAPTURED, FAILED = DeploymentStatus


class TestWebhook:
    def test_it_waits_until_the_stack_is_read_and_then_shows_what_went_live(
        self, story: Story
    ) -> None:
        story.deploy(CART)
        calls = len(story.aws.calls)
        number = story.report(commit="3f2a1c9", author="Kim")
        assert len(story.aws.calls) == calls
        waiting = story.get(number)
        assert (waiting.status, waiting.snapshot_id) == (PENDING, None)
        story.capture()
        captured = story.get(number)
        assert (captured.status, captured.error, captured.next_try_at) == (CAPTURED, "", None)
        assert (captured.commit, captured.author) == ("3f2a1c9", "Kim")
        assert (captured.changed, captured.added, captured.removed) == ([CART], [], [])
        assert (captured.no_change, captured.reconstructed, captured.elsewhere) == (
            False,
            False,
            {},
        )
        assert captured.stack_changed_at == story.changed_at
        assert story.versions(number) == "2 1 1"
        assert story.summary(number).liveness is Liveness.LIVE

    def test_functions_that_came_and_went_are_told(self, story: Story) -> None:
        story.aws.remove_function("shop", SEARCH)
        story.aws.add_to_stack("shop", "shop-pay")
        story.deploy(CART)
        number = story.report()
        story.capture()
        found = story.get(number)
        assert (found.changed, found.added, found.removed) == ([CART], ["shop-pay"], [SEARCH])

    def test_a_function_that_comes_back_under_its_name_has_newer_versions(
        self, story: Story
    ) -> None:
        story.aws.remove_function("shop", SEARCH)
        story.deploy(CART)
        without = story.report()
        story.capture()
        story.aws.add_to_stack("shop", SEARCH)
        story.deploy(CART)
        with_it = story.report()
        story.capture()
        assert (story.versions(without), story.versions(with_it)) == ("2 1", "3 1 2")
        assert story.get(with_it).added == [SEARCH]
        assert story.summary(1).problems == {SEARCH: "Version 1 was deleted."}

    def test_a_deploy_that_changed_nothing_is_marked(self, story: Story) -> None:
        real = story.ship(CART)
        story.pass_time(minutes=5)
        again = story.report()
        story.capture()
        assert story.get(again).no_change
        assert story.versions(again) == story.versions(real)
        assert story.lived() == [1, real]

    def test_many_reports_of_one_stack_are_captured_by_one_reading(self, story: Story) -> None:
        story.deploy(CART)
        numbers = [story.report() for _ in range(30)]
        before = story.aws.count("ListStackResources")
        story.capture()
        assert story.aws.count("ListStackResources") == before + 1
        assert [story.get(n).no_change for n in numbers] == [False] + [True] * 29
        assert {story.versions(n) for n in numbers} == {"2 1 1"}

    def test_a_deploy_that_leaves_the_alias_is_captured_as_elsewhere_and_not_live(
        self, story: Story
    ) -> None:
        number = story.ship(CART, activate=False)
        found = story.summary(number)
        assert found.deployment.elsewhere == {CART: "1"}
        assert (found.liveness, found.active_for) == (Liveness.NOT_LIVE, None)
        assert story.lived() == [1]
        assert story.switch(cart="2").error == ""
        assert story.lived() == [1, number]

    def test_functions_without_a_version_are_in_no_snapshot(self, story: Story) -> None:
        story.aws.add_to_stack("shop", "shop-helper", 0)
        number = story.ship(CART)
        assert story.versions(number) == "2 1 1"

    def test_nested_stacks_are_part_of_it(self, story: Story) -> None:
        story.aws.add_stack("shop-nested", {"shop-nested-pay": 4}, parent="shop")
        number = story.ship(CART)
        assert story.get(number).added == ["shop-nested-pay"]
        assert story.versions(number) == "2 1 4 1"

    def test_two_projects_do_not_mix(self, story: Story) -> None:
        story.aws.add_stack("bar", {"bar-till": 1})
        other = make_project(story.project.account, "bar")
        bar = Story(story.aws, story.clock, other.id)
        story.deploy(CART)
        ours, theirs = story.report(key="same"), bar.report(key="same")
        story.capture()
        assert (ours, theirs) == (2, 2)
        assert bar.get(theirs).status == PENDING
        bar.capture()
        assert bar.get(1).number == theirs
        assert (story.versions(ours), bar.versions(theirs)) == ("2 1 1", "1")
        assert (story.lived(), bar.lived()) == ([1, 2], [2])


class TestWaiting:
    @pytest.mark.parametrize(
        "status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
    )
    def test_it_waits_while_cloudformation_is_at_work(self, story: Story, status: str) -> None:
        story.deploy(CART)
        story.change_stack(status)
        number = story.report()
        story.capture()
        waiting = story.get(number)
        assert (waiting.status, waiting.tries) == (PENDING, 1)
        assert waiting.error == "CloudFormation is still at work on the stack."
        story.finish()
        story.capture()
        assert story.get(number).status == CAPTURED
        assert story.versions(number) == "2 1 1"

    def test_a_deploy_that_begins_during_the_reading_is_not_mixed_in(self, story: Story) -> None:
        """What was read of some functions is of the next deploy, and of others is not."""
        story.deploy(CART)
        number = story.report()
        check = story.aws.hook

        def deploy_meanwhile(call: Call) -> None:
            if call.name == "ListStackResources":
                story.aws.hook = check
                story.deploy(CART, CHECKOUT)

        story.aws.hook = deploy_meanwhile
        story.capture()
        assert story.get(number).status == PENDING
        second = story.report()
        story.capture()
        assert (story.versions(number), story.versions(second)) == ("2 1 1", "3 2 1")

    def test_a_function_that_cannot_be_read_postpones(self, story: Story) -> None:
        story.deploy(CART, SEARCH)
        number = story.report()
        story.aws.fail("GetFunction", AwsServerError("AWS failed."), subject=SEARCH)
        story.capture()
        waiting = story.get(number)
        assert (waiting.status, waiting.error) == (PENDING, f"Could not be read: {SEARCH}.")
        story.capture()
        assert story.versions(number) == "2 1 2"

    def test_when_the_stack_is_gone_it_failed_with_a_reason(self, story: Story) -> None:
        story.deploy(CART)
        number = story.report()
        story.aws.delete_stack("shop")
        story.capture()
        found = story.get(number)
        assert found.status == FAILED
        assert found.error == "AWS had no such stack when SAH looked."
        assert story.lived() == [1, 0]

    def test_a_webhook_that_comes_while_the_stack_is_found_gone_waits(self, story: Story) -> None:
        check = story.aws.hook
        numbers: list[int] = []

        def make_again(call: Call) -> None:
            if call.name == "DescribeStacks":
                story.aws.hook = check
                story.aws.delete_stack("shop")
                story.pass_time(seconds=1)
                numbers.append(story.report())

        story.aws.hook = make_again
        story.sync()
        assert story.get(numbers[0]).status == PENDING


class TestAfterAnOutage:
    def test_all_are_captured_in_order_and_those_overtaken_say_so(self, story: Story) -> None:
        story.aws.fail("DescribeStacks", AwsUnreachableError("AWS is away."), times=1000)
        numbers = []
        for changed in ([CART], [CART, CHECKOUT], [SEARCH], [CART]):
            story.deploy(*changed)
            numbers.append(story.report())
            for _ in range(4):
                story.pass_time(minutes=5)
                story.run_job()
        assert {story.get(n).status for n in numbers} == {PENDING}
        assert all("AWS is away" in story.get(n).error for n in numbers)
        story.aws._faults.clear()
        story.pass_time(minutes=2)
        story.run_job()
        assert [story.versions(n) for n in numbers] == ["2 1 1", "3 2 1", "3 2 2", "4 2 2"]
        found = [story.get(n) for n in numbers]
        assert [one.changed for one in found] == [[CART], [CART, CHECKOUT], [SEARCH], [CART]]
        assert [one.reconstructed for one in found] == [True, True, True, False]
        assert [one.no_change for one in found] == [False] * 4
        assert story.lived() == [1, numbers[-1]]
        assert list(story.numbers()) == [1, *numbers]

    def test_a_function_that_was_removed_before_is_not_brought_back(self, story: Story) -> None:
        story.aws.remove_function("shop", SEARCH)
        story.ship(CART)
        story.deploy(CART)
        late = story.report()
        story.pass_time(minutes=5)
        story.deploy(CHECKOUT)
        story.report()
        story.capture()
        assert story.get(late).reconstructed
        assert story.get(late).added == []
        assert story.versions(late) == "3 1"

    def test_a_function_that_only_the_last_one_removed_is_there_until_then(
        self, story: Story
    ) -> None:
        story.ship(SEARCH)
        story.deploy(CART)
        late = story.report()
        story.pass_time(minutes=5)
        story.aws.remove_function("shop", SEARCH)
        story.deploy(CART)
        last = story.report()
        story.capture()
        assert (story.versions(late), story.versions(last)) == ("2 1 2", "3 1")
        assert story.get(last).removed == [SEARCH]

    def test_versions_made_by_hand_of_functions_without_one_are_left_out(
        self, story: Story
    ) -> None:
        story.aws.add_to_stack("shop", "shop-helper", 0)
        story.aws.publish("shop-helper")
        story.deploy(CART)
        late = story.report()
        story.pass_time(minutes=5)
        story.deploy(CART)
        story.report()
        story.capture()
        assert story.get(late).reconstructed
        assert story.versions(late) == "2 1 1"

    def test_what_cloudformation_rolled_back_meanwhile_is_left_out(self, story: Story) -> None:
        """The version that it published stays, but the stack never came to have it."""
        story.fail_deploy(CART)
        story.deploy(CHECKOUT)
        late = story.report()
        story.pass_time(minutes=5)
        story.deploy(CHECKOUT)
        last = story.report()
        story.capture()
        assert story.get(late).reconstructed
        assert (story.versions(late), story.versions(last)) == ("1 2 1", "1 3 1")
        assert story.get(late).changed == story.get(last).changed == [CHECKOUT]

    def test_what_was_live_before_ends_where_nobody_saw_it_any_more(self, story: Story) -> None:
        story.deploy(CART)
        late = story.report()
        story.pass_time(minutes=30)
        last = story.ship(CHECKOUT)
        first, second = list_deciding_periods(story.project_id)
        assert (first.ended_at, second.began_at) == (
            story.get(late).deployed_at,
            story.get(last).deployed_at,
        )

    def test_what_stays_live_all_through_is_seen_to_be(self, story: Story) -> None:
        story.deploy(CART, activate=False)
        story.report()
        story.pass_time(minutes=30)
        story.ship(CHECKOUT, activate=False)
        (period,) = list_deciding_periods(story.project_id)
        assert (period.number, period.ended_at) == (1, None)

    def test_thousands_that_were_overtaken_need_few_readings_of_the_tables(
        self, story: Story
    ) -> None:
        story.deploy(CART)
        numbers = [story.report() for _ in range(200)]
        story.pass_time(minutes=5)
        story.deploy(CART)
        story.capture()
        assert {story.get(n).status for n in numbers[:3]} == {CAPTURED}
        assert [story.get(n).no_change for n in numbers[:3]] == [False, True, True]
        assert story.versions(numbers[-1]) == "2 1 1"


class TestNoticed:
    def test_a_change_that_nobody_reported_is_noticed_once(self, story: Story) -> None:
        story.deploy(CART)
        for _ in range(3):
            story.sync()
        assert list(story.numbers()) == [1, 2]
        found = story.get(2)
        assert (found.source, found.changed) == (DeploymentSource.NOTICED, [CART])
        assert found.deployed_at == story.changed_at
        assert story.lived() == [1, 2]

    def test_a_late_webhook_becomes_one_with_it(self, story: Story) -> None:
        story.deploy(CART)
        story.sync()
        story.pass_time(minutes=30)
        number = story.report(commit="3f2a1c9")
        story.capture()
        found = story.get(number)
        assert (found.status, found.changed, found.no_change) == (CAPTURED, [CART], False)
        assert found.deployed_at == story.changed_at
        assert story.get(2).number == number
        assert story.lived() == [1, number]
        (entry, first) = list_timeline(story.project).entries
        assert [d.deployment.number for d in (*entry.deployments, *first.deployments)] == [
            number,
            1,
        ]
        story.sync()
        assert list(story.numbers()) == [1, 2, number]

    def test_a_webhook_after_a_second_deploy_is_of_that_one(self, story: Story) -> None:
        story.deploy(CART)
        story.sync()
        number = story.ship(CHECKOUT)
        assert story.get(2).number == 2
        assert story.get(number).changed == [CHECKOUT]
        assert story.lived() == [1, 2, number]

    def test_only_the_first_of_two_late_webhooks_becomes_one_with_it(self, story: Story) -> None:
        story.deploy(CART)
        story.sync()
        first, second = story.report(), story.report()
        story.capture()
        assert story.get(2).number == first
        assert (story.get(second).number, story.get(second).no_change) == (second, True)

    def test_a_webhook_hours_later_is_a_deploy_that_changed_nothing(self, story: Story) -> None:
        story.deploy(CART)
        story.sync()
        story.pass_time(hours=2)
        number = story.report()
        story.capture()
        assert story.get(number).no_change
        assert story.get(2).number == 2

    def test_a_change_that_publishes_nothing_is_a_deploy_without_change(self, story: Story) -> None:
        story.change_stack()
        story.sync()
        assert story.get(2).no_change

    def test_a_deploy_that_cloudformation_rolled_back_is_none(self, story: Story) -> None:
        story.change_stack("UPDATE_ROLLBACK_COMPLETE")
        for _ in range(2):
            story.sync(full=True)
        assert list(story.numbers()) == [1]
        number = story.ship(CART)
        assert story.lived() == [1, number]

    def test_a_nested_stack_that_is_deployed_alone_is_noticed_and_merged(
        self, story: Story
    ) -> None:
        story.aws.add_stack("shop-inner", {"shop-pay": 1}, parent="shop")
        story.ship(CART)
        story.deploy(stack="shop-inner")
        changed_at = story.aws.get_stack("shop-inner").changed_at
        story.sync()
        story.sync()
        found = story.get(3)
        assert (found.source, found.changed) == (DeploymentSource.NOTICED, ["shop-pay"])
        assert found.deployed_at == changed_at
        number = story.report()
        story.capture()
        assert story.get(3).number == number
        assert story.lived() == [1, 2, number]
        assert story.previous() == 2

    def test_a_nested_stack_that_somebody_deletes_is_no_deploy(self, story: Story) -> None:
        story.aws.add_stack("shop-inner", {"shop-pay": 1}, parent="shop")
        story.ship(CART)
        story.deploy(stack="shop-inner")
        story.sync()
        story.aws.delete_stack("shop-inner")
        for _ in range(2):
            story.sync()
        assert list(story.numbers()) == [1, 2, 3]
        assert story.lived() == [1, 2, 3, 0]

    def test_a_nested_update_that_cloudformation_rolled_back_is_none(self, story: Story) -> None:
        story.aws.add_stack("shop-inner", {"shop-pay": 1}, parent="shop")
        story.ship(CART)
        story.change_stack("UPDATE_ROLLBACK_COMPLETE", stack="shop-inner")
        story.sync()
        assert list(story.numbers()) == [1, 2]

    def test_a_stack_without_versions_has_no_deployments(self, story: Story) -> None:
        story.aws.add_stack("bar", {"bar-helper": 0})
        bar = make_project(story.project.account, "bar")
        assert list(Story(story.aws, story.clock, bar.id).numbers()) == []


class TestClocks:
    def test_a_version_that_cloudformation_rolled_back_makes_no_report_look_late(
        self, story: Story
    ) -> None:
        story.fail_deploy(CART)
        story.skew = timedelta(seconds=90)
        number = story.ship(CHECKOUT)
        assert (story.versions(number), story.get(number).reconstructed) == ("1 2 1", False)
        assert list(story.numbers()) == [1, number]

    @pytest.mark.parametrize("seconds", [-3600, -60, 90])
    def test_a_webhook_is_of_the_stack_although_clocks_differ(
        self, story: Story, seconds: int
    ) -> None:
        story.skew = timedelta(seconds=seconds)
        first, second = story.ship(CART), story.ship(CHECKOUT)
        assert (story.versions(first), story.versions(second)) == ("2 1 1", "2 2 1")
        assert not story.get(first).reconstructed
        assert not story.get(second).reconstructed
        assert list(story.numbers()) == [1, first, second]
        assert story.lived() == [1, first, second]

    def test_two_deploys_right_after_each_other_are_told_apart(self, story: Story) -> None:
        """The second began within seconds of the first one's webhook, which was not read yet."""
        story.deploy(CART)
        first = story.report()
        story.deploy(CHECKOUT)
        story.capture()
        second = story.report()
        story.capture()
        assert (story.versions(first), story.versions(second)) == ("2 1 1", "2 2 1")
        assert story.get(first).reconstructed
        assert story.get(second).changed == [CHECKOUT]
        assert story.lived() == [1, second]

    def test_a_clock_that_is_set_back_leaves_periods_in_order(self, story: Story) -> None:
        first = story.ship(CART)
        story.clock.shift(timedelta(minutes=-2))
        story.roll_back(1)
        assert story.lived() == [1, first, 1]
