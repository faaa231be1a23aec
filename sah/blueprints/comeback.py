"""Bring a confirmation that came too late back to its plan, with all that was entered."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.domain.operations import OperationKind
from sah.forms.switch import ConfirmForm, choice_fields, read_choices

# Servers and proxies refuse longer addresses, and the log-in quotes it once more.
_LONGEST_ADDRESS = 3000
_ENTERED = ("partial", "on_failure", "reason", "override_reason")
_OPEN_TOO_LONG = (
    "This page was open for too long, so nothing was moved. Here is the plan as it is now, with"
    " what you had entered: confirm it again."
)
_LOGGED_OUT = (
    "Your log-in had ended, so nothing was moved. Log in: the plan comes back, with what you had"
    " entered."
)


def come_back() -> ResponseReturnValue | None:
    """Lead to the plan whose confirmation was refused; give None for any other form."""
    for address in _list_addresses():
        if current_user.is_authenticated:
            way, said = address, _OPEN_TOO_LONG
        else:
            way, said = url_for("security.login", next=address), _LOGGED_OUT
        if len(way) <= _LONGEST_ADDRESS:
            flash(said, "warning")
            return redirect(way, 303)
    return None


def _list_addresses() -> Iterator[str]:
    """List where the plan is to be seen, with all that was entered first, then with less."""
    entered = {name: request.form[name] for name in _ENTERED if request.form.get(name)}
    while True:
        if address := _address_of(entered):
            yield address
        if not entered:
            return
        entered.popitem()


def _address_of(entered: Mapping[str, Any]) -> str | None:
    of_project = request.view_args or {}
    choices: dict[str, Any] = {**choice_fields(read_choices(request.form))}
    if "fingerprint" not in request.form and not choices:
        return None
    if request.endpoint == "deployments.start_rollback":
        return url_for("deployments.rollback", **of_project, **entered)
    if request.endpoint != "switch.decide":
        return None
    form = ConfirmForm()
    if form.operation_kind is not OperationKind.SWITCH and form.operation_origin_id:
        page, operation_id = f"switch.{form.operation_kind}", form.operation_origin_id
        return url_for(page, **of_project, operation_id=operation_id, **entered)
    return url_for("switch.choose", **of_project, **choices, **entered)
