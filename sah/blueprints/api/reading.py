"""Read what a call sends, strictly, and say in a sentence what is wrong with it."""

from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from spectree.plugins.base import Context
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

    def request_validation(  # noqa: PLR0913, PLR0917 - SpecTree's own signature
        self,
        request: object,
        query: ModelType | None,
        json: ModelType | None,
        form: ModelType | None,
        headers: ModelType | None,
        cookies: ModelType | None,
    ) -> None:
        """Put what the view asks for where SpecTree looks for it.

        :raises SahError: something is not as the API's description says.
        """
        del form, cookies
        request.context = Context(  # type: ignore[attr-defined]  # SpecTree puts it there
            read_query(query) if query else None,
            read_body(json) if json else None,
            None,
            read_headers(headers) if headers else None,
            None,
        )


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
    try:
        return shape.model_validate(dict(request.headers), extra="ignore")
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
