"""Whatever is sent to the API, fitting its description or not, it answers as described.

``schemathesis run`` does the same to a running server; here it takes seconds.
"""

import itertools
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from sah.domain.tokens import Scope
from sah.services.operations import execute_operation
from sah.services.sync import sync_project
from tests.fakes import FakeAws
from tests.web.client import StrictClient
from tests.web.program import Program

EXAMPLES = 6
BY_LOG_IN = ("projects.create", "projects.change", "projects.delete")
REAL_PATH: dict[str, Any] = {"project_id": 1, "operation_id": 1, "name": "shop-cart", "number": 1}
# So that there is always something to be moved.
VERSIONS = itertools.cycle(["1", "2", "3"])

Credentials = dict[bool, dict[str, Any]]

load_all_checks()
# It cannot know which functions and versions there are.
TOO_STRICT = CHECKS.get_one("positive_data_acceptance")
# It takes the cookie and the CSRF token of a log-in for made up.
KNOWS_NO_LOG_IN = CHECKS.get_one("ignored_auth")


@pytest.fixture
def credentials(app: Flask, admin: StrictClient, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """How to call: with a token that operates, or (True) with an administrator's log-in."""
    monkeypatch.setattr("sah.services.operations.run_operation", execute_operation)
    for rate in ("API_FAILURES_PER_MINUTE", "API_REQUESTS_PER_MINUTE"):
        monkeypatch.setitem(app.config, rate, 10**6)
    csrf_token = admin.get("/help").form("Log out").fields["csrf_token"]
    cookie = admin.http.get_cookie("session")
    assert cookie is not None
    token = Program.with_scope(app, Scope.OPERATE)
    return {
        False: {"headers": {"Authorization": f"Bearer {token.secret}"}},
        True: {"headers": {"X-CSRFToken": csrf_token}, "cookies": {"session": cookie.value}},
    }


@pytest.fixture
def schema(app: Flask, aws: FakeAws, operation: int, credentials: Credentials) -> BaseSchema:
    """The API as it describes itself, on a project that was deployed twice and moved once."""
    assert operation == REAL_PATH["operation_id"]
    aws.deploy("shop", ["shop-checkout"])
    with app.app_context():
        sync_project(REAL_PATH["project_id"])
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app, **credentials[False])


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_a_described_one(
    schema: BaseSchema, mode: GenerationMode, credentials: Credentials
) -> None:
    calls: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(calls) > 15
    # What is deleted cannot be asked for any more.
    for call in sorted(calls, key=lambda one: one.method == "delete"):
        operation_id = call.definition.raw["operationId"]
        statuses = _try(call, mode, credentials[operation_id in BY_LOG_IN])
        if mode is GenerationMode.POSITIVE:
            assert any(status < 300 for status in statuses), f"{call.label}: {statuses}"


def _try(call: Any, mode: GenerationMode, credentials: dict[str, Any]) -> set[int]:  # noqa: ANN401
    """Send examples and hold each answer to the description; give the statuses that came."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=call.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE:
            _aim_at_what_is_there(case)
        answer = case.call(**credentials)
        statuses.add(answer.status_code)
        left_out: list[Any] = [TOO_STRICT, *([KNOWS_NO_LOG_IN] if "cookies" in credentials else [])]
        case.validate_response(answer, headers=credentials["headers"], excluded_checks=left_out)

    send()
    return statuses


def _aim_at_what_is_there(case: Case[Any]) -> None:
    case.path_parameters = {name: REAL_PATH[name] for name in case.path_parameters or {}}
    if "function" in (case.query or {}):
        case.query["function"] = "shop-cart"
    if isinstance(case.body, dict):
        # One of the two, which the description cannot say: an example may have neither.
        if case.path.endswith(("/plan", "/operations")) or {"to", "functions"} & set(case.body):
            case.body.pop("to", None)
            case.body["functions"] = {"shop-cart": next(VERSIONS)}
            case.body.pop("fingerprint", None)
        if "stack" in case.body:
            # another alias than that of the project that is there
            case.body |= {"name": "store", "stack": "shop", "account": "1", "alias": "LIVE"}
        if "revision" in case.body:
            case.body |= {"name": "shop", "alias": "ACTIVE", "revision": 1}
