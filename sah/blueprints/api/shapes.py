"""The shapes that all of the API shares: errors, pages of lists, and how models are read."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST_ITEMS = 200
_USUAL_ITEMS = 50
# Holds a key of a hundred characters in any script, and fits into an address line.
LONGEST_CURSOR = 560


class Asked(BaseModel):
    """What a call sends: every field is known, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Answered(BaseModel):
    """What SAH answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class ErrorFields(Answered):
    """What is wrong, and what to do about it."""

    code: str = Field(description="Names the error for programs.")
    message: str
    hint: str


class ErrorAnswer(Answered):
    """The one shape of every error."""

    error: ErrorFields


class Page(Answered):
    """One page of a list."""

    next_cursor: str | None = Field(description="Give it back as cursor; null on the last page.")


def _parse_number(text: object) -> object:
    """Take plain digits only, where pydantic would also take blanks, dots and underscores."""
    if not isinstance(text, str):
        return text
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


class PageQuery(Asked):
    """Which page of a list."""

    cursor: str | None = Field(
        default=None, max_length=LONGEST_CURSOR, description="Where the page before ended."
    )
    limit: Annotated[int, BeforeValidator(_parse_number)] = Field(
        default=_USUAL_ITEMS, ge=1, le=MOST_ITEMS, description="How many at most."
    )
