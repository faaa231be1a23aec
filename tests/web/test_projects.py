"""The list of projects, a project's page, and making, changing and deleting one."""

from collections.abc import Iterator
from threading import Event

import pytest
from flask import Flask

from sah.domain.errors import AwsCredentialsError, AwsUnreachableError
from sah.services.projects import ProjectDetails, get_project, update_project
from sah.services.sync import sync_project
from tests.factories import make_account, make_project
from tests.fakes import Call, FakeAws
from tests.web.client import Page, StrictClient

EXPIRED = AwsCredentialsError("The credentials have expired.", "Renew them.")


def sync(app: Flask, project_id: int) -> None:
    with app.app_context():
        sync_project(project_id, force_full=True)


def test_without_an_account_the_list_says_to_add_one(admin: StrictClient) -> None:
    page = admin.get("/projects")
    assert "First, tell SAH how to reach AWS" in page.text
    assert "sah accounts add" in page.text
    assert page.link("Add an account") == "/accounts/new"


def test_without_a_project_the_list_says_to_make_one(app: Flask, admin: StrictClient) -> None:
    with app.app_context():
        make_account()
    page = admin.get("/projects")
    assert "sah projects add shop --account production" in page.text
    assert page.link("New project") == "/projects/new"


def test_viewers_are_told_whom_to_ask(viewer: StrictClient) -> None:
    assert "Ask an administrator" in viewer.get("/projects").text


def test_the_list_shows_how_each_project_stands(
    app: Flask, aws: FakeAws, shop: int, viewer: StrictClient
) -> None:
    aws.add_stack("plain", {"hello": 1}, alias="")
    aws.add_stack("old", {"old-a": 2})
    with app.app_context():
        account = get_project(shop).account
        make_project(account, "plain")
        gone = make_project(account, "old").id
        make_project(account, "shop", "later", "LIVE", synced=False)
    aws.delete_stack("old")
    sync(app, gone)
    rows = viewer.get("/projects").rows()
    assert rows["shop"].startswith("Ready | 3 of 3 | ACTIVE | shop | production eu-west-1")
    assert rows["plain"].startswith("Not ready | 0 of 1")
    assert rows["old"].startswith("Stack gone | 0 of 0")
    assert rows["later"].startswith("Not read yet | 0 of 0 | LIVE")


def test_a_project_shows_what_each_function_serves(
    app: Flask, aws: FakeAws, shop: int, viewer: StrictClient
) -> None:
    aws.set_alias("shop-search", "ACTIVE", "2", ("3", 0.125))
    sync(app, shop)
    rows = viewer.get(f"/projects/{shop}").rows()
    assert rows["shop-cart"].startswith("3 100 % | Ready | 3")
    assert rows["shop-search"].startswith("2 87.5 % 3 12.5 % | Ready | 3")


def test_triggers_that_bypass_the_alias_are_marked(
    app: Flask, aws: FakeAws, shop: int, viewer: StrictClient
) -> None:
    aws.add_policy("shop-cart", "ACTIVE", principal="apigateway.amazonaws.com")
    aws.add_mapping("shop-cart", "", "arn:aws:sqs:eu-west-1:123456789012:jobs", enabled=False)
    sync(app, shop)
    row = viewer.get(f"/projects/{shop}").rows()["shop-cart"]
    assert "API Gateway → ACTIVE" in row
    assert "SQS → $LATEST bypasses ACTIVE (disabled)" in row
    assert "1 trigger bypasses ACTIVE: a rollback will not affect it." in row


def test_a_stack_without_aliases_is_told_what_to_do(
    app: Flask, aws: FakeAws, operator: StrictClient
) -> None:
    aws.add_stack("aws-python-rest-api-dev", {"aws-python-rest-api-dev-hello": 1}, alias="")
    with app.app_context():
        project = make_project(make_account(), "aws-python-rest-api-dev").id
    page = operator.get(f"/projects/{project}")
    assert "What to do so that this stack can be rolled back" in page.text
    assert "at least two. Functions that have them: 0 of 1." in page.text
    assert "AWS::Lambda::Alias" in page.text
    assert "It has no alias ACTIVE" in page.rows()["aws-python-rest-api-dev-hello"]
    assert page.has_link("Create the alias ACTIVE")
    assert not page.has_link("Switch versions")


def test_a_function_without_versions_says_why_it_is_not_ready(
    app: Flask, aws: FakeAws, viewer: StrictClient
) -> None:
    aws.add_stack("mixed", {"mixed-a": 2, "mixed-custom": 0})
    with app.app_context():
        project = make_project(make_account(), "mixed").id
    page = viewer.get(f"/projects/{project}")
    assert "It has no published version" in page.rows()["mixed-custom"]
    assert "Partly ready" in page.text


def test_a_stack_that_is_gone_is_shown_as_gone(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.delete_stack("shop")
    page = operator.follow(operator.submit(operator.get(f"/projects/{shop}").form("Sync")))
    assert "The stack is gone from AWS." in page.notes
    assert page.rows()["shop-cart"].endswith("Gone | 3 | none seen")


def test_a_failed_sync_says_what_failed_and_when_it_last_worked(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.fail("DescribeStacks", EXPIRED, times=9)
    page = operator.follow(operator.submit(operator.get(f"/projects/{shop}").form("Sync")))
    assert "The credentials have expired. Renew them." in page.text
    assert "from the last sync that worked: just now" in page.text
    assert page.rows()["shop-cart"].startswith("3 100 %")


def test_one_function_that_cannot_be_read_is_named(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.fail("ListAliases", EXPIRED, subject="shop-cart", times=9)
    page = operator.follow(operator.submit(operator.get(f"/projects/{shop}").form("Sync")))
    assert "shop-cart" in page.notes[0]
    assert "Could not be read" in page.rows()["shop-cart"]
    assert "Could not be read" not in page.rows()["shop-search"]


def test_a_sync_that_runs_already_is_not_started_again(
    aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    form = operator.get(f"/projects/{shop}").form("Sync")
    answers: list[Page] = []

    def press_again(call: Call) -> None:
        if call.name == "DescribeStacks" and not answers:
            answers.append(operator.submit(form))

    aws.hook = press_again
    page = operator.follow(operator.submit(form))
    assert answers[0].location == f"/projects/{shop}"
    # Once for the first reading, once for the two clicks.
    assert aws.count("ListStackResources") == 2
    assert any("Read 3 functions" in note for note in page.notes)


@pytest.fixture
def slow(app: Flask, aws: FakeAws, shop: int) -> Iterator[int]:
    """A project whose AWS does not answer before the test is over; its id."""
    answered = Event()

    def wait(_: Call) -> None:
        answered.wait(60)

    aws.hook = wait
    yield shop
    answered.set()
    with app.app_context():
        sync_project(shop, patience_s=60)  # waits for the one that the test began


def test_a_page_does_not_wait_for_ever(
    slow: int, operator: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.blueprints.projects._PATIENCE_S", 0.01)
    page = operator.submit(operator.get(f"/projects/{slow}").form("Sync"))
    assert "still being read" in operator.follow(page).notes[0]


def test_a_page_follows_the_first_sync_and_then_stops(
    app: Flask, aws: FakeAws, viewer: StrictClient
) -> None:
    aws.add_stack("new", {"new-a": 2})
    with app.app_context():
        project = make_project(make_account(), "new", synced=False).id
    polled = viewer.get(f"/projects/{project}").root.find("section", aria_label="State")
    assert polled.get("data-poll-url") == f"/projects/{project}/state"
    sync(app, project)
    ended = viewer.get(polled.get("data-poll-url")).root.find("section", aria_label="State")
    assert not ended.has("data-poll-url")
    assert ended.get("data-poll-done") == "reload"
    assert not viewer.get(f"/projects/{project}").root.find_all(data_poll_done="reload")


def test_seventy_functions_are_shown_whole(
    app: Flask, aws: FakeAws, operator: StrictClient
) -> None:
    aws.add_stack("big", {f"big-{n:02d}": 3 for n in range(70)})
    with app.app_context():
        project = make_project(make_account(), "big").id
    page = operator.get(f"/projects/{project}")
    assert len([name for name in page.rows() if name.startswith("big-")]) == 70
    assert page.root.find("input", data_filter="functions").get("aria-label") == "Filter functions"
    assert len(operator.get(f"/projects/{project}/switch").rows()) == 70


def test_a_project_is_made_out_of_one_of_all_stacks(
    app: Flask, aws: FakeAws, admin: StrictClient
) -> None:
    aws.add_stack("shop", {"shop-cart": 2})
    for n in range(60):
        aws.add_stack(f"other-{n}")
    aws.set_stack_status("other-7", "UPDATE_ROLLBACK_FAILED")
    with app.app_context():
        make_account()
    page = admin.get("/projects/new")
    assert len(page.root.find_all("input", type="radio", name="stack_name")) == 61
    assert "other-7 UPDATE_ROLLBACK_FAILED" in page.text
    form = page.form("Create the project")
    assert form.fields["alias"] == "ACTIVE"
    made = admin.follow(admin.submit(form, {"stack_name": "shop"}))
    assert made.heading == "shop"
    assert "Read 1 function from AWS." in made.notes[0]


def test_of_several_accounts_one_is_chosen_first(app: Flask, admin: StrictClient) -> None:
    with app.app_context():
        make_account()
        second = make_account("staging").id
    page = admin.get("/projects/new")
    assert page.link("staging") == f"/projects/new?account={second}"
    assert "Out of a stack of staging" in admin.get(page.link("staging")).text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"alias": "not an alias"}, "“not an alias” cannot be the name of an alias."),
        ({"alias": ""}, "Enter the name of the alias."),
        ({"stack_name": ""}, "Choose a stack."),
        ({"name": "x" * 81}, "80 characters"),
    ],
)
def test_what_is_wrong_with_a_new_project_is_said_and_nothing_is_lost(
    app: Flask, aws: FakeAws, admin: StrictClient, fields: dict[str, str], message: str
) -> None:
    aws.add_stack("shop", {"shop-cart": 2})
    with app.app_context():
        make_account()
    entered = {"stack_name": "shop", "name": "My shop", "alias": "LIVE"} | fields
    form = admin.get("/projects/new").form("Create the project")
    page = admin.submit(form, entered, 422)
    assert message in " ".join(page.errors)
    kept = page.form("Create the project").fields
    assert {name: kept.get(name, "") for name in entered} == entered


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "shop", "alias": "LIVE"}, "There is a project named shop already."),
        ({"name": "two"}, "Two projects cannot share a stack and an alias."),
    ],
)
@pytest.mark.usefixtures("shop")
def test_two_projects_cannot_share_a_name_or_a_stack_and_alias(
    admin: StrictClient, fields: dict[str, str], message: str
) -> None:
    form = admin.get("/projects/new").form("Create the project")
    page = admin.submit(form, {"stack_name": "shop"} | fields, 409)
    assert message in " ".join(page.errors)
    assert page.form("Create the project").fields["stack_name"] == "shop"


@pytest.mark.parametrize("error", [EXPIRED, AwsUnreachableError("No answer came.", "Look later.")])
def test_without_aws_the_stack_can_be_entered_by_hand(
    app: Flask, aws: FakeAws, admin: StrictClient, error: Exception
) -> None:
    aws.fail("ListStacks", error, times=9)
    aws.fail("DescribeStacks", error, times=9)
    with app.app_context():
        make_account()
    page = admin.get("/projects/new")
    assert str(error).split(".", maxsplit=1)[0] in page.notes[0]
    form = page.form("Create the project")
    wrong = admin.submit(form, {"stack_name": "shop", "alias": "a b"}, 422)
    assert wrong.form("Create the project").fields["stack_name"] == "shop"
    made = admin.follow(admin.submit(form, {"stack_name": "shop"}))
    assert "The last sync failed" in made.text


def test_a_project_can_be_changed(shop: int, admin: StrictClient) -> None:
    form = admin.get(f"/projects/{shop}/edit").form("Save")
    page = admin.follow(admin.submit(form, {"name": "Web shop"}))
    assert page.heading == "Web shop"
    assert page.rows()["shop-cart"].startswith("3 100 %")


def test_a_project_that_another_person_edited_meanwhile(
    app: Flask, shop: int, admin: StrictClient
) -> None:
    form = admin.get(f"/projects/{shop}/edit").form("Save")
    with app.app_context():
        project = get_project(shop)
        details = ProjectDetails("Theirs", project.account_id, "shop", "ACTIVE")
        update_project(shop, details, project.revision)
    page = admin.submit(form, {"name": "Mine"}, 409)
    assert "Somebody else saved the project" in page.notes[0]
    assert "Name: Theirs" in page.text
    again = page.form("Save mine over it")
    assert again.fields["name"] == "Mine"
    assert admin.follow(admin.submit(again)).heading == "Mine"


@pytest.mark.parametrize("revision", ["", "x", "0", "-1", "99"])
def test_a_forged_revision_is_a_conflict(shop: int, admin: StrictClient, revision: str) -> None:
    form = admin.get(f"/projects/{shop}/edit").form("Save")
    admin.submit(form, {"revision": revision}, 409)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "The project needs a name."),
        ({"alias": "12"}, "“12” cannot be the name of an alias."),
        ({"account_id": "77"}, "Not a valid choice."),
    ],
)
def test_a_wrong_change_is_refused_whole(
    app: Flask, shop: int, admin: StrictClient, fields: dict[str, str], message: str
) -> None:
    form = admin.get(f"/projects/{shop}/edit").form("Save")
    page = admin.submit(form, {"name": "Other"} | fields, 422)
    assert message in " ".join(page.errors)
    with app.app_context():
        assert get_project(shop).name == "shop"


def test_deleting_asks_first_and_changes_nothing_in_aws(
    aws: FakeAws, shop: int, admin: StrictClient
) -> None:
    page = admin.get(f"/projects/{shop}/delete")
    assert "Nothing in AWS changes" in page.text
    calls = len(aws.calls)
    after = admin.follow(admin.submit(page.form("Delete the project")))
    assert "was deleted" in after.notes[0]
    assert len(aws.calls) == calls
    admin.get(f"/projects/{shop}", 404)


def test_the_journal_outlives_its_project(shop: int, operation: int, admin: StrictClient) -> None:
    admin.submit(admin.get(f"/projects/{shop}/delete").form("Delete the project"))
    page = admin.get(f"/operations/{operation}")
    assert "shop (deleted)" in page.text
    assert "Moved" in page.rows()["shop-cart"]
    assert "It is slow." in " ".join(admin.get("/operations").rows().values())
