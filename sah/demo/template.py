"""The shop's CloudFormation template, in the shape that the Serverless Framework gives it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from sah.demo.code import shop_code
from sah.demo.events import event_resources
from sah.demo.shop import STACK, Build

# CloudFormation's own JSON: no type can say more about it.
Template = dict[str, Any]

BUCKET = "ServerlessDeploymentBucket"
HELPER = "CustomDashresourceDashexistingDashs3LambdaFunction"


def bucket_template() -> Template:
    """Make the first template of every service: just the bucket for its code."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The AWS CloudFormation template for this Serverless application",
        "Resources": {BUCKET: {"Type": "AWS::S3::Bucket"}},
        "Outputs": {f"{BUCKET}Name": {"Value": {"Ref": BUCKET}}},
    }


def shop_template(builds: Mapping[str, Build], folder: str) -> Template:
    """Make the shop's template, with the code in a folder of the stack's bucket."""
    template = bucket_template()
    resources = template["Resources"]
    resources["IamRoleLambdaExecution"] = _role()
    for name, build in builds.items():
        resources |= _function_resources(name, build, folder)
    resources |= event_resources()
    resources[HELPER] = _function(
        f"{STACK}-custom-resource-existing-s3", Build(runtime="python3.12"), f"{folder}/helper.zip"
    )
    return template


def version_logical_id(name: str, build: Build) -> str:
    """Name a Version resource by a hash of code and configuration (aws-facts 11).

    Equal code and configuration give an equal id, and so no new version.
    """
    config = json.dumps([build.memory, build.runtime, build.timeout])
    digest = hashlib.sha256(shop_code(name, build) + config.encode()).digest()
    text = re.sub(r"[^0-9A-Za-z]", "", base64.b64encode(digest).decode())
    return f"{name.capitalize()}LambdaVersion{text}"


def _function_resources(name: str, build: Build, folder: str) -> Template:
    logical = name.capitalize()
    function, version = f"{logical}LambdaFunction", version_logical_id(name, build)
    return {
        f"{logical}LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": f"/aws/lambda/{STACK}-{name}"},
        },
        function: _function(f"{STACK}-{name}", build, f"{folder}/{name}.zip"),
        version: {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {
                "FunctionName": {"Ref": function},
                "Description": f"#{build.release} {build.title}",
            },
        },
        f"{logical}ActiveAlias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": function},
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                "Name": "ACTIVE",
            },
        },
    }


def _function(name: str, build: Build, key: str) -> Template:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": {"Ref": BUCKET}, "S3Key": key},
            "Handler": "handler.handler",
            "Runtime": build.runtime,
            "FunctionName": name,
            "MemorySize": build.memory,
            "Timeout": build.timeout,
            "Role": {"Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"]},
        },
    }


def _role() -> Template:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": ["lambda.amazonaws.com"]},
                        "Action": ["sts:AssumeRole"],
                    }
                ],
            },
            "Path": "/",
            "RoleName": f"{STACK}-eu-west-1-lambdaRole",
        },
    }
