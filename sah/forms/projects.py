"""Forms about projects."""

from collections.abc import Iterable

from wtforms import HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from sah.domain.aliases import DEFAULT_ALIAS
from sah.forms.base import BaseForm


class NewProjectForm(BaseForm):
    """A stack that SAH is to look after; an empty name means the stack's own."""

    stack_name = StringField("Stack", [DataRequired("Choose a stack.")])
    name = StringField(
        "Name",
        [Length(max=80)],
        description="What the project is called here. Left empty: the stack's name.",
    )
    alias = StringField(
        "Alias",
        [DataRequired("Enter the name of the alias.")],
        default=DEFAULT_ALIAS,
        description="The alias that the functions' triggers go through, the same on each.",
    )


class ProjectForm(BaseForm):
    """Everything that can be changed of a project, and the revision that the person saw."""

    revision = HiddenField()
    name = StringField("Name", [DataRequired("The project needs a name."), Length(max=80)])
    account_id = SelectField("Account", coerce=int)
    stack_name = StringField(
        "Stack",
        [DataRequired("Enter the stack's name."), Length(max=128)],
        description="With another stack, what was read of the former one is forgotten.",
    )
    alias = StringField("Alias", [DataRequired("Enter the name of the alias.")])

    def offer_accounts(self, accounts: Iterable[tuple[int, str]]) -> None:
        """Set the accounts to choose from: pairs of id and name."""
        self.account_id.choices = [SelectChoice(*account) for account in accounts]


class EmptyForm(BaseForm):
    """A confirmation: nothing but the CSRF token."""
