"""Accounts: adding, changing, testing and deleting one; secrets never come back."""

import pytest
from flask import Flask

from sah.aws.gateway import AccessKind
from sah.domain.errors import AwsCredentialsError
from sah.services.accounts import AccountDetails, add_account, get_account, update_account
from tests.factories import make_account
from tests.fakes import FakeAws, FakeConnections
from tests.silence import Silence
from tests.web.client import StrictClient

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = {
    "name": "keyed",
    "region": "eu-west-1",
    "access_kind": "access_key",
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": SECRET,
}
ROLE = {
    "name": "role",
    "region": "eu-west-1",
    "access_kind": "assume_role",
    "role_arn": "arn:aws:iam::123456789012:role/sah",
    "external_id": "a1b2",
}
SAVE = "Save and test the connection"


@pytest.fixture
def keyed(app: Flask) -> int:
    """An account with a stored access key; its id."""
    with app.app_context():
        details = AccountDetails(
            "keyed",
            "eu-west-1",
            AccessKind.ACCESS_KEY,
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            secret_access_key=SECRET,
        )
        return add_account(details).id


def test_without_an_account_the_list_says_what_to_do(admin: StrictClient) -> None:
    assert "sah accounts add" in admin.get("/accounts").text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"name": "default", "region": "eu-west-1"}, "Default chain"),
        (ROLE, "arn:aws:iam::123456789012:role/sah"),
        (KEY, "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_an_account_is_added_and_tested_at_once(
    aws: FakeAws, admin: StrictClient, fields: dict[str, str], shown: str
) -> None:
    page = admin.follow(admin.submit(admin.get("/accounts/new").form(SAVE), fields))
    assert "The connection works." in page.notes[0]
    assert "arn:aws:iam::123456789012:user/sah" in page.text
    row = admin.get("/accounts").rows()[fields["name"]]
    assert shown in row
    assert "123456789012" in row
    assert aws.count("GetCallerIdentity") == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"region": "Ireland"}, "“Ireland” is not a Region such as eu-west-1."),
        ({"region": ""}, "Enter a Region such as eu-west-1."),
        ({"name": ""}, "The account needs a name."),
        ({"access_kind": "assume_role", "role_arn": "sah"}, "“sah” is not the ARN of an IAM role."),
        ({"access_kind": "assume_role", "role_arn": ""}, "Enter the ARN of an IAM role."),
        ({"access_key_id": "", "access_kind": "access_key"}, "Enter an access key id."),
        ({"secret_access_key": ""}, "The secret access key is missing."),
        ({"endpoint_url": "ftp://x"}, "“ftp://x” is not an http(s) address."),
        ({"access_kind": "magic"}, "Not a valid choice."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_but_the_secret_is_lost(
    admin: StrictClient, fields: dict[str, str], message: str
) -> None:
    entered = KEY | {"endpoint_url": "http://127.0.0.1:4566"} | fields
    page = admin.submit(admin.get("/accounts/new").form(SAVE), entered, 422)
    assert message in " ".join(page.errors)
    kept = page.form(SAVE).fields
    lost = {name for name, value in entered.items() if kept.get(name, "") != value}
    assert lost <= {"secret_access_key", *(["access_kind"] if message.startswith("Not a") else [])}
    assert SECRET not in page.response.text


@pytest.mark.usefixtures("keyed")
def test_a_name_is_taken_once(admin: StrictClient) -> None:
    page = admin.submit(admin.get("/accounts/new").form(SAVE), KEY, 409)
    assert "There is an account named keyed already." in page.errors


@pytest.mark.usefixtures("aws")
def test_the_secret_is_never_shown_and_an_empty_one_keeps_it(
    connections: FakeConnections, keyed: int, admin: StrictClient
) -> None:
    page = admin.get(f"/accounts/{keyed}/edit")
    assert SECRET not in page.response.text
    field = page.root.find("input", name="secret_access_key")
    assert field.get("value") == ""
    assert field.get("placeholder") == "stored; leave empty to keep it"
    tested = admin.follow(admin.submit(page.form(SAVE), {"region": "eu-west-2"}))
    assert "The account was saved." in tested.notes
    access, _ = connections.opened[-1]
    assert (access.secret_access_key, access.region) == (SECRET, "eu-west-2")


def test_an_account_that_another_person_edited_meanwhile(
    app: Flask, keyed: int, admin: StrictClient
) -> None:
    form = admin.get(f"/accounts/{keyed}/edit").form(SAVE)
    with app.app_context():
        theirs = AccountDetails(
            "theirs", "eu-west-3", AccessKind.ACCESS_KEY, access_key_id=KEY["access_key_id"]
        )
        update_account(keyed, theirs, 1)
    page = admin.submit(form, {"name": "mine"}, 409)
    assert "Name: theirs" in page.text
    assert "Region: eu-west-3" in page.text
    again = page.form("Save mine over it")
    assert again.fields["name"] == "mine"
    admin.submit(again, {"secret_access_key": SECRET})
    with app.app_context():
        assert get_account(keyed).name == "mine"


def test_a_test_names_what_is_missing_and_has_the_policy_to_copy(
    app: Flask, aws: FakeAws, admin: StrictClient
) -> None:
    aws.deny("lambda:UpdateAlias", "lambda:GetPolicy")
    with app.app_context():
        account = make_account().id
    page = admin.get(f"/accounts/{account}/test")
    assert "2 permissions are missing." in page.notes[0]
    assert page.rows()["lambda:UpdateAlias"].startswith("Missing")
    assert page.rows()["lambda:GetAlias"].startswith("Allowed")
    assert '"lambda:UpdateAlias"' in page.text
    assert not page.has_link("New project")


def test_a_test_without_access_says_why(app: Flask, aws: FakeAws, admin: StrictClient) -> None:
    aws.fail("GetCallerIdentity", AwsCredentialsError("There are no credentials.", "Add some."))
    with app.app_context():
        account = make_account().id
    page = admin.get(f"/accounts/{account}/test")
    assert "There are no credentials. Add some." in page.notes[0]
    assert "cloudformation:ListStacks" in page.text


@pytest.mark.usefixtures("shop")
def test_an_account_in_use_is_not_deleted(admin: StrictClient) -> None:
    form = admin.get("/accounts/1/delete").form("Delete the account")
    assert "is used by shop" in admin.submit(form, status=409).notes[0]


def test_an_unused_account_is_deleted(keyed: int, admin: StrictClient) -> None:
    form = admin.get(f"/accounts/{keyed}/delete").form("Delete the account")
    assert "was deleted" in admin.follow(admin.submit(form)).notes[0]
    admin.get(f"/accounts/{keyed}/edit", 404)


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(
    ("address", "call"),
    [("/accounts/1/test", "GetCallerIdentity"), ("/projects/new", "ListStacks")],
)
def test_no_page_waits_for_an_aws_that_hangs(
    aws: FakeAws, admin: StrictClient, monkeypatch: pytest.MonkeyPatch, address: str, call: str
) -> None:
    silence = Silence(aws, monkeypatch, call)
    page = admin.get(address)
    silence.end()
    assert "AWS gave no answer in time." in page.notes[0]
