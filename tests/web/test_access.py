"""Every view says who may see it, and that is what happens."""

import pytest
from flask import Flask

from sah.blueprints.access import Door, find_access
from sah.domain.access import Right, RoleName
from tests.conftest import LogIn
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
    "/projects/1/deployments/1": Right.VIEW,
    "/projects/1/deployments/1/state": Right.VIEW,
    "/projects/1/deployments/1/compare?with=live": Right.VIEW,
    "/projects/1/deployments/1/rollback": Right.OPERATE,
    "/projects/1/rollback": Right.OPERATE,
    "/projects/1/operations": Right.VIEW,
    "/projects/1/edit": Right.ADMINISTER,
    "/projects/1/delete": Right.ADMINISTER,
    "/projects/new": Right.ADMINISTER,
    "/operations": Right.VIEW,
    "/operations/1": Right.VIEW,
    "/operations/1/progress": Right.VIEW,
    "/accounts": Right.ADMINISTER,
    "/accounts/new": Right.ADMINISTER,
    "/accounts/1/edit": Right.ADMINISTER,
    "/accounts/1/delete": Right.ADMINISTER,
    "/accounts/1/test": Right.ADMINISTER,
    "/people": Right.ADMINISTER,
    "/people/new": Right.ADMINISTER,
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
    "/change": Right.VIEW,
}
OPEN = {"/login", "/logout", "/setup", "/healthz", "/version", "/nowhere"}


def test_every_view_declares_who_may_see_it(app: Flask) -> None:
    shut = {"security.verify", "security.static"}  # what SAH does not use of the library
    silent = {endpoint for endpoint in app.view_functions if find_access(app, endpoint) is None}
    assert silent <= shut


def test_the_lists_above_know_every_page(app: Flask) -> None:
    """Fail for a new view until it is in the matrix below."""
    adapter = app.url_map.bind("localhost")
    for method, known in (("GET", GETS), ("POST", POSTS)):
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
@pytest.mark.usefixtures("operation")
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
@pytest.mark.usefixtures("shop")
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
