"""Accounts: how SAH reaches each AWS account and Region."""

import json
import re
from dataclasses import dataclass, field
from typing import Protocol, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from sah.aws.gateway import AccessKind, AccountAccess, AwsGateway, Identity, PermissionCheck, Stack
from sah.aws.permissions import policy_document
from sah.domain.errors import (
    AwsError,
    ConflictError,
    DuplicateError,
    InvalidInputError,
    NotFoundError,
    SahError,
)
from sah.extensions import db
from sah.models import Account, Project
from sah.services.answers import ask_within
from sah.services.edits import claim_revision
from sah.services.secrets import decrypt_secret, encrypt_secret

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}")
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_]{4,128}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ENDPOINT = re.compile(r"https?://[^\s/]+(/\S*)?")

# How long a page waits for what takes AWS many calls, such as listing a thousand stacks.
_LISTING_S = 10.0
MAX_NAME_LENGTH = 80
_TOO_LONG = f"The name is longer than {MAX_NAME_LENGTH} characters."


class ConnectionPool(Protocol):
    """Where gateways come from: boto3 in earnest, a fake in tests."""

    def open(self, access: AccountAccess, *, urgent: bool = False) -> AwsGateway:
        """Open the way to an account; ``urgent`` calls go before the others."""


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """What a person enters for an account.

    An empty ``secret_access_key`` keeps the stored one when an account is edited.
    """

    name: str
    region: str
    access_kind: AccessKind = AccessKind.DEFAULT_CHAIN
    role_arn: str = ""
    external_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    endpoint_url: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What a test of the connection found; ``error`` is None when AWS answered."""

    identity: Identity | None
    permissions: tuple[PermissionCheck, ...] = ()
    error: AwsError | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The IAM actions that are denied."""
        return tuple(check.action for check in self.permissions if check.allowed is False)

    @property
    def works(self) -> bool:
        """Say whether AWS answered and nothing that SAH needs is denied."""
        return self.error is None and not self.missing


@dataclass(frozen=True, slots=True)
class StackOffer:
    """The stacks to choose from; ``error`` says why they could not be listed."""

    stacks: tuple[Stack, ...] = ()
    error: SahError | None = None


def list_accounts() -> list[Account]:
    """List all accounts, by name."""
    return list(db.session.scalars(sa.select(Account).order_by(Account.name)))


def get_account(account_id: int) -> Account:
    """Read one account.

    :raises NotFoundError: there is no such account.
    """
    account = db.session.get(Account, account_id)
    if account is None:
        raise NotFoundError("There is no such account.", "It may have been deleted.")
    return account


def get_account_by_name(name: str) -> Account:
    """Read one account by its name.

    :raises NotFoundError: there is no such account.
    """
    account = db.session.scalar(sa.select(Account).where(Account.name == name))
    if account is None:
        known = ", ".join(a.name for a in list_accounts()) or "none"
        raise NotFoundError(f"There is no account “{name}”.", f"Known accounts: {known}.")
    return account


def find_account(name_or_id: str) -> Account:
    """Find the account that a program names, by name or else by id; empty for the only one.

    :raises NotFoundError: there is no such account.
    :raises InvalidInputError: none is named, and there is not exactly one.
    """
    named = name_or_id.strip()
    if not named:
        accounts = list_accounts()
        if len(accounts) != 1:
            raise InvalidInputError(
                f"There are {len(accounts)} accounts.", "Name one of them.", field="account"
            )
        return accounts[0]
    by_name = db.session.scalar(sa.select(Account).where(Account.name == named))
    if by_name is None and re.fullmatch(r"[1-9][0-9]{0,8}", named):
        return get_account(int(named))
    return by_name or get_account_by_name(named)


def add_account(details: AccountDetails) -> Account:
    """Store a new account; its secret is encrypted.

    :raises InvalidInputError: a detail that AWS could not use.
    :raises DuplicateError: the name is taken.
    """
    account = Account()
    details = _tidy(details)
    _check(details, account)
    _apply(account, details)
    db.session.add(account)
    _commit_name(details.name)
    return account


def update_account(account_id: int, details: AccountDetails, revision: int) -> Account:
    """Change an account that the person saw at ``revision``.

    :raises EditConflictError: somebody else saved it in the meantime.
    :raises InvalidInputError: a detail that AWS could not use.
    :raises DuplicateError: the name is taken.
    """
    account = get_account(account_id)
    details = _tidy(details)
    claim_revision(account, revision, f"the account {account.name}")
    try:
        _check(details, account)
    except InvalidInputError:
        db.session.rollback()
        raise
    _apply(account, details)
    account.aws_account_id = ""
    _commit_name(details.name)
    return account


def delete_account(account_id: int) -> None:
    """Delete an account that no project uses.

    :raises ConflictError: a project still uses it.
    """
    account = get_account(account_id)
    projects = list(
        db.session.scalars(sa.select(Project.name).where(Project.account_id == account_id))
    )
    if projects:
        raise ConflictError(
            f"The account {account.name} is used by {', '.join(sorted(projects))}.",
            "Delete these projects or give them another account first.",
        )
    db.session.delete(account)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise ConflictError(
            "Somebody just made a project with this account.", "Delete that project first."
        ) from error


def open_gateway(account: Account, *, urgent: bool = False) -> AwsGateway:
    """Open the way to an account; ``urgent`` calls go before those of the sync.

    :raises ConfigError: the stored secret cannot be decrypted.
    """
    connections = cast("ConnectionPool", current_app.extensions["sah_connections"])
    return connections.open(_access_of(account), urgent=urgent)


def list_account_stacks(account: Account) -> list[Stack]:
    """List the account's stacks, every status but deleted, by name.

    :raises AwsError: AWS refused or did not answer.
    """
    gateway = open_gateway(account)
    db.session.commit()
    return ask_within(_LISTING_S, gateway.list_stacks)


def offer_stacks(account: Account) -> StackOffer:
    """List the account's stacks for a page, which shows an error beside its form."""
    try:
        return StackOffer(tuple(list_account_stacks(account)))
    except SahError as error:
        return StackOffer(error=error)


def show_policy(account: Account | None = None) -> str:
    """Write the IAM policy that SAH needs as JSON, for one account or for any."""
    region = account.region if account else "*"
    aws_account_id = (account.aws_account_id if account else "") or "*"
    return json.dumps(policy_document(region, aws_account_id), indent=2)


def check_connection(account: Account) -> ConnectionReport:
    """Ask AWS who the credentials are and which permissions they lack; nothing is changed."""
    account_id = account.id
    gateway = open_gateway(account)
    db.session.commit()
    try:
        identity = ask_within(_LISTING_S, gateway.get_identity)
    except AwsError as error:
        return ConnectionReport(None, error=error)
    _remember_identity(account_id, identity)
    try:
        return ConnectionReport(identity, ask_within(_LISTING_S, gateway.check_permissions))
    except AwsError as error:
        return ConnectionReport(identity, error=error)


def _remember_identity(account_id: int, identity: Identity) -> None:
    get_account(account_id).aws_account_id = identity.account_id
    db.session.commit()


def _access_of(account: Account) -> AccountAccess:
    return AccountAccess(
        kind=AccessKind(account.access_kind),
        region=account.region,
        role_arn=account.role_arn,
        external_id=account.external_id,
        access_key_id=account.access_key_id,
        secret_access_key=decrypt_secret(account.encrypted_secret),
        endpoint_url=account.endpoint_url,
    )


def _tidy(details: AccountDetails) -> AccountDetails:
    """Take off the spaces that come along when something is pasted."""
    return AccountDetails(
        name=" ".join(details.name.split()),
        region=details.region.strip(),
        access_kind=details.access_kind,
        role_arn=details.role_arn.strip(),
        external_id=details.external_id.strip(),
        access_key_id=details.access_key_id.strip(),
        secret_access_key=details.secret_access_key.strip(),
        endpoint_url=details.endpoint_url.strip(),
    )


def _apply(account: Account, details: AccountDetails) -> None:
    """Set the details that the kind of access uses, and clear the others."""
    by_role = details.access_kind is AccessKind.ASSUME_ROLE
    by_key = details.access_kind is AccessKind.ACCESS_KEY
    account.name = details.name
    account.region = details.region
    account.access_kind = details.access_kind
    account.endpoint_url = details.endpoint_url
    account.role_arn = details.role_arn if by_role else ""
    account.external_id = details.external_id if by_role else ""
    account.access_key_id = details.access_key_id if by_key else ""
    if not by_key:
        account.encrypted_secret = ""
    elif details.secret_access_key:
        account.encrypted_secret = encrypt_secret(details.secret_access_key)


def _check(details: AccountDetails, account: Account) -> None:
    """Check what a person entered, against what is stored of the account so far.

    :raises InvalidInputError: a detail that AWS could not use; ``field`` names it.
    """
    _require(bool(details.name), "name", "The account needs a name.")
    _require(len(details.name) <= MAX_NAME_LENGTH, "name", _TOO_LONG)
    _require_match(_REGION, details.region, "region", "a Region such as eu-west-1")
    if details.endpoint_url:
        _require_match(_ENDPOINT, details.endpoint_url, "endpoint_url", "an http(s) address")
    if details.access_kind is AccessKind.ASSUME_ROLE:
        _require_match(_ROLE_ARN, details.role_arn, "role_arn", "the ARN of an IAM role")
        if details.external_id:
            _require_match(_EXTERNAL_ID, details.external_id, "external_id", "an external id")
    if details.access_kind is AccessKind.ACCESS_KEY:
        _require_match(_ACCESS_KEY_ID, details.access_key_id, "access_key_id", "an access key id")
        _require(
            bool(details.secret_access_key) or _keeps_secret(details, account),
            "secret_access_key",
            "The secret access key is missing.",
        )


def _keeps_secret(details: AccountDetails, account: Account) -> bool:
    """Say whether the stored secret goes on to be the right one: that of the same key."""
    return bool(account.encrypted_secret) and account.access_key_id == details.access_key_id


def _require(holds: bool, field_name: str, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise InvalidInputError(message, field=field_name)


def _require_match(pattern: re.Pattern[str], text: str, field_name: str, what: str) -> None:
    shown = f"“{text}” is not {what}." if text else f"Enter {what}."
    _require(pattern.fullmatch(text) is not None, field_name, shown)


def _commit_name(name: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise DuplicateError(f"There is an account named {name} already.", field="name") from error
