"""Rolling back to a deployment by two clicks and a reason."""

import pytest
from flask import Flask

from sah.domain.errors import AwsAccessDeniedError
from sah.services.operations import list_operations
from sah.services.sync import sync_project
from tests.fakes import Call, FakeAws
from tests.silence import Silence
from tests.web.client import Form, Page, StrictClient
from tests.web.pipeline import Pipeline

REASON = "Carts are empty since 14:02"
TO_1 = "Roll back to #1 now"


@pytest.fixture
def project(pipeline: Pipeline) -> str:
    """The path of the shop, whose second deployment changed the cart."""
    pipeline.deploy("shop-cart", message="Wish lists")
    return f"/projects/{pipeline.project_id}"


def plan(
    client: StrictClient, project: str, number: int = 1, status: int = 200, query: str = ""
) -> Page:
    return client.get(f"{project}/deployments/{number}/rollback{query}", status)


def confirm(client: StrictClient, project: str) -> Form:
    form = plan(client, project).form(TO_1)
    form.fields["reason"] = REASON
    return form


def live(aws: FakeAws, function: str) -> str:
    aws.hook = None
    return str(aws.get_alias(function, "ACTIVE").routing)


def test_two_clicks_and_a_reason(aws: FakeAws, project: str, operator: StrictClient) -> None:
    page = operator.get(operator.get(project).link("Roll back to #1"))
    assert page.heading == "Roll back shop to #1"
    assert page.link("Reason and confirm") == "#reason"  # which takes the focus with it
    assert page.root.find_all("textarea", id="reason")
    assert page.rows()["shop-cart"].startswith("4 100 %")
    assert "Unchanged (they serve it already): shop-checkout, shop-search" in page.text
    assert live(aws, "shop-cart") == "4"
    done = operator.follow(operator.submit(page.form(TO_1), {"reason": REASON}))
    assert done.heading == "Operation #1: rollback to #1 of shop"
    assert done.rows()["shop-cart"].startswith("4 | 3 | Moved")
    assert done.link("deployment #1") == f"{project}/deployments/1"
    assert live(aws, "shop-cart") == "3"


def test_what_nobody_saw_live_is_named_where_it_is_skipped(
    pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    late = pipeline.overtake("shop-search")
    page = operator.get(project)
    assert f"Whether #{late} was live after it is not known." in page.text
    shown = operator.get(page.link("Roll back to #2"))
    assert f"#{late} came after #2 and is skipped." in shown.notes[0]
    assert shown.link("history") == f"{project}/deployments"
    assert "skipped" not in plan(operator, project, late).text
    assert "Whether it was live is not known" in operator.get(f"{project}/deployments/{late}").text


def test_afterwards_everything_says_so(project: str, operator: StrictClient) -> None:
    operator.submit(confirm(operator, project))
    for page in (operator.get(project), operator.get(f"{project}/deployments")):
        rows = page.rows()
        assert "1 of 1 moved" in rows[f"Rollback to #1 “{REASON}”"]
        assert rows["#1"].startswith("Live")
        assert rows["#2 Wish lists"].startswith("Not live")
    assert "#1 rollback to #1" in operator.get("/operations").rows()
    assert not operator.get(project).has_link("Roll back to #1")
    assert operator.get(f"{project}/deployments/2").has_link("Roll forward to #2")


def test_the_way_to_a_newer_deployment_is_forward_everywhere(
    aws: FakeAws, project: str, operator: StrictClient
) -> None:
    operator.submit(confirm(operator, project))
    label = "Roll forward to #2"
    assert operator.get(f"{project}/deployments/2").has_link(label)
    assert operator.get(f"{project}/deployments/2/compare?with=live").has_link(label)
    page = operator.get(operator.get(f"{project}/deployments").link("Roll forward"))
    assert page.heading == "Roll forward shop to #2"
    assert "Forward to #2" in page.text
    done = operator.follow(operator.submit(page.form(f"{label} now"), {"reason": "Mended"}))
    assert done.heading == "Operation #2: roll forward to #2 of shop"
    assert done.notes[0].startswith("Rolled forward to #2.")
    assert "Rolls forward to deployment #2" in done.text
    assert live(aws, "shop-cart") == "4"
    assert "Roll forward to #2 “Mended”" in operator.get(f"{project}/deployments").rows()
    assert "#2 roll forward to #2" in operator.get("/operations").rows()


def test_every_button_of_a_page_says_the_same(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    pipeline.deploy("shop-cart")
    aws.set_alias("shop-cart", "ACTIVE", "1")
    pipeline.sync()
    page = operator.get(project)
    assert page.has_link("Roll forward to #2")
    assert not page.has_link("Roll back to #2")


def test_what_was_live_before_the_lines_that_are_shown_is_offered_too(
    pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    for version in "121212":
        pipeline.switch(search=version)
    page = operator.get(project)
    assert "#1" not in page.rows()
    assert page.has_link("Roll back to #1")


def test_the_project_page_offers_what_was_live_before(
    pipeline: Pipeline, project: str, operator: StrictClient, viewer: StrictClient
) -> None:
    pipeline.deploy("shop-search")
    page = operator.get(project)
    assert "Last live before: #2, “Wish lists”" in page.text
    assert page.link("Roll back to #2") == f"{project}/deployments/2/rollback"
    assert operator.get(f"{project}/rollback", 302).location == page.link("Roll back to #2")
    assert "Roll back to" not in viewer.get(project).text


def test_without_anything_to_go_back_to_it_says_so(
    pipeline: Pipeline, operator: StrictClient
) -> None:
    path = f"/projects/{pipeline.project_id}"
    assert not operator.get(path).has_link("Roll back to #1")
    page = operator.follow(operator.get(f"{path}/rollback", 302))
    assert "SAH has seen no earlier deployment wholly live" in page.notes[0]


def test_the_plan_says_what_it_goes_back_to_and_what_stays(
    project: str, operator: StrictClient
) -> None:
    text = plan(operator, project).text
    assert "Ready, 3 of 3" in text
    assert "What moving aliases does not bring back" in text
    assert "What the next deploy does" in text


def test_functions_that_the_deployment_did_not_have_stay(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    aws.add_stack("shop-more", {"shop-new": 2}, parent="shop")
    pipeline.deploy("shop-cart")
    page = plan(operator, project)
    assert "Untouched 1 function that #1 did not have shop-new" in page.text
    operator.submit(page.form(TO_1), {"reason": REASON})
    assert (live(aws, "shop-cart"), live(aws, "shop-new")) == ("3", "2")


def test_a_reason_is_asked_for_and_nothing_is_lost(
    app: Flask, project: str, operator: StrictClient
) -> None:
    form = plan(operator, project).form(TO_1)
    page = operator.submit(form, {"reason": "  ", "on_failure": "finish"}, 422)
    assert page.errors == ["Say why, for those who read the history."]
    assert page.form(TO_1).fields["on_failure"] == "finish"
    with app.app_context():
        assert list_operations() == []


def test_a_stale_plan_is_refused_with_a_fresh_one(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    form = confirm(operator, project)
    aws.set_alias("shop-cart", "ACTIVE", "2")
    pipeline.sync()
    page = operator.submit(form, status=409)
    assert "nothing was moved" in page.notes[0]
    assert page.rows()["shop-cart"].startswith("2 100 %")
    assert live(aws, "shop-cart") == "2"
    fresh = page.form("Roll forward to #1 now")
    assert fresh.fields["reason"] == REASON
    operator.submit(fresh)
    assert live(aws, "shop-cart") == "3"


def test_a_form_without_the_plan_that_was_read_moves_nothing(
    aws: FakeAws, project: str, operator: StrictClient
) -> None:
    form = confirm(operator, project)
    for forged in ("", "0" * 32):
        page = operator.submit(form, {"fingerprint": forged}, 409)
        assert "nothing was moved" in page.notes[0]
    assert live(aws, "shop-cart") == "4"


def test_a_form_posted_twice_makes_one_operation(
    app: Flask, project: str, operator: StrictClient
) -> None:
    form = confirm(operator, project)
    first = operator.submit(form)
    assert operator.submit(form).location == first.location
    with app.app_context():
        assert len(list_operations()) == 1


def test_while_aliases_move_another_one_has_to_wait(
    app: Flask, aws: FakeAws, project: str, operator: StrictClient
) -> None:
    form = confirm(operator, project)
    switch = operator.get(f"{project}/switch?v.shop-search=1").form("Move 1 alias now")
    answers: list[Page] = []

    def post_rollback(call: Call) -> None:
        if call.name == "UpdateAlias" and not answers:
            answers.append(operator.submit(form, status=409))

    aws.hook = post_rollback
    operator.submit(switch, {"reason": "Mine"})
    (refused,) = answers
    assert "is moving the aliases of shop right now" in refused.notes[0]
    assert refused.link("operation #1") == "/operations/1"
    assert refused.form(TO_1).fields["reason"] == REASON
    with app.app_context():
        assert len(list_operations()) == 1


def test_functions_that_cannot_go_back_stop_it_unless_they_are_left(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    pipeline.deploy("shop-search")
    aws.delete_version("shop-cart", "3")
    pipeline.sync()
    page = plan(operator, project)
    assert page.notes[0].startswith("1 function cannot be moved to #1")
    assert "shop-cart: Version 3 was deleted." in page.notes[0]
    assert TO_1 not in page.text
    part = operator.get(page.link("roll back only the others"))
    assert "would stay as now" in part.notes[0]
    form = part.form(TO_1)
    whole = {k: v for k, v in form.fields.items() if k != "partial"} | {"reason": REASON}
    refused = operator.post(form.action, whole, 409)
    assert "Not every function of #1 can be brought live" in refused.notes[0]
    assert live(aws, "shop-search") == "4"
    done = operator.follow(operator.submit(form, {"reason": REASON}))
    assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("4", "3")
    assert done.notes[0].startswith("Rolled back to #1, but for 1 function.")
    assert "shop-cart: Version 3 was deleted." in done.notes[0]


def test_what_goes_after_a_rollback_was_not_left_out_by_it(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient, admin: StrictClient
) -> None:
    done = operator.follow(operator.submit(confirm(operator, project)))
    pipeline.deploy("shop-search")
    aws.delete_version("shop-search", "3")
    pipeline.sync()
    assert operator.get("/operations/1").notes[0] == done.notes[0]
    admin.submit(admin.get(f"{project}/edit").form("Save"), {"alias": "LIVE"})
    assert operator.get("/operations/1").notes[0] == done.notes[0]


def test_what_was_deleted_since_the_last_sync_is_offered_to_be_left(
    aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    pipeline.deploy("shop-search")
    aws.delete_version("shop-cart", "3")
    part = operator.get(plan(operator, project).link("roll back only the others"))
    operator.submit(part.form(TO_1), {"reason": REASON})
    assert (live(aws, "shop-cart"), live(aws, "shop-search")) == ("4", "3")


def test_when_nothing_can_go_back_it_says_why(
    aws: FakeAws, pipeline: Pipeline, operator: StrictClient
) -> None:
    pipeline.deploy("shop-cart", "shop-checkout", "shop-search")
    for name in ("shop-cart", "shop-checkout", "shop-search"):
        aws.delete_version(name, "3")
    pipeline.sync()
    page = plan(operator, f"/projects/{pipeline.project_id}", 1, 409)
    assert "No function of #1 can be brought live any more." in page.text
    assert "shop-cart: Version 3 was deleted." in page.text


def test_a_deploy_that_runs_asks_for_a_second_reason(
    app: Flask, aws: FakeAws, project: str, operator: StrictClient
) -> None:
    aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
    refused = operator.submit(confirm(operator, project), {"on_failure": "finish"}, 409)
    assert refused.errors[0].startswith("CloudFormation is working on shop (UPDATE_IN_PROGRESS)")
    with app.app_context():
        assert list_operations() == []
    form = refused.form(TO_1)
    assert (form.fields["reason"], form.fields["on_failure"]) == (REASON, "finish")
    done = operator.follow(operator.submit(form, {"override_reason": "It hangs"}))
    assert "because It hangs" in done.text
    assert live(aws, "shop-cart") == "3"


def test_a_deploy_that_begins_after_the_plan_was_shown_is_noticed_too(
    app: Flask, aws: FakeAws, project: str, operator: StrictClient
) -> None:
    form = confirm(operator, project)
    assert "override_reason" not in form.fields
    app.extensions.pop("sah_preflights")  # the page was open for longer than seconds
    aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
    refused = operator.submit(form, status=409)
    assert len(refused.errors) == 1
    assert "override_reason" in refused.form(TO_1).fields
    assert live(aws, "shop-cart") == "4"


def test_what_is_there_already_moves_nothing(project: str, operator: StrictClient) -> None:
    page = plan(operator, project, 2)
    assert "Every function serves that already." in page.text
    assert "Roll back to #2 now" not in page.text


def test_one_that_was_not_read_yet_has_to_wait(
    pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    number = pipeline.report()
    page = plan(operator, project, number, 409)
    assert f"What #{number} put live has not been read from AWS yet." in page.text


def test_one_that_there_is_not(project: str, operator: StrictClient) -> None:
    assert "There is no deployment #9" in plan(operator, project, 9, 404).text


def test_a_deploy_of_a_moment_ago_is_in_the_plan(
    app: Flask, aws: FakeAws, pipeline: Pipeline, project: str, operator: StrictClient
) -> None:
    aws.deploy("shop", ["shop-search"])
    page = plan(operator, project)
    assert page.rows()["shop-search"].startswith("4 100 %")
    with app.app_context():
        sync_project(pipeline.project_id)
    assert operator.get(project).has_link("Roll back to #2")


def test_a_move_that_fails_is_put_back(aws: FakeAws, project: str, operator: StrictClient) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("No."), times=9)
    done = operator.follow(operator.submit(confirm(operator, project)))
    assert "Nothing was moved." in done.notes[0]
    assert done.link("deployment #1") == f"{project}/deployments/1"
    rows = operator.get(project).rows()
    assert rows["#2 Wish lists"].startswith("Live")


def test_a_page_that_aws_does_not_answer_says_so_and_lets_one_go_on(
    aws: FakeAws, project: str, operator: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Silence(aws, monkeypatch, "DescribeStacks", "GetFunction")
    page = plan(operator, project)
    silence.end()
    assert page.notes[-1].startswith(
        "AWS did not answer everything. Whether the stack is being deployed is not known."
        " 1 of 1 function could not be checked."
        " The plan shows what the last sync saw, just now."
    )
    assert "reason" in page.form(TO_1).fields


def test_an_alias_that_moved_since_the_last_sync_is_planned_from_where_it_is(
    aws: FakeAws, project: str, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "2")
    page = plan(operator, project)
    assert page.rows()["shop-cart"].startswith("2 100 %")
    operator.submit(page.form("Roll forward to #1 now"), {"reason": REASON})
    assert live(aws, "shop-cart") == "3"


def test_a_version_deleted_after_the_last_look_leaves_a_way_to_go_on(
    aws: FakeAws, pipeline: Pipeline, operator: StrictClient
) -> None:
    pipeline.deploy("shop-cart", "shop-search")
    project = f"/projects/{pipeline.project_id}"
    plan(operator, project)
    aws.delete_version("shop-cart", "3")
    page = plan(operator, project)
    assert "shop-cart: Version 3 was deleted." in page.text
    others = operator.get(page.link("roll back only the others"))
    operator.submit(others.form(TO_1), {"reason": REASON})
    assert live(aws, "shop-search") == "3"
