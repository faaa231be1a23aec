import re

import pytest
from flask import Flask

from sah.domain.errors import AwsAccessDeniedError
from sah.extensions import db
from sah.models import Operation
from tests.cli.conftest import Sah
from tests.factories import make_shop
from tests.fakes import FakeAws
from tests.web.pipeline import Pipeline, minutes_from_now

ROLLBACK = ("rollback", "shop", "--reason", "Slow")


@pytest.fixture(autouse=True)
def pipeline(app: Flask, aws: FakeAws) -> Pipeline:
    """The shop, which was deployed three times; the last one changed search."""
    aws.now = minutes_from_now(-600)
    with app.app_context():
        made = Pipeline(app, aws, make_shop(aws).id)
    made.deploy("shop-cart", message="Wish lists", commit="0123456789abcdef", author="Ada")
    made.deploy("shop-search")
    return made


def live(aws: FakeAws, function: str) -> str:
    return str(aws.get_alias(function, "ACTIVE").routing)


def count_operations(app: Flask) -> int:
    with app.app_context():
        return db.session.query(Operation).count()


class TestList:
    def test_it_says_what_is_live_and_what_is_ready(self, sah: Sah) -> None:
        listed = sah("deployments", "shop", "--output", "json").json
        assert [(one["number"], one["state"], one["ready"]) for one in listed] == [
            (3, "live", "3 of 3"),
            (2, "not_live", "3 of 3"),
            (1, "not_live", "3 of 3"),
        ]
        assert (listed[1]["commit"], listed[1]["by"]) == ("0123456789ab", "Ada")
        assert (listed[1]["changed"], listed[1]["message"]) == (["shop-cart"], "Wish lists")
        table = sah("deployments", "shop").out
        assert "#3" in table
        assert "not live" in table
        assert len(sah("deployments", "shop", "--limit", "1", "--output", "json").json) == 1

    def test_a_mixed_stack_is_called_so(self, sah: Sah, pipeline: Pipeline) -> None:
        assert "live: #3" in sah("projects", "show", "shop").out
        assert sah("projects", "show", "shop", "--output", "json").json["live"] == 3
        pipeline.switch(search="3", cart="3")
        pipeline.deploy("shop-cart")
        assert "live: mixed, no deployment has all" in sah("projects", "show", "shop").out
        shown = sah("projects", "show", "shop", "--output", "json").json
        assert (shown["live"], shown["is_mixed"]) == (None, True)

    def test_it_says_why_one_is_not_ready(self, sah: Sah, aws: FakeAws, pipeline: Pipeline) -> None:
        aws.delete_version("shop-cart", "3")
        pipeline.report()
        pipeline.sync()
        pipeline.report()
        listed = sah("deployments", "shop", "--output", "json").json
        assert (listed[0]["state"], listed[0]["ready"]) == ("pending", None)
        assert listed[1]["no_change"]
        assert listed[-1]["problems"] == {"shop-cart": "Version 3 was deleted."}

    def test_a_project_that_there_is_not(self, sah: Sah) -> None:
        done = sah("deployments", "nowhere")
        assert (done.status, done.out) == (1, "")
        assert "There is no project “nowhere”." in done.err


class TestRollback:
    def test_by_default_to_what_was_live_before(self, sah: Sah, aws: FakeAws) -> None:
        done = sah(*ROLLBACK, "--output", "json")
        assert (done.status, done.err) == (0, "Roll back to #2 of shop.\n")
        assert (done.json["kind"], done.json["deployment"]) == ("rollback", 2)
        assert (done.json["moved"], done.json["verified"], done.json["total"]) == (1, 1, 1)
        assert done.json["requested_by"].endswith("(command line)")
        assert live(aws, "shop-search") == "3"

    @pytest.mark.parametrize("to", ["1", "#1"])
    def test_to_a_number(self, sah: Sah, aws: FakeAws, to: str) -> None:
        done = sah(*ROLLBACK, "--to", to)
        assert done.status == 0
        assert "deployment: 1" in done.out
        assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("3", "3")

    def test_to_a_newer_one_it_says_that_it_goes_forward(self, sah: Sah, aws: FakeAws) -> None:
        sah(*ROLLBACK, "--to", "1")
        shown = sah("rollback", "shop", "--to", "3", "--dry-run", "--output", "json")
        assert (shown.json["kind"], shown.json["deployment"]) == ("roll_forward", 3)
        done = sah(*ROLLBACK, "--to", "3")
        assert (done.status, done.err) == (0, "Roll forward to #3 of shop.\n")
        assert "kind: roll forward\ndeployment: 3" in done.out
        assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("4", "4")
        kinds = [one["kind"] for one in sah("operations", "list", "--output", "json").json]
        assert kinds == ["roll_forward", "rollback"]

    def test_twice_goes_back_twice(self, sah: Sah) -> None:
        said = [sah(*ROLLBACK).err for _ in range(2)]
        assert said == ["Roll back to #2 of shop.\n", "Roll back to #1 of shop.\n"]
        done = sah(*ROLLBACK)
        assert done.status == 1
        assert "SAH has not seen an earlier deployment of shop live." in done.err

    def test_what_nobody_saw_live_is_named_where_it_is_skipped(
        self, sah: Sah, pipeline: Pipeline
    ) -> None:
        late = pipeline.overtake("shop-cart")
        said = "Skipped, as SAH does not know whether it was live: #4."
        assert late == 4
        assert said in sah("rollback", "shop", "--dry-run").err
        assert "Skipped" not in sah("rollback", "shop", "--dry-run", "--to", "4").err

    def test_a_dry_run_shows_the_plan_and_needs_no_reason(
        self, app: Flask, sah: Sah, aws: FakeAws
    ) -> None:
        shown = sah("rollback", "shop", "--to", "1", "--dry-run", "--output", "json")
        assert shown.status == 0
        assert [(m["function"], m["from"], m["to"]) for m in shown.json["moves"]] == [
            ("shop-cart", "4", "3"),
            ("shop-search", "4", "3"),
        ]
        assert shown.json["unchanged"] == ["shop-checkout"]
        assert (aws.count("UpdateAlias"), count_operations(app)) == (0, 0)
        assert "shop-search" in sah("rollback", "shop", "--dry-run").out

    def test_what_is_there_already_is_fine(self, sah: Sah, aws: FakeAws) -> None:
        done = sah(*ROLLBACK, "--to", "3")
        assert (done.status, done.out) == (0, "Nothing would move.\n")
        assert aws.count("UpdateAlias") == 0

    def test_a_move_that_fails_is_put_back_or_kept(self, sah: Sah, aws: FakeAws) -> None:
        aws.fail("UpdateAlias", AwsAccessDeniedError("No."), subject="shop-search", times=99)
        done = sah(*ROLLBACK, "--to", "1")
        assert done.status == 1
        assert "ended as put back: 1 of 2 failed. shop-search: No." in done.err
        assert live(aws, "shop-cart") == "4"
        done = sah(*ROLLBACK, "--to", "1", "--on-failure", "finish")
        assert (done.status, live(aws, "shop-cart")) == (1, "3")

    def test_what_cannot_go_back_stops_it_unless_partial(
        self, app: Flask, sah: Sah, aws: FakeAws, pipeline: Pipeline
    ) -> None:
        aws.delete_version("shop-cart", "3")
        pipeline.sync()
        refused = sah(*ROLLBACK, "--to", "1")
        assert (refused.status, refused.out) == (1, "")
        assert "Not every function of #1 can be brought live: shop-cart: Version 3" in refused.err
        assert "--partial" in refused.err
        assert count_operations(app) == 0
        done = sah(*ROLLBACK, "--to", "1", "--partial")
        assert done.status == 0
        assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("4", "3")

    def test_what_was_deleted_since_the_last_sync_can_be_left(self, sah: Sah, aws: FakeAws) -> None:
        aws.delete_version("shop-cart", "3")
        done = sah(*ROLLBACK, "--to", "1", "--partial")
        assert done.status == 0
        assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("4", "3")

    def test_a_dry_run_names_what_cannot_go_back(
        self, sah: Sah, aws: FakeAws, pipeline: Pipeline
    ) -> None:
        aws.delete_version("shop-cart", "3")
        pipeline.sync()
        shown = sah("rollback", "shop", "--to", "1", "--dry-run", "--output", "json")
        assert shown.status == 1
        assert shown.json["blocked"] == {"shop-cart": "Version 3 was deleted."}
        assert [move["function"] for move in shown.json["moves"]] == ["shop-search"]

    def test_a_deploy_that_runs_has_to_be_overridden(self, sah: Sah, aws: FakeAws) -> None:
        aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
        refused = sah(*ROLLBACK)
        assert refused.status == 1
        assert "--override-reason" in refused.err
        done = sah(*ROLLBACK, "--override-reason", "it hangs")
        assert done.status == 0
        assert "override reason: it hangs" in done.out

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("shop",), "--reason is missing."),
            (("shop", "--reason", " "), "--reason is missing."),
            (
                ("shop", "--to", "last", "--reason", "x"),
                "“last” is not the number of a deployment.",
            ),
            (("shop", "--to", "9", "--reason", "x"), "There is no deployment #9"),
            (("shop", "--to", "4", "--reason", "x"), "has not been read from AWS yet."),
            (("other", "--reason", "x"), "There is no project “other”."),
            (("shop", "--reason", "x" * 501), "The reason is longer than 500 characters."),
        ],
    )
    def test_nonsense_is_refused_in_a_sentence(
        self, app: Flask, sah: Sah, pipeline: Pipeline, arguments: tuple[str, ...], sentence: str
    ) -> None:
        pipeline.report()
        done = sah("rollback", *arguments)
        assert done.status != 0
        assert sentence in done.err
        assert "Traceback" not in done.err
        assert done.out == ""
        assert count_operations(app) == 0


class TestBreakGlass:
    def test_previous_is_the_deployment_and_moves_only_what_differs(self, sah: Sah) -> None:
        script = sah("break-glass", "shop", "--to", "previous").out
        assert moves_of(script) == ["shop-search 3"]
        assert "# Goes to deployment #2." in script

    def test_any_deployment_may_be_named_and_functions_besides(self, sah: Sah) -> None:
        assert moves_of(sah("break-glass", "shop", "--to", "#1").out) == [
            "shop-cart 3",
            "shop-search 3",
        ]
        others = ("shop-cart=2", "shop-checkout=previous")
        script = sah("break-glass", "shop", "--to", "1", *others).out
        assert moves_of(script) == ["shop-cart 2", "shop-checkout 2", "shop-search 3"]

    def test_what_cannot_go_back_is_named(self, sah: Sah, aws: FakeAws, pipeline: Pipeline) -> None:
        aws.delete_version("shop-cart", "3")
        pipeline.sync()
        script = sah("break-glass", "shop", "--to", "1").out
        assert moves_of(script) == ["shop-search 3"]
        assert "# Left where it is: shop-cart. Version 3 " in script

    def test_two_deployments_are_one_too_many(self, sah: Sah) -> None:
        done = sah("break-glass", "shop", "--to", "1", "--to", "2")
        assert (done.status, done.out) == (1, "")
        assert "1 and 2: only one deployment can be gone to." in done.err


def moves_of(script: str) -> list[str]:
    """Read what a script moves, without its way back."""
    there = script.partition("undo)")[0]
    found = re.findall(r"--function-name (\S+) .*--function-version (\d+)", there)
    return [" ".join(words) for words in found]
