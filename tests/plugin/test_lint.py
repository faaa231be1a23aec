"""What CloudFormation itself would say to the templates."""

import json
from typing import Any

import pytest
from cfnlint.api import lint

from tests.plugin.conftest import Packager
from tests.plugin.kinds import NEWEST, read_kinds

KINDS = [
    kind.name for kind in read_kinds() if kind.runs_on(NEWEST) and kind.expect(NEWEST) != "refused"
]


@pytest.mark.thorough
@pytest.mark.parametrize("name", KINDS)
def test_the_plugin_makes_no_error_that_was_not_there(name: str, packages: Packager) -> None:
    found = errors(packages(NEWEST, True)[name].template)
    assert not found or found <= errors(packages(NEWEST, False)[name].template)


def errors(template: dict[str, Any]) -> set[tuple[str, str]]:
    """Give the errors (not the warnings) of cfn-lint."""
    found = lint(json.dumps(template), regions=["us-east-1"])
    return {(each.rule.id, each.message) for each in found if each.rule.id.startswith("E")}
