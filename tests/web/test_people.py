"""People, and the help."""

import pytest

from tests.factories import ADMIN, OPERATOR, PASSWORD
from tests.web.client import StrictClient

NEW = {"email": "new@example.com", "password": PASSWORD, "role": "operator"}


def test_everybody_is_listed_with_their_role(admin: StrictClient) -> None:
    rows = admin.get("/people").rows()
    assert rows[ADMIN].startswith("admin")
    assert rows[OPERATOR].startswith("operator")


def test_a_person_is_added_and_can_log_in(admin: StrictClient, anonymous: StrictClient) -> None:
    page = admin.follow(admin.submit(admin.get("/people/new").form("Add the person"), NEW))
    assert page.rows()["new@example.com"].startswith("operator")
    anonymous.submit(anonymous.get("/login").form("Log in"), NEW | {"remember": ""}, 302)
    assert not anonymous.get("/projects").has_link("Accounts")


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"email": "x"}, 422, "“x” is not an e-mail address."),
        ({"email": ADMIN}, 409, f"{ADMIN} has an account already."),
        ({"password": "short"}, 422, "shorter than 10"),
        ({"role": "king"}, 422, "Not a valid choice."),
    ],
)
def test_what_is_wrong_with_a_person_is_said(
    admin: StrictClient, fields: dict[str, str], status: int, message: str
) -> None:
    entered = NEW | fields
    page = admin.submit(admin.get("/people/new").form("Add the person"), entered, status)
    assert message in " ".join(page.errors)
    assert page.form("Add the person").fields["email"] == entered["email"]


def test_the_help_explains_the_words_and_has_the_policy(viewer: StrictClient) -> None:
    page = viewer.get("/help")
    assert "What “ready” means" in page.text
    assert '"lambda:UpdateAlias"' in page.text
    assert page.root.find(id="connect").text == "Connect AWS"
