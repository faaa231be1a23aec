"""The switch form: which version each function is to serve, and the confirmation of a plan.

The fields go by function name: ``v.NAME`` is the version, ``s.NAME`` a second
version and ``w.NAME`` its share in percent. Form and address use the same names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.validators import DataRequired, Length

from sah.domain.aliases import Routing, parse_routing
from sah.domain.errors import InvalidInputError
from sah.domain.operations import OnFailure, OperationKind
from sah.forms.base import BaseForm, choices, find_number

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """What was entered for one function; ``percent`` is the second version's share, as text."""

    version: str = ""
    second: str = ""
    percent: str = ""

    def fields(self, function: str) -> dict[str, str]:
        """Give the form fields that hold this choice, without the empty ones."""
        pairs = (("v", self.version), ("s", self.second), ("w", self.percent))
        return {f"{key}.{function}": value for key, value in pairs if value}


def read_choices(values: Mapping[str, str]) -> dict[str, Choice]:
    """Read what was entered, by function name; functions to be kept are left out."""
    names = {key[2:] for key, value in values.items() if key[:2] in ("v.", "s.", "w.") and value}
    return {
        name: Choice(
            values.get(f"v.{name}", "").strip(),
            values.get(f"s.{name}", "").strip(),
            values.get(f"w.{name}", "").strip(),
        )
        for name in sorted(names)
    }


def parse_target(
    chosen: Mapping[str, Choice], live: Mapping[str, Routing]
) -> tuple[dict[str, Routing], dict[str, str]]:
    """Turn choices into the target of a plan, and into a sentence for each that makes no sense.

    ``live`` goes by function name: a split without a first version keeps the live one.
    """
    target, errors = {}, {}
    for name, choice in chosen.items():
        try:
            target[name] = _parse_choice(choice, live.get(name))
        except InvalidInputError as error:
            errors[name] = str(error)
    return target, errors


def choice_fields(chosen: Mapping[str, Choice]) -> dict[str, str]:
    """Give all fields that hold the choices, for an address or for hidden fields."""
    return {
        key: value for name, choice in chosen.items() for key, value in choice.fields(name).items()
    }


def choices_of(target: Mapping[str, Routing]) -> dict[str, Choice]:
    """Give the choices that lead to a target, by function name."""
    return {name: _choice_of(routing) for name, routing in target.items()}


def _choice_of(routing: Routing) -> Choice:
    for second, weight in routing.weights:
        if weight:
            return Choice(routing.version, second, f"{weight * 100:g}")
    return Choice(routing.version)


def _parse_choice(choice: Choice, live: Routing | None) -> Routing:
    version = choice.version or (live.version if live else "")
    if not choice.second:
        if choice.percent:
            raise InvalidInputError("Choose the second version that is to get this share.")
        return parse_routing(version)
    return parse_routing(version, {choice.second: _parse_percent(choice.percent)})


def _parse_percent(text: str) -> float:
    try:
        percent = float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        percent = -1
    if not 0 < percent < 100:  # noqa: PLR2004 - percent
        shown = f"“{text}” is not a share." if text else "The second version's share is missing."
        raise InvalidInputError(shown, "Enter a percentage between 0 and 100, such as 10.")
    return round(percent / 100, 6)


class ConfirmForm(BaseForm):
    """Why a plan is carried out, what to do when a move fails, and which plan was seen."""

    fingerprint = HiddenField()
    shown_at = HiddenField()
    kind = HiddenField()
    origin_id = HiddenField()
    reason = TextAreaField(
        "Reason",
        [
            DataRequired("Say why, for those who read the history."),
            Length(max=_LONGEST_REASON, message="At most 500 characters, please."),
        ],
        description="One line is enough: “Checkout fails since the 14:02 deploy”.",
        render_kw={"rows": 2, "maxlength": _LONGEST_REASON},
    )
    on_failure = RadioField(
        "When a move fails",
        choices=choices(
            (OnFailure.PUT_BACK, "Put back what was moved, so that the stack stays as it was"),
            (
                OnFailure.FINISH,
                "Keep what was moved, and move all the others that can be",
            ),
        ),
        default=str(OnFailure.PUT_BACK),
    )

    override_reason = TextAreaField(
        "Move all the same, because",
        [Length(max=_LONGEST_REASON, message="At most 500 characters, please.")],
        description="Needed while CloudFormation works on the stack; it stays in the history.",
        render_kw={"rows": 2, "maxlength": _LONGEST_REASON},
    )

    @classmethod
    def opening(cls, entered: Mapping[str, str], **fields: str) -> Self:
        """Make the form of a page that is opened, with what its address says was entered."""
        known = {name: entered[name] for name in ("reason", "override_reason") if name in entered}
        if entered.get("on_failure") in list(OnFailure):
            known["on_failure"] = entered["on_failure"]
        return cls(formdata=None, **{**fields, **known})

    @classmethod
    def following(cls, entered: Mapping[str, str], kind: OperationKind, origin_id: int) -> Self:
        """Make the form for an operation that undoes another, or moves the rest of it."""
        verb = "Undo" if kind is OperationKind.UNDO else "Finish"
        reason = f"{verb} operation #{origin_id}"
        return cls.opening(entered, kind=kind.value, origin_id=str(origin_id), reason=reason)

    @property
    def operation_kind(self) -> OperationKind:
        """What the operation follows another one for, else a plain switch."""
        known = {kind.value: kind for kind in (OperationKind.UNDO, OperationKind.REST)}
        return known.get(self.text("kind"), OperationKind.SWITCH)

    @property
    def operation_origin_id(self) -> int | None:
        """The operation that this one follows."""
        return find_number(self.text("origin_id"))

    def seen_at(self, now: datetime) -> datetime:
        """Say when the plan was shown; ``now`` when the form does not tell."""
        try:
            return datetime.fromtimestamp(float(self.shown_at.data), UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            return now


def live_routings(pairs: Iterable[tuple[str, Routing | None]]) -> dict[str, Routing]:
    """Keep those functions that have the alias."""
    return {name: routing for name, routing in pairs if routing is not None}
