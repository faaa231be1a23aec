"""What the API can do: for programs as OpenAPI, for people as a page made of the same."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from sah.blueprints.access import keeps_to_project, requires
from sah.blueprints.api.spec import TAGS, write_openapi
from sah.domain.access import Right

bp = Blueprint("docs", __name__)


@bp.get("/openapi.json")
@requires(Right.VIEW)
@keeps_to_project
def openapi() -> ResponseReturnValue:
    """Get the description of the API for programs, such as generators of clients."""
    return jsonify(write_openapi())


@bp.get("/docs")
@requires(Right.VIEW)
def show() -> ResponseReturnValue:
    """Read what the API can do."""
    document = write_openapi()
    calls = [
        {"method": method.upper(), "path": path, **call}
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    ]
    calls.sort(key=lambda call: (call["path"], call["method"]))
    groups = [(tag, [call for call in calls if call["tags"] == [tag]]) for tag in TAGS]
    return render_template(
        "api/docs.html",
        groups=groups,
        shapes=document["components"]["schemas"],
        say_type=say_type,
        mark_code=mark_code,
    )


def mark_code(text: str | None) -> Markup:
    """Mark what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text or ""))))  # noqa: S704 - escaped


def say_type(schema: Mapping[str, Any]) -> str:
    """Say in words what a JSON schema allows: ``integer, 1 to 200``, ``list of Move``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(say_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    return _say_plain(schema)


def _say_plain(schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {say_type(schema['items'])}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {say_type(values)}" if values else "object"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind}, {schema['minimum']} to {schema['maximum']}"
    return f"time ({kind})" if schema.get("format") == "date-time" else kind
