"""Switching by form: choose, read the plan, confirm, see each outcome."""

import re

import pytest
from flask import Flask

from sah.domain.errors import AwsAccessDeniedError, AwsUnreachableError
from sah.services.operations import list_operations
from sah.services.sync import sync_project
from tests.factories import OPERATOR, make_account, make_project
from tests.fakes import Call, FakeAws
from tests.web.client import Form, Page, StrictClient

MOVE = "Move 1 alias now"


def plan(client: StrictClient, shop: int, query: str = "v.shop-cart=2", status: int = 200) -> Page:
    return client.get(f"/projects/{shop}/switch?{query}", status)


def confirm(client: StrictClient, shop: int) -> Form:
    form = plan(client, shop).form(MOVE)
    form.fields["reason"] = "Carts are empty since 14:02"
    return form


def live(aws: FakeAws, function: str) -> str:
    aws.hook = None
    return str(aws.get_alias(function, "ACTIVE").routing)


def test_the_form_offers_every_version_and_keeps_by_default(
    shop: int, operator: StrictClient
) -> None:
    page = operator.get(f"/projects/{shop}/switch")
    select = page.root.find("select", name="v.shop-cart")
    assert [option.get("value") for option in select.find_all("option")] == ["", "3", "2", "1"]
    assert page.form("Show the plan").fields["v.shop-cart"] == ""


def test_from_the_form_to_the_moved_alias(aws: FakeAws, shop: int, operator: StrictClient) -> None:
    form = operator.get(f"/projects/{shop}/switch").form("Show the plan")
    entered = {"v.shop-cart": "2", "reason": "Carts are empty"}
    page = operator.follow(operator.submit(form, entered))
    assert page.rows()["shop-cart"].startswith("3 100 %")
    assert "ACTIVE of 1 function would move" in page.text
    assert live(aws, "shop-cart") == "3"
    done = operator.follow(operator.submit(page.form(MOVE)))
    assert done.heading == "Operation #1: switch of shop"
    assert done.rows()["shop-cart"].startswith("3 | 2 | Moved")
    assert "Succeeded" in done.text
    assert "Carts are empty" in done.text
    assert OPERATOR in done.text
    assert live(aws, "shop-cart") == "2"
    assert live(aws, "shop-search") == "3"


def test_a_plan_has_an_address_of_its_own(shop: int, operator: StrictClient) -> None:
    query = "v.shop-cart=2&v.shop-search=3&reason=Slow"
    page = plan(operator, shop, query)
    assert page.form(MOVE).fields["reason"] == "Slow"
    assert "Unchanged (they serve it already): shop-search" in page.text
    assert "1 function that you did not choose" in page.text
    changed = page.form("Change the choice").fields | {"reason": "Very slow", "edit": "1"}
    back = operator.post(f"/projects/{shop}/switch", changed, 200).form("Show the plan")
    assert back.fields["v.shop-cart"] == "2"
    assert back.fields["reason"] == "Very slow"


def test_a_deployment_of_a_moment_ago_is_in_the_plan(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.deploy("shop", ["shop-cart"])
    page = plan(operator, shop, "v.shop-cart=3")
    assert re.search(r"shop-cart\s+4\b.*\b3\b", page.text)


def test_without_an_answer_from_aws_the_plan_shows_what_is_known(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.fail("DescribeStacks", AwsUnreachableError("AWS does not answer."), times=9)
    assert "shop-cart" in plan(operator, shop).text


def test_looking_at_a_plan_changes_nothing(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    plan(operator, shop)
    aws.calls.clear()
    plan(operator, shop)
    assert {call.name for call in aws.calls} == {"GetFunction", "DescribeStacks"}
    with app.app_context():
        assert list_operations() == []


def test_a_split_is_entered_in_percent(aws: FakeAws, shop: int, operator: StrictClient) -> None:
    form = operator.get(f"/projects/{shop}/switch").form("Show the plan")
    entered = {"s.shop-cart": "2", "w.shop-cart": "12,5 %", "reason": "Trying it"}
    page = operator.follow(operator.submit(form, entered))
    assert "3 87.5 % 2 12.5 %" in page.rows()["shop-cart"]
    done = operator.follow(operator.submit(page.form(MOVE)))
    assert "3 87.5 % · 2 12.5 %" in done.rows()["shop-cart"]
    assert live(aws, "shop-cart") == "3 (87.5 %) and 2 (12.5 %)"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("v.shop-cart=77", "shop-cart has no version 77 (any more)."),
        ("v.shop-cart=$LATEST", "$LATEST cannot be the target"),
        ("v.shop-nope=2", "shop has no function shop-nope."),
        ("s.shop-cart=2", "The second version's share is missing."),
        ("s.shop-cart=2&w.shop-cart=150", "“150” is not a share."),
        ("s.shop-cart=2&w.shop-cart=nan", "“nan” is not a share."),
        ("s.shop-cart=2&w.shop-cart=lots", "“lots” is not a share."),
        ("w.shop-cart=10", "Choose the second version"),
        ("v.shop-cart=2&s.shop-cart=2&w.shop-cart=10", "cannot be split between version 2"),
    ],
)
def test_a_choice_that_makes_no_sense_comes_back_with_a_sentence(
    shop: int, operator: StrictClient, query: str, message: str
) -> None:
    page = plan(operator, shop, query + "&v.shop-search=1&reason=Slow", 422)
    assert message in page.notes[0]
    kept = page.form("Show the plan").fields
    entered = dict(pair.split("=") for pair in query.split("&"))
    assert {k: kept.get(k) for k in entered if "nope" not in k} == {
        k: v for k, v in entered.items() if "nope" not in k
    }
    assert kept["v.shop-search"] == "1"
    assert kept["reason"] == "Slow"


def test_a_plan_with_nothing_to_move_cannot_be_confirmed(shop: int, operator: StrictClient) -> None:
    page = plan(operator, shop, "v.shop-cart=3")
    assert "Nothing would move." in page.text
    assert page.root.find_all("button", class_="btn btn-primary") == []


def test_a_form_without_a_choice_says_so(shop: int, operator: StrictClient) -> None:
    form = operator.get(f"/projects/{shop}/switch").form("Show the plan")
    assert "Nothing was chosen" in operator.follow(operator.submit(form)).notes[0]


def test_a_reason_is_asked_for(app: Flask, shop: int, operator: StrictClient) -> None:
    form = plan(operator, shop).form(MOVE)
    page = operator.submit(form, {"reason": "  ", "on_failure": "finish"}, 422)
    assert page.errors == ["Say why, for those who read the history."]
    assert page.form(MOVE).fields["on_failure"] == "finish"
    with app.app_context():
        assert list_operations() == []


def test_a_stale_plan_is_refused_with_a_fresh_one(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    aws.set_alias("shop-cart", "ACTIVE", "1")
    with app.app_context():
        sync_project(shop)
    page = operator.submit(form, status=409)
    assert "nothing was moved" in page.notes[0]
    assert page.rows()["shop-cart"].startswith("1 100 %")
    fresh = page.form(MOVE)
    assert fresh.fields["reason"] == form.fields["reason"]
    assert fresh.fields["fingerprint"] != form.fields["fingerprint"]
    assert live(aws, "shop-cart") == "1"
    operator.submit(fresh)
    assert live(aws, "shop-cart") == "2"


def test_an_alias_that_moved_unseen_fails_and_says_so(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    aws.set_alias("shop-cart", "ACTIVE", "1")
    done = operator.follow(operator.submit(form))
    assert "Failed" in done.rows()["shop-cart"]
    assert "was moved" in done.rows()["shop-cart"]
    assert live(aws, "shop-cart") == "1"


def test_a_version_deleted_in_between_fails_and_says_so(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    aws.delete_version("shop-cart", "2")
    done = operator.follow(operator.submit(form))
    assert "There is no version 2 of shop-cart." in done.rows()["shop-cart"]


def test_a_version_known_to_be_deleted_comes_back_to_the_form(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    aws.delete_version("shop-cart", "2")
    with app.app_context():
        sync_project(shop, force_full=True)
    page = operator.submit(form, status=422)
    assert "shop-cart has no version 2 (any more)." in page.notes[0]
    assert page.form("Show the plan").fields["reason"] == form.fields["reason"]


def test_a_form_posted_twice_makes_one_operation(
    app: Flask, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    first = operator.submit(form)
    assert operator.submit(form).location == first.location
    with app.app_context():
        assert len(list_operations()) == 1


def test_a_form_posted_again_while_it_runs_leads_to_the_operation(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    answers: list[Page] = []

    def post_again(call: Call) -> None:
        if call.name == "UpdateAlias" and not answers:
            answers.append(operator.submit(form))

    aws.hook = post_again
    first = operator.submit(form)
    assert answers[0].location == first.location
    with app.app_context():
        assert len(list_operations()) == 1


def test_another_plan_has_to_wait_for_the_running_operation(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    other = plan(operator, shop, "v.shop-search=1").form(MOVE)
    answers: list[Page] = []

    def post_other(call: Call) -> None:
        if call.name == "UpdateAlias" and not answers:
            answers.append(operator.submit(other, {"reason": "Mine"}, 409))
            answers.append(operator.get(f"/projects/{shop}"))
            answers.append(operator.get("/operations/1"))

    aws.hook = post_other
    operator.submit(form)
    refused, project, running = answers
    assert "is moving the aliases of shop right now" in refused.notes[0]
    assert refused.link("operation #1") == "/operations/1"
    assert refused.form(MOVE).fields["reason"] == "Mine"
    assert "Moving" in project.text
    assert running.root.find_all("div", data_poll_url="/operations/1/progress")
    ended = operator.get("/operations/1/progress")
    assert not [n for n in ended.root.walk() if n.has("data-poll-url")]


def test_the_list_of_all_operations_follows_those_that_run(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    following: list[str] = []

    def look(call: Call) -> None:
        if call.name == "UpdateAlias" and not following:
            (note,) = operator.get("/operations").root.find_all("p", class_="following")
            following.append(note.get("data-poll-url"))
            shown = operator.get(following[0])
            assert "#1 of shop: moved 0 of 1." in shown.text
            (again,) = shown.root.find_all("p")
            assert again.get("data-poll-url") == following[0]

    aws.hook = look
    operator.submit(confirm(operator, shop))
    (ended,) = operator.get(following[0]).root.find_all("p")
    assert ended.get("data-poll-done") == "reload"
    assert not operator.get("/operations").root.find_all("p", class_="following")


def test_after_a_failure_the_same_plan_can_be_tried_again(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("AWS answered with 403."))
    failed = operator.follow(operator.submit(confirm(operator, shop)))
    assert "AWS answered with 403." in failed.rows()["shop-cart"]
    again = operator.submit(confirm(operator, shop))
    assert again.location == "/operations/2"
    assert live(aws, "shop-cart") == "2"


@pytest.mark.parametrize("on_failure", ["put_back", "finish"])
def test_what_happens_after_a_failure_is_chosen(
    aws: FakeAws, shop: int, operator: StrictClient, on_failure: str
) -> None:
    outcome, serves = {"put_back": ("Put back", "3"), "finish": ("Moved", "1")}[on_failure]
    aws.fail("UpdateAlias", AwsAccessDeniedError("No."), subject="shop-checkout", times=9)
    query = "v.shop-cart=1&v.shop-checkout=1&v.shop-search=1&reason=Slow"
    form = plan(operator, shop, query).form("Move 3 aliases now")
    done = operator.follow(operator.submit(form, {"on_failure": on_failure}))
    verdict = {"put_back": "so the others were put back", "finish": "The stack is mixed."}
    assert verdict[on_failure] in done.notes[0]
    rows = done.rows()
    assert outcome in rows["shop-cart"]
    assert "Failed" in rows["shop-checkout"]
    assert done.has_link("Move the rest")
    assert live(aws, "shop-cart") == serves


def test_the_way_back_is_one_link_away(
    aws: FakeAws, operation: int, operator: StrictClient
) -> None:
    page = operator.get(operator.get(f"/operations/{operation}").link("Plan the way back"))
    assert "Undo operation #1" in page.text
    undone = operator.follow(operator.submit(page.form(MOVE)))
    assert undone.heading == "Operation #2: undo of shop"
    assert undone.link("operation #1") == "/operations/1"
    assert live(aws, "shop-cart") == "3"


def test_the_way_back_leaves_alone_what_somebody_moved_on(
    app: Flask, aws: FakeAws, shop: int, operation: int, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "1")
    with app.app_context():
        sync_project(shop)
    page = operator.get(operator.get(f"/operations/{operation}").link("Plan the way back"))
    assert "Moved on by somebody since, so they stay as they are: shop-cart" in page.notes[0]


def test_what_was_left_is_moved_by_a_second_operation(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("No."), subject="shop-cart")
    form = plan(operator, shop, "v.shop-cart=1&v.shop-search=1&reason=Slow").form(
        "Move 2 aliases now"
    )
    done = operator.follow(operator.submit(form, {"on_failure": "finish"}))
    page = operator.get(done.link("Move the rest"))
    rest = operator.follow(operator.submit(page.form(MOVE)))
    assert rest.heading == "Operation #2: rest of shop"
    assert live(aws, "shop-cart") == "1"


def test_a_target_that_is_gone_is_said_before_anything_moves(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.delete_version("shop-cart", "2")
    page = operator.get(f"/projects/{shop}/switch?v.shop-cart=2", 422)
    assert "shop-cart has no version 2 (any more)." in page.notes[0]
    assert MOVE not in page.text


def test_an_alias_that_moved_since_the_last_sync_is_planned_from_where_it_is(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "1")
    page = plan(operator, shop)
    assert page.rows()["shop-cart"].startswith("1 100 %")
    operator.submit(page.form(MOVE), {"reason": "It is slow."})
    assert live(aws, "shop-cart") == "2"


def test_an_undo_leaves_alone_what_somebody_moved_since_the_last_sync(
    aws: FakeAws, operation: int, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "1")
    page = operator.get(operator.get(f"/operations/{operation}").link("Plan the way back"))
    assert page.heading == f"Plan for shop: undo operation #{operation}"
    assert "Moved on by somebody since, so they stay as they are: shop-cart" in page.text
    assert MOVE not in page.text


def test_a_deploy_that_runs_asks_for_a_reason_to_move_all_the_same(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
    refused = operator.submit(confirm(operator, shop), {"on_failure": "finish"}, 409)
    assert len(refused.errors) == 1
    assert refused.errors[0].startswith("CloudFormation is working on shop (UPDATE_IN_PROGRESS)")
    assert refused.errors[0].endswith("or say here why to move all the same.")
    again = refused.form(MOVE)
    assert again.fields["on_failure"] == "finish"
    assert again.fields["reason"] == "Carts are empty since 14:02"
    assert live(aws, "shop-cart") == "3"
    with app.app_context():
        assert list_operations() == []
    posted = operator.submit(again, {"override_reason": "It hangs"})
    assert live(aws, "shop-cart") == "2"
    assert "because It hangs" in operator.follow(posted).text
    with app.app_context():
        assert list_operations()[0].override_reason == "It hangs"


def test_the_way_back_to_a_split(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "2", ("3", 0.25))
    with app.app_context():
        sync_project(shop)
    done = operator.follow(
        operator.submit(plan(operator, shop, "v.shop-cart=1&reason=x").form(MOVE))
    )
    page = operator.get(done.link("Plan the way back"))
    assert "2 75 % 3 25 %" in page.rows()["shop-cart"]


def test_what_a_switch_cannot_reach_is_said(
    app: Flask, aws: FakeAws, operator: StrictClient
) -> None:
    aws.add_stack("mixed", {"mixed-a": 2, "mixed-b": 2, "mixed-c": 0})
    aws.delete_alias("mixed-b", "ACTIVE")
    aws.add_mapping("mixed-a", "", "arn:aws:sqs:eu-west-1:123456789012:jobs")
    aws.change_version("mixed-a", "1", state="Inactive", state_reason="The function is idle.")
    with app.app_context():
        project = make_project(make_account(), "mixed").id
    form = operator.get(f"/projects/{project}/switch")
    assert "2 functions cannot be chosen for want of the alias ACTIVE" in form.text
    page = plan(operator, project, "v.mixed-a=1&v.mixed-b=1")
    assert "mixed-a: 1 trigger bypasses ACTIVE" in page.text
    assert "These have no alias ACTIVE" in page.text
    assert page.link("mixed-b (create it)") == f"/projects/{project}/functions/mixed-b/alias"
    assert "The function is idle." in page.rows()["mixed-a"]


def test_a_choice_too_long_for_an_address_is_planned_all_the_same(
    app: Flask, aws: FakeAws, operator: StrictClient
) -> None:
    names = [f"a-rather-long-name-of-a-service-prod-function-{n:02d}" for n in range(70)]
    aws.add_stack("big", dict.fromkeys(names, 2))
    with app.app_context():
        project = make_project(make_account(), "big").id
    form = operator.get(f"/projects/{project}/switch").form("Show the plan")
    entered = {f"v.{name}": "1" for name in names} | {"reason": "All of it"}
    page = operator.submit(form, entered, 200)
    done = operator.follow(operator.submit(page.form("Move 70 aliases now")))
    assert "Done. ACTIVE of 70 functions moved, each read back." in done.notes
    back = operator.get(done.link("Plan the way back"))
    assert "ACTIVE of 70 functions would move" in back.text


def test_what_could_not_be_read_back_is_not_called_mixed(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = confirm(operator, shop)
    for call in ("GetFunction", "GetAlias"):
        aws.fail(call, AwsAccessDeniedError("No."), times=9, subject="shop-cart")
    done = operator.follow(operator.submit(form))
    assert done.notes[0].startswith("AWS accepted every move, but not each was seen")


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 30])
def test_an_operation_that_there_cannot_be_is_followed_by_none(
    shop: int, operator: StrictClient, number: str
) -> None:
    form = confirm(operator, shop)
    form.fields.update(kind="undo", origin_id=number)
    page = operator.submit(form, status=422)
    assert "This follows an operation of another project." in page.text
    operator.submit(form, {"csrf_token": "old"})


@pytest.mark.usefixtures("operation")
def test_the_journal_lists_what_was_moved(shop: int, viewer: StrictClient) -> None:
    row = viewer.get("/operations").rows()["#1 switch"]
    assert "Succeeded" in row
    assert "It is slow." in row
    history = viewer.follow(viewer.get(f"/projects/{shop}/operations", 302))
    for page in (history, viewer.get(f"/projects/{shop}")):
        said = next(rest for first, rest in page.rows().items() if "“It is slow.”" in first)
        assert "Succeeded" in said


def test_an_empty_journal_says_what_to_do(viewer: StrictClient) -> None:
    assert "Nothing has been moved yet" in viewer.get("/operations").text


def test_a_viewer_sees_no_way_back(operation: int, viewer: StrictClient) -> None:
    assert "Plan the way back" not in viewer.get(f"/operations/{operation}").text


def test_every_time_that_is_written_out_says_its_zone(shop: int, operator: StrictClient) -> None:
    addresses = ("switch", "switch?v.shop-cart=2", "functions/shop-cart")
    for page in (operator.get(f"/projects/{shop}/{address}") for address in addresses):
        times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d(.{4})", page.text)
        assert set(times) == {" UTC"}
