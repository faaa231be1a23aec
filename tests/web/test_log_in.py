"""Logging in and out, and changing one's password."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import ADMIN, PASSWORD
from tests.web.client import Page, StrictClient


def enter(browser: StrictClient, password: str = PASSWORD, path: str = "/login") -> Page:
    form = browser.get(path).form("Log in")
    status = 302 if password == PASSWORD else 200
    return browser.submit(form, {"email": ADMIN.upper(), "password": password}, status)


def test_logging_in_goes_to_the_projects(anonymous: StrictClient) -> None:
    assert enter(anonymous).location == "/"
    assert anonymous.get("/projects").heading == "Projects"


def test_who_stays_logged_in_is_asked_again_after_a_month(anonymous: StrictClient) -> None:
    form = anonymous.get("/login").form("Log in")
    anonymous.submit(form, {"email": ADMIN, "password": PASSWORD, "remember": "y"}, 302)
    cookie = anonymous.http.get_cookie("remember_token")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.expires is not None
    assert cookie.expires < datetime.now(UTC) + timedelta(days=31)


def test_logging_in_goes_on_where_one_wanted_to_go(anonymous: StrictClient) -> None:
    asked = anonymous.get("/operations?page=2", 303)
    assert enter(anonymous, path=asked.location).location == "/operations?page=2"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_logging_in_never_leads_elsewhere(anonymous: StrictClient, target: str) -> None:
    page = enter(anonymous, path=f"/login?next={target}")
    assert page.location == "/"


def test_a_wrong_password_does_not_say_which_part_was_wrong(anonymous: StrictClient) -> None:
    wrong = enter(anonymous, "not the password")
    form = wrong.form("Log in")
    assert form.fields["email"].lower() == ADMIN
    assert form.fields["password"] == ""
    unknown = anonymous.submit(form, {"email": "nobody@example.com", "password": "x"}, 200)
    assert wrong.notes == unknown.notes == ["The e-mail address or the password is wrong."]
    assert wrong.errors == unknown.errors == []


def test_logging_out_ends_the_session(anonymous: StrictClient) -> None:
    enter(anonymous)
    out = anonymous.submit(anonymous.get("/projects").form("Log out"), status=302)
    assert out.location == "/login"
    anonymous.get("/projects", 303)


def test_logging_out_needs_a_form(admin: StrictClient) -> None:
    admin.get("/logout", 405)
    admin.post("/logout", status=400)
    admin.get("/projects")


def test_a_password_can_be_changed(admin: StrictClient, anonymous: StrictClient) -> None:
    form = admin.get("/change").form("Change password")
    new = {"new_password": "an even longer one", "new_password_confirm": "an even longer one"}
    wrong = admin.submit(form, {"password": "wrong", **new}, 200)
    assert wrong.errors
    admin.submit(wrong.form("Change password"), {"password": PASSWORD, **new}, 302)
    fields = {"email": ADMIN, "password": "an even longer one"}
    anonymous.submit(anonymous.get("/login").form("Log in"), fields, 302)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_a_forged_form_does_not_lead_elsewhere_either(anonymous: StrictClient, target: str) -> None:
    form = anonymous.get("/login").form("Log in")
    entered = form.fields | {"email": ADMIN, "password": PASSWORD, "next": target}
    answer = anonymous.http.post("/login", data=entered)
    assert answer.headers.get("Location", "/") in ("/", "/%5Cevil.example")


def test_passwords_cannot_be_guessed_by_the_hundred(
    anonymous: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.blueprints.rates.LOG_INS_PER_MINUTE", 2)
    form = anonymous.get("/login").form("Log in")
    for _ in range(2):
        anonymous.submit(form, {"email": ADMIN, "password": "a guess"}, 200)
    refused = anonymous.submit(form, {"email": ADMIN, "password": PASSWORD}, 429)
    assert "Wait 30 s and try again." in refused.text
    assert refused.response.headers["Retry-After"] == "30"
    anonymous.get("/login")
