"""Tell which operation of which service a request asks for, before moto sees it."""

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import HTTPException

Environ = dict[str, Any]
# The name a request is signed for, where botocore calls the service something else.
SIGNED_AS = {"monitoring": "cloudwatch"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in AWS's own words."""

    service: str
    operation: str
    params: dict[str, Any]
    key: str  # the access key id
    region: str
    speaks: str  # the language of its errors: "json", "query" or "s3"

    @property
    def waits(self) -> bool:
        """Tell whether it may wait for something to happen."""
        return (self.service, self.operation) == ("sqs", "ReceiveMessage")


def find_account(key: str) -> str:
    """Find whose key it is; those that moto did not make are the default account's."""
    return get_account_id_from(key)


def identify(environ: Environ) -> Asked:
    """Read service, operation and parameters; leaves the body to be read again."""
    key, region, service = _read_scope(environ.get("HTTP_AUTHORIZATION", ""))
    body = _read_body(environ)
    operation, params, speaks = _read_operation(environ, service, body)
    return Asked(service, operation, params, key, region, speaks)


def _read_scope(authorization: str) -> tuple[str, str, str]:
    """Split ``Credential=KEY/20250101/eu-west-1/lambda/aws4_request``."""
    _, _, credential = authorization.partition("Credential=")
    parts = credential.split(",")[0].split("/")
    if len(parts) < 5:  # noqa: PLR2004 -- the five parts above
        return "", "us-east-1", "s3"  # what moto takes an unsigned request for
    return parts[0], parts[2], SIGNED_AS.get(parts[3], parts[3])


def _read_body(environ: Environ) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    chunked = environ.get("wsgi.input_terminated", False)
    body: bytes = environ["wsgi.input"].read(-1 if chunked else length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _read_operation(environ: Environ, service: str, body: bytes) -> tuple[str, dict[str, Any], str]:
    if service == "s3":
        return *_read_path(environ, service), "s3"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form: dict[str, Any] = dict(parse_qsl(body.decode()))
        return form.pop("Action", ""), form, "query"
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2], _read_json(body), "json"
    operation, params = _read_path(environ, service)
    return operation, params | _read_json(body), "json"


def _read_path(environ: Environ, service: str) -> tuple[str, dict[str, Any]]:
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    try:
        found, params = get_service_router(service).match(Request(environ))
    except (HTTPException, UnknownServiceError, NotImplementedError):
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", query
    return str(found.name), query | params


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
