"""Who the caller is to SAH."""

from flask import Blueprint
from flask_security import current_user
from pydantic import Field

from sah.blueprints.access import find_caller, keeps_to_project, may, requires
from sah.blueprints.api.shapes import Answered
from sah.blueprints.api.spec import describe
from sah.domain.access import Right, RoleName
from sah.domain.tokens import Scope
from sah.models import User

bp = Blueprint("users", __name__)


class UserAnswer(Answered):
    """The person, the token, or the token of a person that calls."""

    email: str | None = Field(description="Null for a machine's token.")
    token: str | None = Field(description="The token's name, null for a log-in.")
    scope: Scope | None
    role: RoleName | None
    rights: list[Right]


@bp.get("/user")
@requires(Right.VIEW)
@keeps_to_project
@describe(UserAnswer, tag="user")
def show() -> UserAnswer:
    """Learn who you are to SAH, and what you may do."""
    caller = find_caller()
    person: User | None = caller.person if caller else current_user
    return UserAnswer(
        email=person.email if person else None,
        token=caller.name if caller else None,
        scope=caller.scope if caller else None,
        role=_highest_role(person) if person else None,
        rights=[right for right in Right if may(right)],
    )


def _highest_role(person: User) -> RoleName | None:
    held = {role.name for role in person.roles}
    return next((role for role in reversed(RoleName) if role in held), None)
