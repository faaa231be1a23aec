"""Forms about functions."""

from collections.abc import Sequence
from typing import Self

from wtforms import SelectField

from sah.forms.base import BaseForm, choices


class AliasForm(BaseForm):
    """The version that a new alias is to send all traffic to."""

    version = SelectField("Version", description="All traffic through the alias goes to it.")

    @classmethod
    def for_versions(cls, versions: Sequence[str], published: str) -> Self:
        """Offer the published versions, the stack's current one first chosen."""
        form = cls(version=published if published in versions else next(iter(versions), None))
        form.version.choices = choices(*((version, version) for version in versions))
        return form
