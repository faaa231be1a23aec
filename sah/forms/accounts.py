"""Forms about accounts."""

from wtforms import HiddenField, PasswordField, RadioField, StringField
from wtforms.validators import DataRequired, Length

from sah.aws.gateway import AccessKind
from sah.forms.base import BaseForm, choices

_KINDS = (
    (AccessKind.DEFAULT_CHAIN.value, "Default chain: what the machine that runs SAH has"),
    (AccessKind.ASSUME_ROLE.value, "Assumed role"),
    (AccessKind.ACCESS_KEY.value, "Stored access key"),
)
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class AccountForm(BaseForm):
    """How SAH reaches one AWS account and Region; the secret is never shown again."""

    revision = HiddenField()
    name = StringField(
        "Name",
        [DataRequired("The account needs a name."), Length(max=80)],
        description="How people here call it, such as “production”.",
    )
    region = StringField(
        "Region",
        [DataRequired("Enter a Region such as eu-west-1."), Length(max=32)],
        render_kw={**_PLAIN, "placeholder": "eu-west-1", "list": "regions"},
    )
    access_kind = RadioField(
        "How SAH gets its credentials",
        choices=choices(*_KINDS),
        default=str(AccessKind.DEFAULT_CHAIN),
    )
    role_arn = StringField(
        "Role ARN",
        [Length(max=2048)],
        render_kw={**_PLAIN, "placeholder": "arn:aws:iam::123456789012:role/sah"},
    )
    external_id = StringField(
        "External id",
        [Length(max=1224)],
        description="Optional: what the role's trust policy asks for.",
        render_kw=_PLAIN,
    )
    access_key_id = StringField("Access key id", [Length(max=128)], render_kw=_PLAIN)
    secret_access_key = PasswordField(
        "Secret access key",
        [Length(max=256)],
        description="Encrypted before it is stored, and never shown again.",
        render_kw={"autocomplete": "off"},
    )
    endpoint_url = StringField(
        "Endpoint URL",
        [Length(max=2048)],
        description="Optional: only for an AWS that is not at its usual address.",
        render_kw={**_PLAIN, "placeholder": "https://…", "inputmode": "url"},
    )
