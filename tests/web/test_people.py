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


def test_who_leaves_is_shut_out_at_once(admin: StrictClient, operator: StrictClient) -> None:
    operator.get("/projects")
    form = admin.get("/people/2/edit").form("Save")
    fields = {name: value for name, value in form.fields.items() if name != "active"}
    page = admin.follow(admin.post("/people/2/edit", fields))
    assert "no" in page.rows()[OPERATOR]
    operator.get("/projects", 303)
    login = operator.get("/login").form("Log in")
    operator.submit(login, {"email": OPERATOR, "password": PASSWORD}, 200)


def test_a_lost_password_is_replaced(admin: StrictClient, anonymous: StrictClient) -> None:
    new = "another long password"
    admin.submit(admin.get("/people/2/edit").form("Save"), {"password": new})
    login = anonymous.get("/login").form("Log in")
    anonymous.submit(login, {"email": OPERATOR, "password": PASSWORD}, 200)
    anonymous.submit(login, {"email": OPERATOR, "password": new}, 302)


def test_a_form_that_was_open_meanwhile_lets_nobody_in_again(admin: StrictClient) -> None:
    form = admin.get("/people/2/edit").form("Save")
    fields = {name: value for name, value in form.fields.items() if name != "active"}
    admin.post("/people/2/edit", fields | {"role": "viewer"})
    page = admin.follow(admin.submit(form, {"password": "another long password"}))
    assert page.rows()[OPERATOR].startswith("viewer | no")
    page = admin.submit(form, {"password": "short", "role": "admin"}, 422)
    rows = admin.follow(admin.submit(page.form("Save"), {"password": ""})).rows()
    assert rows[OPERATOR].startswith("admin | no")


def test_a_role_counts_from_the_next_click_on(admin: StrictClient, operator: StrictClient) -> None:
    operator.get("/people", 403)
    admin.submit(admin.get("/people/2/edit").form("Save"), {"role": "admin"})
    operator.get("/people")


def test_the_last_administrator_cannot_shut_out_themselves(admin: StrictClient) -> None:
    form = admin.get("/people/1/edit").form("Save")
    page = admin.submit(form, {"role": "viewer"}, 409)
    assert "No administrator would be left who may log in." in page.text
    admin.get("/people")


def test_the_help_explains_the_words_and_has_the_policy(viewer: StrictClient) -> None:
    page = viewer.get("/help")
    assert "What “ready” means" in page.text
    assert '"lambda:UpdateAlias"' in page.text
    assert page.root.find(id="connect").text == "Connect AWS"
