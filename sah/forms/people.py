"""Forms about people."""

from wtforms import BooleanField, EmailField, HiddenField, PasswordField, SelectField
from wtforms.validators import DataRequired, EqualTo

from sah.domain.access import RoleName
from sah.forms.base import BaseForm, choices

_ROLES = (
    (RoleName.VIEWER.value, "Viewer: looks"),
    (RoleName.OPERATOR.value, "Operator: moves aliases and syncs"),
    (RoleName.ADMIN.value, "Administrator: does everything"),
)


class SetupForm(BaseForm):
    """The first administrator."""

    email = EmailField(
        "E-mail",
        [DataRequired("Enter your e-mail address.")],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        "Password",
        [DataRequired("Choose a password.")],
        description="At least 10 characters.",
        render_kw={"autocomplete": "new-password"},
    )
    repeated = PasswordField(
        "Password again",
        [EqualTo("password", "The two passwords differ.")],
        render_kw={"autocomplete": "new-password"},
    )


class PersonForm(BaseForm):
    """One more person who may log in."""

    email = EmailField(
        "E-mail",
        [DataRequired("Enter an e-mail address.")],
        render_kw={"autocomplete": "off"},
    )
    password = PasswordField(
        "First password",
        [DataRequired("Choose a password.")],
        description="At least 10 characters; the person can change it after logging in.",
        render_kw={"autocomplete": "new-password"},
    )
    role = SelectField("Role", choices=choices(*_ROLES))


class PersonEditForm(BaseForm):
    """What a person may do, whether they may log in, and a password in place of a lost one.

    Only what is other than was shown is changed: while the form was open, somebody else may
    have shut the person out.
    """

    shown_role = HiddenField()
    shown_active = HiddenField()
    role = SelectField("Role", choices=choices(*_ROLES))
    active = BooleanField("May log in")
    password = PasswordField(
        "New password",
        description="At least 10 characters; it ends the person's sessions. Leave it empty to keep"
        " the one that is.",
        render_kw={"autocomplete": "new-password"},
    )

    @property
    def changed_role(self) -> str | None:
        """The role to give; None to leave it as it is."""
        return None if self.role.data == self.shown_role.data else str(self.role.data)

    @property
    def changed_active(self) -> bool | None:
        """Whether to let the person in or to shut them out; None to leave it as it is."""
        return None if str(self.active.data) == self.shown_active.data else bool(self.active.data)
