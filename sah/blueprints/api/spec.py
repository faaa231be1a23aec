"""The API's description of itself, OpenAPI 3.1, made from the views and their shapes."""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData

from sah import __version__
from sah.blueprints.api.reading import LONGEST_BODY, StrictReader
from sah.blueprints.api.shapes import ErrorAnswer
from sah.blueprints.ids import HIGHEST_ID

# What SpecTree makes of a view that returns a shape, or a shape and a status.
View = Callable[..., ResponseReturnValue]

_SOURCES = re.compile(r" \(aws-facts [^)]*\)")
_ALWAYS = (401, 403, 429, 500)
_WHY = {
    400: "The body is not JSON, or a change by a log-in came without its CSRF token.",
    401: "There is no token and no log-in, or the token is wrong, expired or revoked.",
    403: "The token or the person may not do this.",
    404: "It does not exist.",
    409: "The state of the world stands against it.",
    413: f"The body is longer than {LONGEST_BODY // 1024} kB.",
    415: "The body is not announced as JSON.",
    422: "Something in the request makes no sense; the message names it.",
    429: "That was too often; Retry-After says when to try again.",
    500: "Something went wrong inside SAH; the hint has the id to look for in its log.",
    502: "AWS refused or did not answer.",
}
_ABOUT = """\
Everything that SAH's pages do, for programs. Send a token as `Authorization: Bearer sah_…`;
a browser's log-in works too, with the CSRF token in `X-CSRFToken` for anything but GET.
Times are ISO 8601 in UTC, versions are strings, weights are 0 to 1. Lists come in pages:
give `next_cursor` back as `cursor` until it is null. Every error has the same shape.\
"""

# In the order of the page for people.
TAGS = ("user", "stacks", "projects", "functions", "deployments", "operations", "originals")


def _name_shape(name: str) -> str:
    return name.removesuffix("Answer")


spec = SpecTree(
    backend=StrictReader,
    mode="strict",
    title="SAH",
    version=__version__,
    description=_ABOUT,
    openapi_version="3.1.0",
    naming_strategy=lambda model: _name_shape(model.__name__),
    nested_naming_strategy=lambda _parent, child: _name_shape(child),
    validation_error_model=ErrorAnswer,
    security_schemes=[
        SecurityScheme("token", SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
        SecurityScheme(
            "session",
            SecuritySchemeData(type=SecureType.API_KEY, name="session", field_in=InType.COOKIE),
        ),
    ],
    security=[{"token": []}, {"session": []}],
)


def describe(
    answer: type[BaseModel] | None, *, tag: str, status: int = 200, errors: Iterable[int] = ()
) -> Callable[[Callable[..., Any]], View]:
    """Describe a view, and have what it gets checked before it runs.

    What every such view may answer is added: refusals, and what follows from it having
    a body, parameters, or an id in its address. ``errors`` are the others.
    """

    def decorate(view: Callable[..., Any]) -> View:
        statuses = {*_ALWAYS, *errors, *_implied_errors(view)}
        answers = {f"HTTP_{number}": (ErrorAnswer, _WHY[number]) for number in sorted(statuses)}
        documented = Response(**{f"HTTP_{status}": answer}, **answers)
        operation_id = f"{view.__module__.rpartition('.')[2]}.{view.__name__}"
        decorator = spec.validate(resp=documented, tags=(tag,), operation_id=operation_id)
        return cast("View", decorator(view))

    return decorate


@cache
def write_openapi() -> dict[str, Any]:
    """Write the document, and correct what SpecTree does not know about SAH."""
    document = cast("dict[str, Any]", _tidy_texts(spec.spec))
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                _bound_id(parameter)
            _relax_body(operation.get("requestBody"), schemas)
    text = json.dumps(document)
    for name in list(schemas):
        if f'"#/components/schemas/{name}"' not in text:  # it is all parameters
            del schemas[name]
    return document


def _tidy_texts(part: object) -> object:
    """Copy the document; from docstrings take what is for readers of the code."""
    if isinstance(part, dict):
        return {key: _tidy_texts(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_tidy_texts(value) for value in part]
    if isinstance(part, str):
        return _SOURCES.sub("", part).replace("``", "`")
    return part


def _implied_errors(view: Callable[..., Any]) -> set[int]:
    asked = set(view.__annotations__) - {"return"}
    implied = {404} if asked - {"query", "json", "headers"} else set()
    if "json" in asked:
        implied |= {400, 413, 415}
    return implied | {422}


def _bound_id(parameter: dict[str, Any]) -> None:
    if parameter["in"] == "path" and parameter["schema"]["type"] == "integer":
        parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": HIGHEST_ID}


def _relax_body(body: dict[str, Any] | None, schemas: dict[str, Any]) -> None:
    """A body may be left out when nothing in it is required."""
    if body is not None:
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        body["required"] = bool(schemas[name].get("required"))
