"""The first visit: everything leads to the set-up, which is gone afterwards."""

from threading import Barrier, Thread

import pytest
from flask import Flask

from sah.domain.errors import SahError
from sah.services.people import create_first_admin, list_users
from tests.factories import PASSWORD
from tests.web.client import StrictClient

FIRST = {"email": "First@Example.com", "password": PASSWORD, "repeated": PASSWORD}


@pytest.fixture
def browser(empty_app: Flask) -> StrictClient:
    return StrictClient(empty_app)


@pytest.mark.parametrize("path", ["/", "/projects", "/login", "/people", "/nowhere", "/change"])
def test_the_first_visit_leads_to_the_setup(browser: StrictClient, path: str) -> None:
    assert browser.get(path, 303).location == "/setup"


def test_programs_are_told_instead_of_led(browser: StrictClient) -> None:
    answer = browser.get("/api/projects", 401)
    assert answer.response.get_json()["error"]["code"] == "not_logged_in"


def test_setup_makes_an_administrator_who_is_logged_in(browser: StrictClient) -> None:
    form = browser.get("/setup").form("Create the administrator")
    page = browser.follow(browser.submit(form, FIRST))
    assert "You are the administrator" in page.notes[0]
    assert "first@example.com" in page.text
    assert browser.get("/people").rows()["first@example.com"].startswith("admin")


def test_setup_is_gone_afterwards(app: Flask) -> None:
    assert StrictClient(app).get("/setup", 404).heading == "Not found"
    browser = StrictClient(app)
    token = browser.get("/login").form("Log in").fields["csrf_token"]
    browser.post("/setup", FIRST | {"csrf_token": token}, 404)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "nonsense"}, "“nonsense” is not an e-mail address."),
        ({"email": ""}, "Enter your e-mail address."),
        ({"password": "short", "repeated": "short"}, "shorter than 10 characters"),
        ({"repeated": "another password"}, "The two passwords differ."),
    ],
)
def test_setup_keeps_what_was_entered(
    browser: StrictClient, changes: dict[str, str], message: str
) -> None:
    form = browser.get("/setup").form("Create the administrator")
    page = browser.submit(form, FIRST | changes, 422)
    assert message in " ".join(page.errors)
    kept = page.form("Create the administrator").fields
    assert kept["email"] == (FIRST | changes)["email"]
    assert kept["password"] == ""


def test_of_two_who_set_up_at_once_one_wins(empty_app: Flask) -> None:
    start = Barrier(2)
    failed: list[str] = []

    def set_up(email: str) -> None:
        with empty_app.app_context():
            start.wait(60)
            try:
                create_first_admin(email, PASSWORD)
            except SahError as error:
                failed.append(error.code)

    threads = [Thread(target=set_up, args=(f"{name}@example.com",)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with empty_app.app_context():
        assert len(list_users()) == 1
    assert failed == ["conflict"]
