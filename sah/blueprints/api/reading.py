"""Read what a call sends, strictly, and say in a sentence what is wrong; write the answer."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from flask import Response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from sah.domain.errors import InvalidInputError, MalformedRequestError

Shape = TypeVar("Shape", bound=BaseModel)
ModelType = type[BaseModel]

# A switch of a thousand functions fits in; what is longer answers 413.
LONGEST_BODY = 256 * 1024
_REPHRASED = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "unexpected_keyword_argument": "there is no such field",
}
_MOST_COMPLAINTS = 3


class StrictReader(FlaskPlugin):
    """Reads requests for SpecTree, which takes a body that is no JSON for an empty one."""

    def validate(  # type: ignore[override]  # the rest is SpecTree's own
        self,
        func: Callable[..., Any],
        query: ModelType | None,
        json: ModelType | None,
        _form: ModelType | None,
        headers: ModelType | None,
        *_rest: object,
        **ids: int,
    ) -> ResponseReturnValue:
        """Read what a view asks for, call it, and write what it answers.

        :raises SahError: something is not as the API's description says.
        """
        asked: dict[str, Any] = dict(ids)
        if query:
            asked["query"] = read_query(query)
        if json:
            asked["json"] = read_body(json)
        if headers:
            asked["headers"] = read_headers(headers)
        return write_answer(func(**asked))


def write_answer(answer: Any) -> ResponseReturnValue:  # noqa: ANN401 - whatever a view may return
    """Write a shape, or a shape and a status, as JSON; leave anything else to Flask."""
    body, status = answer if isinstance(answer, tuple) else (answer, HTTPStatus.OK)
    if not isinstance(body, BaseModel):
        return cast("ResponseReturnValue", answer)
    return Response(body.model_dump_json(), status, mimetype="application/json")


def read_query(shape: type[Shape]) -> Shape:
    """Read the parameters of the address, each once.

    :raises InvalidInputError: one is unknown, wrong, or there twice.
    """
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise InvalidInputError(f"{twice[0]}: it is there more than once.")
    try:
        return shape.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _explain(error) from error


def read_headers(shape: type[Shape]) -> Shape:
    """Read those headers that a shape knows.

    :raises InvalidInputError: one is wrong.
    """
    names = [field.alias or name for name, field in shape.model_fields.items()]
    known = {name: said for name in names if (said := request.headers.get(name)) is not None}
    try:
        return shape.model_validate(known, extra="ignore")
    except ValidationError as error:
        raise _explain(error) from error


def read_body(shape: type[Shape]) -> Shape:
    """Read the JSON object that was sent; no body at all is an empty one.

    :raises MalformedRequestError: it is not JSON.
    :raises InvalidInputError: it is not what the shape says.
    :raises HTTPException: it is too long, or not announced as JSON.
    """
    request.max_content_length = LONGEST_BODY
    body = request.get_data() or b"{}"
    if len(body) > LONGEST_BODY:  # the stream may have been opened before, with a higher limit
        raise RequestEntityTooLarge
    if body != b"{}" and not request.is_json:
        raise UnsupportedMediaType
    try:
        return shape.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _explain(error) from error


def _explain(error: ValidationError) -> InvalidInputError | MalformedRequestError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return MalformedRequestError(f"The body is not JSON: {found[0]['msg']}.")
    complaints = [
        f"{'.'.join(str(part) for part in one['loc']) or 'The body'}: "
        f"{_REPHRASED.get(one['type'], one['msg'])}."
        for one in found[:_MOST_COMPLAINTS]
    ]
    return InvalidInputError(" ".join(complaints), "See /api/docs for what this call takes.")
