"""A log-in that ends between the plan and its confirmation costs nothing that was entered."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from sah.services.operations import list_operations
from tests.web.client import Form, StrictClient
from tests.web.pipeline import Pipeline

REASON = "Carts are empty & orders fail"
BUTTON = "Roll back to #1 now"
MOVE = "Move 1 alias now"
NOTE = "what you had entered"


@pytest.fixture
def project(pipeline: Pipeline) -> str:
    pipeline.deploy("shop-cart")
    return f"/projects/{pipeline.project_id}"


def end_session(client: StrictClient) -> None:
    with client.http.session_transaction() as session:
        session.clear()


def resume_session(client: StrictClient, of: StrictClient) -> None:
    with of.http.session_transaction() as session:
        uniquifier = session["_user_id"]
    client.enter(uniquifier)


def confirm_late(client: StrictClient, form: Form, another: StrictClient) -> str:
    """Send a form after the log-in ended; give where one comes to after logging in."""
    end_session(client)
    page = client.submit(form, {"reason": REASON, "on_failure": "finish"})
    log_in = client.get(page.location)
    assert NOTE in log_in.notes[0]
    resume_session(client, another)
    (following,) = parse_qs(urlsplit(log_in.form("Log in").action).query)["next"]
    return following


@pytest.mark.parametrize(
    "address",
    ["deployments/1/rollback", "deployments/1/rollback?partial=1", "switch?v.shop-cart=2"],
)
def test_the_plan_comes_back_with_what_was_entered(
    app: Flask,
    project: str,
    operator: StrictClient,
    admin: StrictClient,
    address: str,
) -> None:
    button = MOVE if address.startswith("switch") else BUTTON
    form = operator.get(f"{project}/{address}").form(button)
    back = confirm_late(operator, form, admin)
    assert back.startswith(f"{project}/{address}")
    again = operator.get(back).form(button)
    changed = {"reason": REASON, "on_failure": "finish", "csrf_token": "", "shown_at": ""}
    assert again.fields | changed == form.fields | changed
    operator.submit(again)
    with app.app_context():
        (operation,) = list_operations()
        assert (operation.reason, operation.on_failure) == (REASON, "finish")


def test_so_does_the_way_back_of_an_operation(
    app: Flask, operation: int, operator: StrictClient, admin: StrictClient
) -> None:
    page = operator.get(operator.get(f"/operations/{operation}").link("Plan the way back"))
    back = confirm_late(operator, page.form(MOVE), admin)
    operator.submit(operator.get(back).form(MOVE))
    with app.app_context():
        undo, _ = list_operations()
        assert (undo.undo_of_id, undo.reason) == (operation, REASON)


def test_a_page_that_was_open_too_long_gives_the_plan_of_now(
    project: str, operator: StrictClient
) -> None:
    form = operator.get(f"{project}/deployments/1/rollback").form(BUTTON)
    late = operator.submit(form, {"reason": REASON, "csrf_token": "old"})
    page = operator.follow(late)
    assert NOTE in page.notes[0]
    assert page.form(BUTTON).fields["reason"] == REASON


def test_a_reason_too_long_for_an_address_is_left_out(project: str, operator: StrictClient) -> None:
    form = operator.get(f"{project}/deployments/1/rollback").form(BUTTON)
    end_session(operator)
    page = operator.submit(form, {"reason": "ж" * 500, "on_failure": "finish"})
    assert "on_failure" in page.location
    assert "reason" not in page.location


def test_other_forms_that_come_too_late_are_refused_as_ever(admin: StrictClient) -> None:
    form = admin.get("/accounts/new").form("Save and test the connection")
    admin.submit(form, {"csrf_token": "old"}, 400)
