"""Every kind of trigger, really packaged, and judged on the template."""

import copy
from typing import Any

import pytest

from tests.plugin.conftest import Packager
from tests.plugin.judge import Template, judge
from tests.plugin.kinds import NEWEST, OLDER, Kind, read_kinds

KINDS = read_kinds()
NEWEST_AND_OLDER = [
    NEWEST,
    *(pytest.param(each, marks=pytest.mark.thorough) for each in OLDER),
]
CASES = [
    pytest.param(
        framework,
        kind,
        id=f"{framework}-{kind.name}",
        marks=() if framework == NEWEST else pytest.mark.thorough,
    )
    for framework in (NEWEST, *OLDER)
    for kind in KINDS
    if kind.runs_on(framework) and kind.expect(framework) != "refused"
]
REFUSED = [kind for kind in KINDS if kind.expect(NEWEST) == "refused"]


@pytest.mark.parametrize(("framework", "kind"), CASES)
def test_target_and_permission_are_on_the_alias_or_a_warning_says_why_not(
    framework: str, kind: Kind, packages: Packager
) -> None:
    packaged = packages(framework, True)[kind.name]
    verdict = judge(Template(packaged.template, kind.alias()))
    said = [warning for warning in packaged.warnings if warning.startswith("SAH: ")]
    if kind.expect(framework) == "alias":
        assert verdict.faults == []
    else:
        assert verdict.faults != []
    words = kind.says(framework)
    assert any(words in warning for warning in said) if words else said == []


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.name)
def test_what_aws_would_refuse_stops_the_packaging_with_a_sentence(
    kind: Kind, packages: Packager
) -> None:
    assert str(kind.says(NEWEST)) in packages(NEWEST, True)[kind.name].error


def test_at_least_fifty_kinds_are_wholly_on_the_alias() -> None:
    whole = [kind for kind in KINDS if kind.runs_on(NEWEST) and kind.expect(NEWEST) == "alias"]
    assert len(whole) >= 50


def test_functions_that_get_no_alias_are_left_exactly_as_they_were(packages: Packager) -> None:
    alone = [kind.name for kind in KINDS if kind.expect(NEWEST) == "alone"]
    assert alone == ["cloud-front", "not-versioned"]
    for name in alone:
        with_plugin, without = (packages(NEWEST, each)[name].template for each in (True, False))
        assert stable(with_plugin) == stable(without)


def stable(template: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs between any two packagings."""
    copied = copy.deepcopy(template)
    for resource in copied["Resources"].values():
        resource["Properties"].get("Code", {}).pop("S3Key", None)
    return copied


@pytest.mark.parametrize("name", ["provisioned-concurrency", "snap-start"])
@pytest.mark.parametrize("framework", NEWEST_AND_OLDER)
def test_a_function_with_its_own_alias_has_one_alias(
    framework: str, name: str, packages: Packager
) -> None:
    template = Template(packages(framework, True)[name].template, "ACTIVE")
    aliases = template.of_type("AWS::Lambda::Alias")
    assert [each["Properties"]["Name"] for _, each in aliases] == ["ACTIVE"]
    concurrency = aliases[0][1]["Properties"].get("ProvisionedConcurrencyConfig")
    wanted = {"ProvisionedConcurrentExecutions": 2} if name.startswith("provisioned") else None
    assert concurrency == wanted


def test_extra_aliases_follow_each_deploy(packages: Packager) -> None:
    template = Template(packages(NEWEST, True)["extra-aliases"].template, "ACTIVE")
    made = {
        each["Properties"]["Name"]: each["Properties"]["FunctionVersion"]
        for _, each in template.of_type("AWS::Lambda::Alias")
    }
    assert made.keys() == {"ACTIVE", "CANDIDATE", "blue-green_1"}
    assert made["CANDIDATE"] == made["ACTIVE"] == made["blue-green_1"]


def test_what_calls_from_outside_is_not_cut_off(packages: Packager) -> None:
    resources = packages(NEWEST, True)["own-permission-for-outside"].template["Resources"]
    moved, kept = resources["MayCall"]["Properties"], resources["MayCallForLatest"]["Properties"]
    assert moved["FunctionName"] == {"Ref": "HelloLambdaFunctionAlias"}
    assert kept["FunctionName"] == {"Ref": "HelloLambdaFunction"}
    assert moved["SourceArn"] == kept["SourceArn"]


@pytest.mark.parametrize("name", ["http-proxy", "sns-new", "own-permission-and-rule-ref"])
def test_the_judge_sees_a_service_without_the_plugin(name: str, packages: Packager) -> None:
    verdict = judge(Template(packages(NEWEST, False)[name].template, "ACTIVE"))
    assert len([fault for fault in verdict.faults if "is on $LATEST" in fault]) >= 2
    assert "HelloLambdaFunction has no alias" in verdict.faults


def test_the_judge_sees_half_a_move(packages: Packager) -> None:
    body = copy.deepcopy(packages(NEWEST, True)["http-proxy"].template)
    permission = body["Resources"]["HelloLambdaPermissionApiGateway"]["Properties"]
    permission["FunctionName"] = {"Fn::GetAtt": ["HelloLambdaFunction", "Arn"]}
    verdict = judge(Template(body, "ACTIVE"))
    assert verdict.faults == [
        "HelloLambdaPermissionApiGateway.FunctionName is on $LATEST",
        "ApiGatewayMethodHelloGet may not invoke HelloLambdaFunction",
    ]
