"""Tokens in the browser, and what calls of the API get with and without them."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, session

from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import User
from sah.services.tokens import TokenDetails, create_token, get_token_by_name, revoke_token
from tests.factories import ADMIN, OPERATOR
from tests.web.client import StrictClient

NEW = {"name": "laptop", "scope": "read", "expires": "90d", "project": ""}


@dataclass
class Caller:
    """Calls the API with a header, or none."""

    app: Flask

    def ask(self, path: str, authorization: str | None = None, **more: Any) -> Any:  # noqa: ANN401
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.app.test_client().get(path, headers=headers, **more)


@pytest.fixture
def caller(app: Flask) -> Caller:
    return Caller(app)


@pytest.fixture
def secret(app: Flask) -> str:
    with app.app_context():
        return create_token(TokenDetails("ci", Scope.READ), "a test").secret


def read_secret(text: str) -> str:
    found = re.search(r"sah_[0-9a-f]{64}", text)
    assert found
    return found[0]


class TestPages:
    def test_a_token_is_shown_once(self, admin: StrictClient, caller: Caller) -> None:
        page = admin.submit(admin.get("/tokens/new").form("Make the token"), NEW, 200)
        secret = read_secret(page.text)
        assert caller.ask("/api/user", f"Bearer {secret}").json["token"] == "laptop"
        listed = admin.get("/tokens")
        assert secret not in listed.response.text
        assert secret[:8] in listed.text
        assert "In use" in listed.text

    def test_one_for_deploys_comes_with_the_call_that_reports_them(
        self, admin: StrictClient, shop: int
    ) -> None:
        entered = NEW | {"scope": "deploy", "project": str(shop)}
        page = admin.submit(admin.get("/tokens/new").form("Make the token"), entered, 200)
        assert f"-d '{{}}' http://localhost/api/projects/{shop}/deployments" in page.text
        told = admin.get(page.link("How to send the commit too")).text
        assert "http://localhost/api/projects/PROJECT/deployments" in told
        assert '{\\"commit\\": \\"$(git rev-parse HEAD)\\"}' in told

    def test_an_administrator_makes_machines_tokens_and_own_ones(
        self, admin: StrictClient, caller: Caller
    ) -> None:
        form = admin.get("/tokens/new").form("Make the token")
        machine = admin.submit(form, NEW, 200)
        mine = admin.submit(form, NEW | {"name": "mine", "owner": "person"}, 200)
        emails = [
            caller.ask("/api/user", f"Bearer {read_secret(page.text)}").json["email"]
            for page in (machine, mine)
        ]
        assert emails == [None, ADMIN]

    def test_others_make_tokens_of_their_own(
        self, operator: StrictClient, viewer: StrictClient, caller: Caller
    ) -> None:
        form = operator.get("/tokens/new").form("Make the token")
        page = operator.submit(form, NEW | {"owner": "machine"}, 200)
        answer = caller.ask("/api/user", f"Bearer {read_secret(page.text)}").json
        assert answer["email"] == OPERATOR
        assert "laptop" not in viewer.get("/tokens").text
        viewer.get("/tokens/1/revoke", 404)

    def test_a_viewer_can_only_make_tokens_that_read(self, viewer: StrictClient) -> None:
        form = viewer.get("/tokens/new").form("Make the token")
        page = viewer.submit(form, NEW | {"scope": "operate"}, 422)
        assert "Not a valid choice" in " ".join(page.errors)

    @pytest.mark.parametrize(
        ("fields", "status", "said"),
        [
            ({"name": ""}, 422, "needs a name"),
            ({"name": "ci"}, 409, "named ci already"),
            ({"scope": "deploy"}, 422, "for one project"),
            ({"expires": "9y"}, 422, "Not a valid choice"),
            ({"project": "9"}, 422, "Not a valid choice"),
        ],
    )
    @pytest.mark.usefixtures("secret")
    def test_what_is_wrong_is_said_and_nothing_entered_is_lost(
        self, admin: StrictClient, fields: dict[str, str], status: int, said: str
    ) -> None:
        entered = NEW | fields
        form = admin.get("/tokens/new").form("Make the token")
        page = admin.submit(form, entered, status)
        assert said in " ".join(page.errors)
        assert page.form("Make the token").fields["name"] == entered["name"]

    def test_a_token_is_revoked(self, admin: StrictClient, caller: Caller, secret: str) -> None:
        admin.follow(admin.submit(admin.get("/tokens/1/revoke").form("Revoke the token")))
        assert caller.ask("/api/user", f"Bearer {secret}").status_code == 401
        assert "Revoked" in admin.get("/tokens").rows()[f"ci {secret[:8]}…"]

    def test_without_tokens_the_page_says_how_to_make_one(self, viewer: StrictClient) -> None:
        assert "sah tokens create" in viewer.get("/tokens").text


class TestCalls:
    def test_a_good_token_says_who_it_is(self, caller: Caller, secret: str) -> None:
        for scheme in ("Bearer", "bearer"):
            answer = caller.ask("/api/user", f"{scheme} {secret}")
            assert answer.json == {
                "email": None,
                "token": "ci",
                "scope": "read",
                "role": None,
                "rights": ["view"],
            }

    @pytest.mark.parametrize(
        "authorization", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer sah_" + "0" * 64]
    )
    def test_a_wrong_token_gets_401(self, caller: Caller, authorization: str) -> None:
        answer = caller.ask("/api/user", authorization)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_a_revoked_token_gets_401(self, app: Flask, caller: Caller, secret: str) -> None:
        with app.app_context():
            revoke_token(get_token_by_name("ci").id, "a test")
        assert "revoked" in caller.ask("/api/user", f"Bearer {secret}").json["error"]["message"]

    def test_neither_token_nor_log_in_gets_401(self, caller: Caller) -> None:
        answer = caller.ask("/api/user")
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "not_logged_in")

    def test_a_log_in_does(self, admin: StrictClient) -> None:
        answer: Any = admin.http.get("/api/user").json
        assert (answer["email"], answer["role"], answer["token"]) == (ADMIN, "admin", None)

    def test_a_wrong_token_never_falls_back_to_the_log_in(self, admin: StrictClient) -> None:
        answer = admin.http.get("/api/user", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401

    def test_a_call_with_a_token_knows_nothing_of_the_log_in(
        self, admin: StrictClient, secret: str
    ) -> None:
        with admin.http as http:
            answer = http.get("/api/user", headers={"Authorization": f"Bearer {secret}"})
            assert dict(session) == {}
        assert answer.json is not None
        assert answer.json["token"] == "ci"

    def test_the_log_in_librarys_own_tokens_open_nothing(self, app: Flask) -> None:
        with app.app_context():
            person = db.session.scalars(sa.select(User).filter_by(email=ADMIN)).one()
            token = str(person.get_auth_token())
        http = app.test_client()
        assert http.get("/projects", headers={"Authentication-Token": token}).status_code == 303
        assert http.get(f"/api/user?auth_token={token}").status_code == 401

    def test_a_token_opens_no_page(self, caller: Caller, secret: str) -> None:
        for path in ("/projects", "/api/docs"):
            assert caller.ask(path, f"Bearer {secret}").status_code == 303

    def test_too_many_calls_get_429(
        self, app: Flask, caller: Caller, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "API_REQUESTS_PER_MINUTE", 2)
        found = [caller.ask("/api/user", f"Bearer {secret}") for _ in range(3)]
        assert [answer.status_code for answer in found] == [200, 200, 429]
        assert found[2].json["error"]["code"] == "too_many_requests"
        assert 1 <= int(found[2].headers["Retry-After"]) <= 60

    def test_wrong_tokens_are_held_up_and_good_ones_are_not(
        self, app: Flask, caller: Caller, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "API_FAILURES_PER_MINUTE", 1)
        wrong = [caller.ask("/api/user", "Bearer x").status_code for _ in range(2)]
        assert wrong == [401, 429]
        assert caller.ask("/api/user", f"Bearer {secret}").status_code == 200
