"""A function's page, and giving it the alias that it lacks."""

import pytest
from flask import Flask

from sah.domain.errors import AwsAccessDeniedError
from sah.services.sync import sync_project
from tests.factories import make_account, make_project
from tests.fakes import FakeAws
from tests.web.client import StrictClient

DENIED = AwsAccessDeniedError("The permission lambda:CreateAlias is missing.", "Add it.")


@pytest.fixture
def bare(app: Flask, aws: FakeAws) -> int:
    """A project with a function of two versions that lacks the alias; its id."""
    aws.add_stack("bare", {"bare-a": 2}, alias="")
    with app.app_context():
        return make_project(make_account(), "bare").id


def test_a_function_shows_its_versions_and_which_alias_points_where(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.set_alias("shop-cart", "ACTIVE", "2", ("3", 0.1))
    aws.set_alias("shop-cart", "canary", "1")
    aws.change_version("shop-cart", "1", state="Inactive", description="The first one")
    with app.app_context():
        sync_project(shop, force_full=True)
    page = operator.get(f"/projects/{shop}/functions/shop-cart")
    rows = page.rows()
    assert rows["3"].startswith("ACTIVE 10 %")
    assert rows["2"].startswith("ACTIVE 90 %")
    assert rows["1"].startswith("canary")
    assert "Inactive" in rows["1"]
    assert "nodejs22.x | 128 MB | 6 s | The first one" in rows["1"]
    assert page.root.find_all("code")[-1].get("title").isalnum()


def test_each_version_but_the_live_one_leads_to_its_plan(shop: int, operator: StrictClient) -> None:
    page = operator.get(f"/projects/{shop}/functions/shop-cart")
    assert page.link("Switch shop-cart to version 1") == f"/projects/{shop}/switch?v.shop-cart=1"
    assert not page.has_link("Switch shop-cart to version 3")


def test_120_versions_are_shown_whole(app: Flask, aws: FakeAws, viewer: StrictClient) -> None:
    aws.add_stack("old", {"old-a": 120})
    with app.app_context():
        project = make_project(make_account(), "old").id
    rows = viewer.get(f"/projects/{project}/functions/old-a").rows()
    assert {str(n) for n in range(1, 121)} <= set(rows)


def test_triggers_are_shown_with_their_qualifier(
    app: Flask, aws: FakeAws, shop: int, viewer: StrictClient
) -> None:
    aws.add_policy("shop-cart", "ACTIVE", principal="sns.amazonaws.com", source="arn:aws:sns:x")
    aws.add_mapping("shop-cart", "", "arn:aws:sqs:eu-west-1:123456789012:jobs")
    with app.app_context():
        sync_project(shop, force_full=True)
    rows = viewer.get(f"/projects/{shop}/functions/shop-cart").rows()
    assert rows["SNS"] == "ACTIVE | Yes | arn:aws:sns:x"
    assert rows["SQS"].startswith("$LATEST | Bypasses it")


def test_a_function_that_is_gone_stays_visible(
    app: Flask, aws: FakeAws, shop: int, operator: StrictClient
) -> None:
    aws.remove_function("shop", "shop-cart")
    with app.app_context():
        sync_project(shop, force_full=True)
    page = operator.get(f"/projects/{shop}/functions/shop-cart")
    assert "This function is gone" in page.notes[0]
    assert not page.has_link("Switch shop-cart to version 1")


def test_an_unknown_function_is_a_clear_404(shop: int, viewer: StrictClient) -> None:
    assert "has no function nope" in viewer.get(f"/projects/{shop}/functions/nope", 404).text


def test_a_missing_alias_is_offered_and_made(
    aws: FakeAws, bare: int, operator: StrictClient
) -> None:
    page = operator.get(operator.get(f"/projects/{bare}").link("Create the alias ACTIVE"))
    assert "No traffic moves" in page.text
    form = page.form("Create the alias")
    assert form.fields["version"] == "2"
    after = operator.follow(operator.submit(form, {"version": "1"}))
    assert "bare-a has the alias ACTIVE now." in after.notes
    assert after.rows()["bare-a"].startswith("1 100 % | Ready")
    assert aws.get_alias("bare-a", "ACTIVE").routing.version == "1"


def test_an_alias_posted_twice_is_made_once(
    aws: FakeAws, bare: int, operator: StrictClient
) -> None:
    path = f"/projects/{bare}/functions/bare-a/alias"
    form = operator.get(path).form("Create the alias")
    operator.submit(form)
    assert "has the alias ACTIVE already" in operator.submit(form, status=409).text
    assert aws.count("CreateAlias") == 1
    assert "already" in operator.get(path).text


def test_an_alias_that_aws_refuses_is_explained(
    aws: FakeAws, bare: int, operator: StrictClient
) -> None:
    aws.fail("CreateAlias", DENIED)
    form = operator.get(f"/projects/{bare}/functions/bare-a/alias").form("Create the alias")
    page = operator.submit(form, {"version": "1"}, 502)
    assert page.notes == [str(DENIED)]
    assert page.form("Create the alias").fields["version"] == "1"


def test_an_alias_on_a_version_that_is_not_there(
    aws: FakeAws, bare: int, operator: StrictClient
) -> None:
    form = operator.get(f"/projects/{bare}/functions/bare-a/alias").form("Create the alias")
    assert operator.submit(form, {"version": "77"}, 422).errors == ["Not a valid choice."]
    aws.delete_version("bare-a", "1")
    page = operator.submit(form, {"version": "1"}, 404)
    assert "There is no version 1" in page.text
