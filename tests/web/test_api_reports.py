"""Reports of deploys that do not fit the project: refused, or answered with a warning."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Deployment, Project
from tests.fake_world import ACCOUNT_ID
from tests.fakes import REGION
from tests.web.pipeline import Pipeline
from tests.web.program import Program

OTHER_ID = "999999999999"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack"


@pytest.fixture
def ci(app: Flask, pipeline: Pipeline) -> Program:
    return Program.with_scope(app, Scope.DEPLOY, pipeline.project_id)


@pytest.fixture
def program(app: Flask, pipeline: Pipeline) -> Program:
    return Program.with_scope(app, Scope.OPERATE, pipeline.project_id)


@pytest.fixture
def path(pipeline: Pipeline) -> str:
    return f"/api/projects/{pipeline.project_id}/deployments"


@pytest.mark.parametrize("told", [{}, {"alias": None}, {"alias": ""}, {"alias": "ACTIVE"}])
def test_the_project_s_own_alias_is_fine(
    ci: Program, path: str, told: dict[str, str | None]
) -> None:
    assert ci.post(path, told, 201)["warnings"] == []


def test_another_alias_than_the_project_s_is_warned_of_each_time(
    app: Flask, ci: Program, program: Program, path: str
) -> None:
    key = {"Idempotency-Key": "run-7", "Authorization": f"Bearer {ci.secret}"}
    for _ in range(2):
        answer = app.test_client().post(path, json={"alias": "LIVE"}, headers=key)
        said: Any = answer.json
        assert (answer.status_code, said["number"]) == (201, 2)
        [warning] = said["warnings"]
        assert warning == (
            "The service's triggers go to the alias LIVE, and this project moves ACTIVE: "
            "a rollback would not affect them. Let both name the same alias."
        )
    assert program.get(f"{path}/2")["warnings"] == []


@pytest.mark.parametrize("stack_id", ["", "shop", f"{STACK}/shop/7", f"{STACK}/shop"])
def test_the_project_s_own_stack_is_fine(ci: Program, path: str, stack_id: str) -> None:
    assert ci.post(path, {"stack_id": stack_id}, 201)["warnings"] == []


@pytest.mark.parametrize(
    ("stack_id", "said"),
    [
        (f"{STACK}/shop-dev/7", f"the stack shop-dev in {REGION}"),
        (f"{STACK}/shop/7".replace(REGION, "us-east-1"), "the stack shop in us-east-1"),
        (
            f"{STACK}/shop/7".replace(ACCOUNT_ID, OTHER_ID),
            f"in the AWS account {OTHER_ID}, and this project's is in {ACCOUNT_ID}",
        ),
    ],
)
def test_a_deploy_of_another_stack_is_refused_and_not_kept(
    pipeline: Pipeline, ci: Program, path: str, stack_id: str, said: str
) -> None:
    error = ci.post(path, {"commit": "0" * 40, "stack_id": stack_id}, 409)["error"]
    assert error["code"] == "conflict"
    assert said in error["message"]
    with pipeline.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Deployment.id))) == 1


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ((OTHER_ID, f"{STACK}/shop/7"), 201),  # SAH's credentials were changed since the test
        ((ACCOUNT_ID, f"{STACK}/shop/7".replace(ACCOUNT_ID, OTHER_ID)), 201),  # since the sync
        (("", ""), 201),
        ((OTHER_ID, ""), 409),
    ],
)
def test_the_account_is_the_one_that_was_tested_or_synced(
    pipeline: Pipeline, ci: Program, path: str, seen: tuple[str, str], status: int
) -> None:
    with pipeline.app.app_context():
        project = db.session.get_one(Project, pipeline.project_id)
        project.account.aws_account_id, project.stack_id = seen
        db.session.commit()
    ci.post(path, {"stack_id": f"{STACK}/shop/7"}, status)
