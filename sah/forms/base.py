"""What all forms share: how a service's error finds the field that it names."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from flask_wtf import FlaskForm
from wtforms import SelectChoice

from sah.domain.errors import EditConflictError, SahError


def choices(*pairs: tuple[str, str]) -> list[SelectChoice]:
    """Give pairs of value and label as the choices of a field."""
    return [SelectChoice(value, label) for value, label in pairs]


def find_number(text: str) -> int | None:
    """Read a number that a page wrote into a form; None when it is none that a row can have."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


class BaseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form that keeps everything entered when a service refuses it."""

    refusal: SahError | None = None

    @contextmanager
    def blaming(self) -> Iterator[None]:
        """Show an error raised within at the field that it names, else above the form."""
        try:
            yield
        except SahError as error:
            self.blame(error)

    def blame(self, error: SahError) -> None:
        """Note an error at the field that it names, else above the form."""
        self.refusal = error
        field = self._fields.get(getattr(error, "field", ""))
        if field is None or field.type == "HiddenField":
            self.form_errors.append(str(error))
        else:
            field.errors = [*field.errors, str(error)]

    def text(self, name: str) -> str:
        """Give what was entered into a field, without blanks around it."""
        return str(self._fields[name].data or "").strip()

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this form."""
        if self.refusal is not None:
            return self.refusal.status
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.errors else HTTPStatus.OK

    @property
    def seen_revision(self) -> int:
        """The revision that the person saw when the form was opened."""
        return find_number(str(self.revision.data)) or 0

    @property
    def conflicts(self) -> bool:
        """Say whether somebody else saved the same thing in the meantime."""
        return isinstance(self.refusal, EditConflictError)
