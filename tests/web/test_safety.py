"""Errors, request ids and headers: what every answer carries."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy.exc import DataError

from sah import create_app
from sah.blueprints.access import requires
from sah.config import Settings
from sah.domain.access import Right
from tests.web.client import StrictClient


@pytest.fixture
def broken(app: Flask) -> Iterator[Flask]:
    """The app with a help page that fails in a way that nobody foresaw."""
    intact = app.view_functions["help.show"]

    def fail() -> str:
        raise RuntimeError("the secret detail")

    app.view_functions["help.show"] = requires(Right.VIEW)(fail)
    yield app
    app.view_functions["help.show"] = intact


def test_health_is_open_and_says_ok(anonymous: StrictClient) -> None:
    assert anonymous.get("/healthz").response.get_json() == {"status": "ok"}


def test_version_says_what_runs(anonymous: StrictClient) -> None:
    assert anonymous.get("/version").response.get_json()["version"].count(".") == 2


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/projects/{}", 404),
        ("/projects/{}/functions/cart", 404),
        ("/operations/{}", 404),
        ("/accounts/{}/test", 404),
        ("/projects/new?account={}", 200),
    ],
)
def test_an_id_that_no_database_can_hold_is_found_nowhere(
    admin: StrictClient, address: str, status: int
) -> None:
    admin.get(address.format(2**63), status)


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_shows_its_request_id_only(
    admin: StrictClient, capsys: pytest.CaptureFixture[str]
) -> None:
    page = admin.get("/help", 500)
    assert page.response.headers["X-Request-ID"] in page.text
    assert "secret detail" not in page.response.text
    assert "Traceback" not in page.response.text
    assert "the secret detail" in capsys.readouterr().err


def test_what_the_database_does_not_take_is_said_in_a_sentence(
    admin: StrictClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise DataError("SELECT 'the statement'", {}, ValueError("the secret detail"))

    monkeypatch.setitem(app.view_functions, "help.show", requires(Right.VIEW)(fail))
    page = admin.get("/help", 422)
    assert "cannot be stored" in page.text
    assert "the statement" not in page.response.text
    assert "the secret detail" not in page.response.text


@pytest.mark.usefixtures("broken")
def test_when_not_even_the_error_page_works_the_id_is_shown(
    admin: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("sah.blueprints.errors.render_template", fail)
    answer = admin.get("/help", 500).response
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Request-ID"] in answer.text


def test_errors_are_json_for_programs(admin: StrictClient) -> None:
    for path, headers in (("/api/nothing", {}), ("/nothing", {"Accept": "application/json"})):
        answer = admin.http.get(path, headers=headers)
        assert answer.status_code == 404
        assert set(answer.get_json()["error"]) == {"code", "message", "hint"}
        assert answer.get_json()["error"]["code"] == "not_found"


def test_the_errors_of_services_are_json_too(admin: StrictClient) -> None:
    answer = admin.http.get("/projects/7", headers={"Accept": "application/json"})
    assert answer.get_json()["error"] == {
        "code": "not_found",
        "message": "There is no such project.",
        "hint": "It may have been deleted.",
    }


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/nothing", 404, "Not found"),
        ("/projects/7", 404, "Not found"),
        ("/operations/7", 404, "Not found"),
        ("/accounts/7/test", 404, "Not found"),
        ("/projects/1/sync", 405, "Method not allowed"),
    ],
)
def test_errors_are_pages_for_people(
    admin: StrictClient, path: str, status: int, heading: str
) -> None:
    assert admin.get(path, status).heading == heading


def test_a_request_id_from_outside_is_not_taken(admin: StrictClient) -> None:
    answer = admin.http.get("/help", headers={"X-Request-ID": "forged"})
    assert answer.headers["X-Request-ID"] != "forged"


def test_what_is_too_large_is_refused(admin: StrictClient) -> None:
    page = admin.post("/people/new", {"email": "x" * (1024 * 1024 + 1)}, 413)
    assert "more than SAH accepts" in page.text


def test_static_files_may_be_kept_and_have_the_headers(anonymous: StrictClient) -> None:
    with anonymous.http.get("/static/css/sah.css") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers.get("Cache-Control", "")
        assert "Content-Security-Policy" in answer.headers


def test_only_https_is_pinned(app: Flask, anonymous: StrictClient) -> None:
    assert "Strict-Transport-Security" not in anonymous.get("/login").response.headers
    secure = app.test_client().get("/login", base_url="https://sah.example")
    assert "max-age" in secure.headers["Strict-Transport-Security"]


def test_cookies_are_for_the_browser_alone(tmp_path: Path) -> None:
    settings = Settings(
        tmp_path, f"sqlite:///{tmp_path / 'x'}", "s", (Fernet.generate_key().decode(),)
    )
    app = create_app(replace(settings, cookie_secure=True, log_level="error"))
    cookie = app.test_client().get("/setup").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" in cookie


@pytest.mark.parametrize("referrer", ["", "https://sah.example/login"])
@pytest.mark.parametrize("path", ["/login", "/projects/1/switch"])
def test_a_proxy_that_hides_the_host_is_named(app: Flask, path: str, referrer: str) -> None:
    client = app.test_client()
    shown = client.get("/login", base_url="https://127.0.0.1").text
    (token, *_) = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', shown)
    answer = client.post(
        path,
        base_url="https://127.0.0.1",
        data={"csrf_token": token, "fingerprint": "x"},
        headers={"Referer": referrer},
    )
    assert answer.status_code == 400
    assert "X-Forwarded-Host" in answer.text


def test_cookies_for_https_alone_are_named_where_there_is_none(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    answer = app.test_client().post("/login", data={"email": "x"})
    assert answer.status_code == 400
    assert "SAH_COOKIE_SECURE" in answer.text
