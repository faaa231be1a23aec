"""Every view says who may see it, and that is what happens."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from sah.blueprints.access import Door, find_access
from sah.domain.access import Right, RoleName
from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import User
from sah.services.tokens import TokenDetails, create_token
from tests.conftest import LogIn
from tests.factories import EMAILS
from tests.web.client import StrictClient

GETS = {
    "/": Right.VIEW,
    "/projects": Right.VIEW,
    "/projects/1": Right.VIEW,
    "/projects/1/state": Right.VIEW,
    "/projects/1/functions/shop-cart": Right.VIEW,
    "/projects/1/functions/shop-cart/alias": Right.OPERATE,
    "/projects/1/switch": Right.OPERATE,
    "/projects/1/switch?v.shop-cart=1": Right.OPERATE,
    "/projects/1/switch/undo/1": Right.OPERATE,
    "/projects/1/switch/rest/1": Right.OPERATE,
    "/projects/1/deployments": Right.VIEW,
    "/projects/1/deployments/unfinished": Right.VIEW,
    "/projects/1/deployments/1": Right.VIEW,
    "/projects/1/deployments/1/state": Right.VIEW,
    "/projects/1/deployments/1/compare?with=live": Right.VIEW,
    "/projects/1/deployments/1/rollback": Right.OPERATE,
    "/projects/1/rollback": Right.OPERATE,
    "/projects/1/plugin": Right.VIEW,
    "/projects/1/operations": Right.VIEW,
    "/projects/1/edit": Right.ADMINISTER,
    "/projects/1/delete": Right.ADMINISTER,
    "/projects/new": Right.ADMINISTER,
    "/operations": Right.VIEW,
    "/operations/running": Right.VIEW,
    "/operations/1": Right.VIEW,
    "/operations/1/progress": Right.VIEW,
    "/accounts": Right.ADMINISTER,
    "/accounts/new": Right.ADMINISTER,
    "/accounts/1/edit": Right.ADMINISTER,
    "/accounts/1/delete": Right.ADMINISTER,
    "/accounts/1/test": Right.ADMINISTER,
    "/people": Right.ADMINISTER,
    "/people/new": Right.ADMINISTER,
    "/people/1/edit": Right.ADMINISTER,
    "/tokens": Right.VIEW,
    "/tokens/new": Right.VIEW,
    "/tokens/1/revoke": Right.VIEW,
    "/api/docs": Right.VIEW,
    "/help": Right.VIEW,
    "/change": Right.VIEW,
}
POSTS = {
    "/projects/1/sync": Right.OPERATE,
    "/projects/1/deployments/1/rollback": Right.OPERATE,
    "/projects/1/switch": Right.OPERATE,
    "/projects/1/functions/shop-cart/alias": Right.OPERATE,
    "/projects/new": Right.ADMINISTER,
    "/projects/1/edit": Right.ADMINISTER,
    "/projects/1/delete": Right.ADMINISTER,
    "/accounts/new": Right.ADMINISTER,
    "/accounts/1/edit": Right.ADMINISTER,
    "/accounts/1/delete": Right.ADMINISTER,
    "/people/new": Right.ADMINISTER,
    "/people/1/edit": Right.ADMINISTER,
    "/tokens/new": Right.VIEW,
    "/tokens/1/revoke": Right.VIEW,
    "/change": Right.VIEW,
}
# The calls of the API: method and path, and the right that each asks for.
CALLS = {
    ("GET", "/api/user"): Right.VIEW,
    ("GET", "/api/openapi.json"): Right.VIEW,
    ("GET", "/api/stacks"): Right.VIEW,
    ("GET", "/api/projects"): Right.VIEW,
    ("POST", "/api/projects"): Right.ADMINISTER,
    ("GET", "/api/projects/1"): Right.VIEW,
    ("PUT", "/api/projects/1"): Right.ADMINISTER,
    ("POST", "/api/projects/1/sync"): Right.OPERATE,
    ("GET", "/api/projects/1/functions"): Right.VIEW,
    ("GET", "/api/projects/1/functions/shop-cart/versions"): Right.VIEW,
    ("GET", "/api/projects/1/aliasVersion"): Right.VIEW,
    ("GET", "/api/projects/1/versions"): Right.VIEW,
    ("PUT", "/api/projects/1/updateVersions"): Right.OPERATE,
    ("GET", "/api/projects/1/deployments"): Right.VIEW,
    ("POST", "/api/projects/1/deployments"): Right.DEPLOY,
    ("GET", "/api/projects/1/deployments/1"): Right.VIEW,
    ("GET", "/api/projects/1/deployments/1/compare"): Right.VIEW,
    ("PUT", "/api/projects/1/deployments/9/rollback"): Right.OPERATE,
    ("POST", "/api/projects/1/plan"): Right.OPERATE,
    ("GET", "/api/projects/1/operations"): Right.VIEW,
    ("POST", "/api/projects/1/operations"): Right.OPERATE,
    ("GET", "/api/operations/1"): Right.VIEW,
    ("POST", "/api/operations/1/undo"): Right.OPERATE,
    ("DELETE", "/api/projects/1"): Right.ADMINISTER,
}
OPEN = {"/plugin/<filename>", "/login", "/logout", "/setup", "/healthz", "/version", "/nowhere"}


@pytest.fixture
def own_token(app: Flask, role: RoleName) -> None:
    """A token of the person with the role, number 1."""
    with app.app_context():
        person = db.session.scalars(sa.select(User).filter_by(email=EMAILS[role])).one()
        create_token(TokenDetails("own", Scope.READ), person.email, owner=person)


def test_every_view_declares_who_may_see_it(app: Flask) -> None:
    shut = {"security.verify", "security.static"}  # what SAH does not use of the library
    silent = {endpoint for endpoint in app.view_functions if find_access(app, endpoint) is None}
    assert silent <= shut


def test_the_lists_above_know_every_page(app: Flask) -> None:
    """Fail for a new view until it is in the matrix below."""
    adapter = app.url_map.bind("localhost")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        pages = {"GET": GETS, "POST": POSTS}.get(method, {})
        known = {*pages, *(path for of, path in CALLS if of == method)}
        matched = {adapter.match(path.split("?")[0], method)[0] for path in known}
        for rule in app.url_map.iter_rules():
            if method in (rule.methods or ()) and isinstance(
                find_access(app, rule.endpoint), Right
            ):
                assert rule.endpoint in matched, f"{method} {rule.rule} is in no list"


def test_pages_send_anonymous_people_to_log_in(anonymous: StrictClient) -> None:
    targets = {path: anonymous.get(path, 303).location for path in GETS}
    assert [path for path, to in targets.items() if not to.startswith("/login?next=/")] == []


@pytest.mark.parametrize("role", RoleName)
@pytest.mark.usefixtures("operation", "own_token")
def test_pages_open_for_who_has_the_right(log_in: LogIn, role: RoleName) -> None:
    http = log_in(role).http
    # 409: nothing is left to be moved of this operation
    opened = {path: http.get(path).status_code in (200, 302, 409) for path in GETS}
    refused = {path: http.get(path).status_code == 403 for path in GETS}
    allowed = {path: right in role.rights for path, right in GETS.items()}
    assert opened == allowed
    assert refused == {path: not may for path, may in allowed.items()}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("role", RoleName)
@pytest.mark.usefixtures("shop", "own_token")
def test_forms_are_refused_without_the_right(log_in: LogIn, role: RoleName, path: str) -> None:
    client = log_in(role)
    token = client.get("/help").form("Log out").fields
    status = client.http.post(path, data=token).status_code
    assert (status == 403) == (POSTS[path] not in role.rights)


def test_forms_of_anonymous_people_are_refused(anonymous: StrictClient) -> None:
    token = anonymous.get("/login").form("Log in").fields["csrf_token"]
    for path in POSTS:
        assert "not logged in" in anonymous.post(path, {"csrf_token": token}, 401).text


@pytest.mark.usefixtures("shop")
def test_forms_without_a_token_are_refused(admin: StrictClient) -> None:
    for path in POSTS:
        assert "nothing was done" in admin.post(path, {"name": "x"}, 400).text


def test_a_view_that_declares_nothing_is_shut(admin: StrictClient, app: Flask) -> None:
    silent = app.view_functions["help.show"]
    app.view_functions["help.show"] = lambda: "secret"
    try:
        assert "secret" not in admin.get("/help", 403).text
    finally:
        app.view_functions["help.show"] = silent


def test_an_id_that_no_row_can_have_is_not_found(viewer: StrictClient) -> None:
    for number in (0, 10**9, 2**63, 2**70):
        viewer.get(f"/projects/{number}", 404)
        viewer.get(f"/operations/{number}", 404)


def test_views_of_libraries_that_nobody_uses_are_shut(admin: StrictClient) -> None:
    admin.get("/verify", 403)


@pytest.mark.usefixtures("shop")
def test_buttons_show_only_what_a_person_may_do(
    viewer: StrictClient, operator: StrictClient, admin: StrictClient
) -> None:
    seen = {
        who: [
            words
            for words in ("Switch versions", "Settings", "Accounts")
            if client.get("/projects/1").has_link(words)
        ]
        for who, client in (("viewer", viewer), ("operator", operator), ("admin", admin))
    }
    assert seen == {
        "viewer": [],
        "operator": ["Switch versions"],
        "admin": ["Switch versions", "Settings", "Accounts"],
    }


def test_open_doors_are_few(app: Flask) -> None:
    doors = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if isinstance(find_access(app, rule.endpoint), Door)
        and not rule.endpoint.endswith("static")
    }
    assert doors <= OPEN


def call(http: FlaskClient, method: str, path: str, secret: str = "") -> int:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return http.open(path, method=method, headers=headers).status_code


def make_secret(app: Flask, scope: Scope, project_id: int | None = None) -> str:
    with app.app_context():
        return create_token(TokenDetails(f"a {scope}", scope, project_id), "a test").secret


def test_calls_are_refused_without_token_and_log_in(anonymous: StrictClient) -> None:
    found = {key: call(anonymous.http, *key) for key in CALLS if key[0] == "GET"}
    assert set(found.values()) == {401}


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.usefixtures("operation")
def test_calls_are_refused_when_the_token_lacks_the_right(app: Flask, scope: Scope) -> None:
    secret = make_secret(app, scope, 1)
    http = app.test_client()
    refused = {key: call(http, *key, secret) == 403 for key in CALLS}
    assert refused == {key: not may_by_scope(key, scope) for key in CALLS}


def may_by_scope(key: tuple[str, str], scope: Scope) -> bool:
    """Say what a token of project 1 may: stacks are no project's, so it may not see them."""
    return CALLS[key] in scope.rights and not key[1].startswith("/api/stacks")


@pytest.mark.parametrize("role", RoleName)
@pytest.mark.usefixtures("operation")
def test_calls_are_refused_when_the_person_lacks_the_right(log_in: LogIn, role: RoleName) -> None:
    client = log_in(role)
    token = client.get("/help").form("Log out").fields["csrf_token"]
    for (method, path), right in CALLS.items():
        answer = client.http.open(path, method=method, headers={"X-CSRFToken": token})
        assert (answer.status_code == 403) == (right not in role.rights), (method, path)


@pytest.mark.usefixtures("operation")
def test_changes_by_a_log_in_need_its_csrf_token(admin: StrictClient) -> None:
    for method, path in CALLS:
        if method != "GET":
            answer = admin.http.open(path, method=method, json={})
            assert answer.status_code == 400, path
            assert '"csrf"' in answer.text
            assert "X-CSRFToken" in answer.get_json()["error"]["hint"]
