"""Deploy the sample stacks as the Serverless Framework does: bucket, code, then the template."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from sah.demo.code import HELLO, HELPER, shop_code, zip_code
from sah.demo.shop import STACK, Release, build_all
from sah.demo.template import BUCKET, bucket_template, shop_template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

REGION = "eu-west-1"
KEY = "test"
HELLO_STACK = "aws-python-rest-api-dev"

_HELLO_TEMPLATE = Path(__file__).with_name("aws-python-rest-api.yml")
_HELLO_KEY = (
    "serverless/aws-python-rest-api/dev/1727612825604-2024-09-29T12:27:05.604Z/"
    "aws-python-rest-api.zip"
)
# Whatever proxy this machine is told to use, the embedded AWS is on this machine.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    proxies={},
)


class Deployer:
    """Deploys to the embedded AWS at an address."""

    def __init__(self, aws_url: str) -> None:
        self._session = boto3.session.Session(KEY, KEY, region_name=REGION)
        self._url = aws_url
        self._stacks: CloudFormationClient = self._session.client(
            "cloudformation", endpoint_url=aws_url, config=_CONFIG
        )
        self._objects = self._session.client("s3", endpoint_url=aws_url, config=_CONFIG)

    def deploy_hello(self) -> None:
        """Deploy the introduction's stack, which has no alias."""
        self._create(HELLO_STACK)
        self._upload(HELLO_STACK, {_HELLO_KEY: zip_code(HELLO)})
        self._update(HELLO_STACK, _HELLO_TEMPLATE.read_text(encoding="utf-8"), {})

    def create_shop(self) -> None:
        """Make the shop's stack, with nothing in it but the bucket for its code."""
        self._create(STACK)

    def deploy_shop(self, releases: Sequence[Release]) -> None:
        """Bring the shop from any of these releases to the last of them."""
        last = releases[-1]
        builds = build_all(releases)
        folder = f"serverless/shop/prod/release-{last.number}"
        code = {f"{folder}/{name}.zip": shop_code(name, build) for name, build in builds.items()}
        self._upload(STACK, code | {f"{folder}/helper.zip": zip_code(HELPER)})
        tags = {"release": str(last.number), "STAGE": "prod"}
        self._update(STACK, json.dumps(shop_template(builds, folder)), tags)

    def _create(self, stack: str) -> None:
        self._stacks.create_stack(StackName=stack, TemplateBody=json.dumps(bucket_template()))
        self._stacks.get_waiter("stack_create_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 1}
        )

    def _update(self, stack: str, template: str, tags: Mapping[str, str]) -> None:
        self._stacks.update_stack(
            StackName=stack,
            TemplateBody=template,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        self._stacks.get_waiter("stack_update_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 1}
        )

    def _upload(self, stack: str, files: Mapping[str, bytes]) -> None:
        bucket = self._stacks.describe_stack_resource(StackName=stack, LogicalResourceId=BUCKET)
        name = bucket["StackResourceDetail"]["PhysicalResourceId"]
        for key, body in files.items():
            self._objects.put_object(Bucket=name, Key=key, Body=body)
