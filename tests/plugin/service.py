"""A service on disk that a framework really deploys."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3

from tests.plugin.conftest import environment

REGION = "eu-west-1"
NAME = "shop-dev-hello"
PATIENCE_S = 180


class Service:
    """The service, and the framework that deploys it to an AWS and reports to a SAH."""

    def __init__(
        self, folder: Path, frameworks: Path, node: str, aws_url: str, sah_url: str
    ) -> None:
        self.folder = folder
        self.command = [node, str(frameworks / "osls" / "bin" / "serverless.js")]
        self.sah_url = sah_url
        self.token = "sah_secret"
        self.environment = environment(
            AWS_ENDPOINT_URL=aws_url,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            SLS_AWS_MONITORING_FREQUENCY="200",  # milliseconds between two looks at the stack
        )
        self.lambda_: Any = boto3.client(
            "lambda",
            endpoint_url=aws_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def write(self, word: str, *, make_active: bool = True) -> None:
        """Write the service, with code that nobody has seen before."""
        service = {
            "service": "shop",
            "provider": {"name": "aws", "runtime": "nodejs20.x", "region": REGION},
            "plugins": ["sah-plugin"],
            "custom": {"sah": {"sahUrl": self.sah_url, "makeLambdasActive": make_active}},
            "functions": {
                "hello": {"handler": "handler.hello", "events": [{"httpApi": "GET /"}]},
            },
        }
        (self.folder / "serverless.yml").write_text(json.dumps(service), encoding="utf-8")
        code = f"exports.hello = async () => '{word}';\n"
        (self.folder / "handler.js").write_text(code, encoding="utf-8")

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment | {"SAH_TOKEN": self.token},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert self.token not in said
        return said

    def alias(self) -> tuple[str, dict[str, float]]:
        answer = self.lambda_.get_alias(FunctionName=NAME, Name="ACTIVE")
        weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return answer["FunctionVersion"], weights

    def versions(self) -> list[str]:
        listed = self.lambda_.list_versions_by_function(FunctionName=NAME)["Versions"]
        return [each["Version"] for each in listed if each["Version"] != "$LATEST"]

    def answer(self) -> str:
        invoked = self.lambda_.invoke(FunctionName=NAME, Qualifier="ACTIVE")
        return str(json.load(invoked["Payload"]))
