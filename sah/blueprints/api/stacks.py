"""The stacks of an account, to make projects of."""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from sah.blueprints.access import requires
from sah.blueprints.api.paging import page_through
from sah.blueprints.api.shapes import Answered, Page, PageQuery
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.services.accounts import MAX_NAME_LENGTH, find_account, list_account_stacks

bp = Blueprint("stacks", __name__)


class StackAnswer(Answered):
    """One CloudFormation stack."""

    name: str
    status: str
    changed_at: datetime
    account: str = Field(description="The account's name.")


class StackPage(Page):
    """Stacks, by name."""

    items: list[StackAnswer]


class StackQuery(PageQuery):
    """Whose stacks."""

    account: str = Field(
        default="",
        max_length=MAX_NAME_LENGTH,
        description="Name or id; may be left out when there is one.",
    )


@bp.get("/stacks")
@requires(Right.VIEW)
@describe(StackPage, tag="stacks", errors=(404, 409, 502))
def list_all(query: StackQuery) -> StackPage:
    """List the stacks of an account, every status but deleted; AWS is asked each time."""
    account = find_account(query.account)
    stacks = sorted(list_account_stacks(account), key=lambda stack: stack.name)
    page, cursor = page_through(stacks, query, lambda stack: stack.name)
    items = [
        StackAnswer(name=s.name, status=s.status, changed_at=s.changed_at, account=account.name)
        for s in page
    ]
    return StackPage(items=items, next_cursor=cursor)
