"""The form that makes a token."""

from collections.abc import Iterable

from wtforms import RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from sah.domain.tokens import Scope
from sah.forms.base import BaseForm, choices

_SCOPES = {
    Scope.DEPLOY: "Deploy: reports the deployments of one project, and nothing else",
    Scope.READ: "Read: looks at everything",
    Scope.OPERATE: "Operate: looks, reports deployments, moves aliases",
}
_LIFETIMES = (
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("1y", "A year"),
    ("", "Until it is revoked"),
)
MACHINE, PERSON = "machine", "person"


class TokenForm(BaseForm):
    """What a token is for, and how long it lives."""

    name = StringField(
        "Name",
        [DataRequired("The token needs a name."), Length(max=80)],
        description="Where it is used, such as “GitHub Actions of the shop”.",
        render_kw={"autofocus": True, "autocomplete": "off"},
    )
    scope = RadioField("What it may do")
    project = SelectField("Project", validate_choice=True)
    owner = RadioField(
        "Whose it is",
        choices=choices(
            (MACHINE, "A machine's, such as CI: it goes on working when you leave"),
            (PERSON, "Yours: it can never do more than you can, and ends with your log-in"),
        ),
        default=MACHINE,
    )
    expires = SelectField("Expires", choices=choices(*_LIFETIMES), default="90d")

    def offer(self, scopes: Iterable[Scope], projects: Iterable[tuple[int, str]]) -> None:
        """Set what the person may choose from: scopes, and pairs of a project's id and name."""
        self.scope.choices = choices(*((str(scope), _SCOPES[scope]) for scope in scopes))
        self.scope.default = self.scope.choices[0].value
        if not self.is_submitted():
            self.scope.process(None)
        named = [SelectChoice(str(number), name) for number, name in projects]
        self.project.choices = [SelectChoice("", "All projects"), *named]

    @property
    def project_id(self) -> int | None:
        """The project that it is bound to."""
        return int(self.text("project")) if self.text("project") else None
