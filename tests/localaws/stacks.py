"""Templates for these tests, as the Serverless Framework writes them."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import json
from typing import Any

from tests.localaws.conftest import ROLE, Client, answering

BUCKET = "builds"
Resources = dict[str, Any]


def upload(s3: Client, *builds: str) -> None:
    """Upload the code of some builds; each answers with its own name."""
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )
    for build in builds:
        s3.put_object(Bucket=BUCKET, Key=f"{build}.zip", Body=answering(build))


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def get(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def function(build: str, name: str = "hello", **more: Any) -> Resources:
    """Write a function, as the framework does."""
    properties = {
        "FunctionName": name,
        "Code": {"S3Bucket": BUCKET, "S3Key": f"{build}.zip"},
        "Handler": "handler.main",
        "Runtime": "python3.11",
        "Role": ROLE,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties | more}


def version(of: str) -> Resources:
    return {
        "Type": "AWS::Lambda::Version",
        "DeletionPolicy": "Retain",
        "Properties": {"FunctionName": ref(of)},
    }


def alias(of: str, at: str, name: str = "ACTIVE", **more: Any) -> Resources:
    properties = {"FunctionName": ref(of), "Name": name, "FunctionVersion": get(at, "Version")}
    return {"Type": "AWS::Lambda::Alias", "Properties": properties | more}


def service(build: str, *names: str, **more: Any) -> Resources:
    """Write functions, each with a version of this build and an alias on it."""
    resources: Resources = {}
    for name in names or ("hello",):
        # The alias comes first, so that only the references can put it last.
        resources[f"{name}Alias"] = alias(f"{name}Function", f"{name}Version{build}")
        resources[f"{name}Version{build}"] = version(f"{name}Function")
        resources[f"{name}Function"] = function(build, name, **more)
    return resources


def body(resources: Resources, **more: Any) -> str:
    """Write the template."""
    return json.dumps({"Resources": resources} | more)


def status(cfn: Client, name: str = "demo") -> str:
    return str(cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def ids(cfn: Client, name: str = "demo") -> dict[str, str]:
    """Map a stack's logical ids to its physical ones."""
    pages = cfn.get_paginator("list_stack_resources").paginate(StackName=name)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def reasons(cfn: Client, name: str = "demo") -> list[str]:
    """List why resources failed, the newest first."""
    events = cfn.describe_stack_events(StackName=name)["StackEvents"]
    return [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and "ResourceStatusReason" in event
    ]


def deploy(cfn: Client, template: str, **more: Any) -> None:
    """Create the stack, or update it."""
    try:
        cfn.describe_stacks(StackName="demo")
    except cfn.exceptions.ClientError:
        cfn.create_stack(StackName="demo", TemplateBody=template, **more)
    else:
        cfn.update_stack(StackName="demo", TemplateBody=template, **more)


def says(lam: Client, qualifier: str = "ACTIVE") -> str:
    answer = lam.invoke(FunctionName="hello", Qualifier=qualifier)
    return str(json.loads(answer["Payload"].read()))


def versions(lam: Client) -> list[str]:
    listed = lam.list_versions_by_function(FunctionName="hello")["Versions"]
    return [each["Version"] for each in listed]
