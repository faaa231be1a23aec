"""A stack of a size at which lists have many pages is shown whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from sah.aws.gateway import AccessKind
from sah.aws.limiter import Limits, Pool
from sah.aws.sessions import Connections
from sah.domain.access import RoleName
from sah.localaws import LocalAws
from sah.services.accounts import AccountDetails, add_account
from sah.services.projects import ProjectDetails, add_project
from sah.services.sync import sync_project
from tests.boto import client
from tests.conftest import LogIn
from tests.fakes import REGION

FUNCTIONS = 70
RESOURCES = 260
VERSIONS = 120
NAMES = [f"big-{number:02}" for number in range(FUNCTIONS)]


def template() -> str:
    """Write a stack of 70 functions with a version and an alias each, and log groups to fill."""
    resources: dict[str, Any] = {}
    for number, name in enumerate(NAMES):
        function, version = f"F{number}", f"F{number}Version"
        resources[function] = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": name,
                "Runtime": "python3.12",
                "Handler": "index.main",
                "Role": "arn:aws:iam::123456789012:role/big",
                "Code": {"ZipFile": "def main(event, context): return 1"},
            },
        }
        resources[version] = {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": function}},
        }
        resources[f"F{number}Alias"] = {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "ACTIVE",
                "FunctionName": {"Ref": function},
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
            },
        }
    for number in range(RESOURCES - len(resources)):
        resources[f"Log{number}"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": f"/big/{number}"},
        }
    assert len(resources) == RESOURCES
    return json.dumps({"Resources": resources})


@pytest.fixture(scope="module")
def big_aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        cloudformation, lambda_ = client("cloudformation", aws.url), client("lambda", aws.url)
        cloudformation.create_stack(StackName="big", TemplateBody=template())
        for number in range(2, VERSIONS + 1):
            lambda_.update_function_configuration(FunctionName="big-00", Timeout=number)
            lambda_.publish_version(FunctionName="big-00")
        yield aws


def test_a_big_stack_is_shown_whole(app: Flask, big_aws: LocalAws, log_in: LogIn) -> None:
    # AWS's own rates would only make the test slow; they have tests of their own.
    app.extensions["sah_connections"] = Connections(Limits(dict.fromkeys(Pool, 1000.0)))
    with app.app_context():
        access = AccountDetails(
            "big", REGION, AccessKind.ACCESS_KEY, "", "", "test", "test", big_aws.url
        )
        project = add_project(ProjectDetails("big", add_account(access).id, "big", "ACTIVE"))
        assert sync_project(project.id).functions == FUNCTIONS
    viewer = log_in(RoleName.VIEWER)
    shown = viewer.get(f"/projects/{project.id}").text
    assert [name for name in NAMES if name not in shown] == []
    rows = viewer.get(f"/projects/{project.id}/functions/big-00").rows()
    assert {str(number) for number in range(1, VERSIONS + 1)} <= set(rows)
