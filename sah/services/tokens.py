"""Tokens: made once, shown once, and asked for at every call of the API."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import joinedload

from sah.domain.access import Right
from sah.domain.errors import (
    AccessDeniedError,
    DuplicateError,
    InvalidInputError,
    InvalidTokenError,
    NotFoundError,
)
from sah.domain.tokens import PREFIX, Scope, hash_token, is_token
from sah.extensions import db
from sah.models import ApiToken, User
from sah.services.prepared import Prepared
from sah.services.projects import get_project

log = structlog.get_logger(__name__)

MAX_NAME_LENGTH = 80
# Finer than a person asks for, and coarse enough that a busy token hardly writes.
_NOTE_USE_EVERY = timedelta(minutes=1)
_SHOWN_CHARACTERS = len(PREFIX) + 4
_HOW = "Send “Authorization: Bearer sah_…”."
_ANEW = "Make another one under “API tokens”, or with “sah tokens create”."


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """What is entered for a token; without ``lifetime`` it never expires."""

    name: str
    scope: Scope
    project_id: int | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made, and the secret, which nobody can read again."""

    token: ApiToken
    secret: str


def create_token(details: TokenDetails, created_by: str, owner: User | None = None) -> NewToken:
    """Make a token: of a person when there is an ``owner``, else of a machine.

    :raises InvalidInputError: a name that will not do, or a deploy token without a project.
    :raises AccessDeniedError: the owner may not do what the token is for.
    :raises NotFoundError: there is no such project.
    :raises DuplicateError: the name is in use.
    """
    name = _check(details, owner)
    now, secret = datetime.now(UTC), PREFIX + secrets.token_hex(32)
    token = ApiToken(
        name=name,
        digest=hash_token(secret),
        start=secret[:_SHOWN_CHARACTERS],
        scope=details.scope,
        project_id=details.project_id,
        user_id=owner.id if owner else None,
        created_by=created_by,
        created_at=now,
        expires_at=now + details.lifetime if details.lifetime else None,
    )
    db.session.add(token)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise DuplicateError(
            f"There is a token named {name} already.",
            "Choose another name, or revoke that one first.",
            field="name",
        ) from error
    log.info("token.created", named=name, scope=str(details.scope), by=created_by)
    return NewToken(token, secret)


@dataclass(frozen=True, slots=True)
class Caller:
    """What a token says of who calls. ``person`` is whose it is, None for a machine's."""

    token_id: int
    name: str
    scope: Scope
    project_id: int | None
    person: User | None
    rights: frozenset[Right]

    def __str__(self) -> str:
        """Say who acts, for the history."""
        return f"{self.person.email} (token {self.name})" if self.person else f"{self.name} (token)"


def authenticate_token(secret: str) -> Caller:
    """Find the token with this secret, and note that it was used.

    It is looked up by its digest: what the database compares is not what was sent, so
    the time that takes tells nothing about stored tokens.

    :raises InvalidTokenError: it is unknown, expired or revoked, or its person may not log in.
    """
    now = datetime.now(UTC)
    found = _find_by_secret(secret)
    if found is None:
        raise InvalidTokenError("This is no token that SAH knows.", f"{_HOW} {_ANEW}")
    if found.revoked_at is not None:
        raise InvalidTokenError(f"This token was revoked on {found.revoked_at:%Y-%m-%d}.", _ANEW)
    if found.expires_at is not None and found.expires_at <= now:
        raise InvalidTokenError(f"This token expired on {found.expires_at:%Y-%m-%d}.", _ANEW)
    person = db.session.get(User, found.user_id) if found.user_id is not None else None
    if person is not None and not person.active:
        raise InvalidTokenError("The person of this token may not log in any more.", _ANEW)
    if found.last_used_at is None or now - found.last_used_at >= _NOTE_USE_EVERY:
        _note_use(found.id, now)
    scope = Scope(found.scope)
    rights = frozenset(right for right in scope.rights if person is None or person.may(right))
    return Caller(found.id, found.name, scope, found.project_id, person, rights)


def list_tokens(owner: User | None = None) -> list[ApiToken]:
    """List all tokens, or those of one person; those in use first, then by name."""
    query = sa.select(ApiToken).order_by(
        ApiToken.revoked_at.is_not(None), ApiToken.name, ApiToken.id.desc()
    )
    if owner is not None:
        query = query.where(ApiToken.user_id == owner.id)
    return list(db.session.scalars(query.options(joinedload(ApiToken.project))))


def get_token(token_id: int, owner: User | None = None) -> ApiToken:
    """Read one token, if need be only of one person.

    :raises NotFoundError: there is no such token, or it is another person's.
    """
    token = db.session.get(ApiToken, token_id)
    if token is None or (owner is not None and token.user_id != owner.id):
        raise NotFoundError("There is no such token.")
    return token


def get_token_by_name(name: str) -> ApiToken:
    """Read the token that is in use under a name.

    :raises NotFoundError: there is none.
    """
    query = sa.select(ApiToken).where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
    token = db.session.scalar(query)
    if token is None:
        known = ", ".join(t.name for t in list_tokens() if t.revoked_at is None)
        raise NotFoundError(f"There is no token “{name}”.", f"Tokens in use: {known or 'none'}.")
    return token


def revoke_token(token_id: int, revoked_by: str) -> None:
    """Make a token worthless, from the next call on; again changes nothing."""
    db.session.execute(
        sa.update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC), revoked_by=revoked_by)
    )
    db.session.commit()
    log.info("token.revoked", number=token_id, by=revoked_by)


def offer_scopes(person: User) -> list[Scope]:
    """List the scopes that a person's own token may have."""
    return [scope for scope in Scope if all(person.may(right) for right in scope.rights)]


def _check(details: TokenDetails, owner: User | None) -> str:
    """Check every detail, and give the name without stray spaces."""
    name = " ".join(details.name.split())
    if not name:
        raise InvalidInputError("The token needs a name.", field="name")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidInputError(
            f"The name is longer than {MAX_NAME_LENGTH} characters.", field="name"
        )
    if owner is not None and details.scope not in offer_scopes(owner):
        raise AccessDeniedError("Your token cannot do more than you can.")
    if details.project_id is not None:
        get_project(details.project_id)
    elif details.scope is Scope.DEPLOY:
        raise InvalidInputError(
            "A deploy token is for one project.", "Choose the project.", field="project"
        )
    return name


class _Facts(NamedTuple):
    """What the check of a token needs to know of it."""

    id: int
    name: str
    scope: str
    project_id: int | None
    user_id: int | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


# Every call of the API asks for it.
_FACTS = Prepared(
    sa.select(*(getattr(ApiToken, name) for name in _Facts._fields)).where(
        ApiToken.digest == sa.bindparam("wanted")
    ),
    ["wanted"],
)


def _find_by_secret(secret: str) -> _Facts | None:
    if not is_token(secret):
        return None
    row = _FACTS.first({"wanted": hash_token(secret)})
    return _Facts(*row) if row else None


def _note_use(token_id: int, now: datetime) -> None:
    """Write the time of use, once a minute; of many threads at once, one writes.

    Where it cannot be written, as on a full disk, the call goes on all the same.
    """
    lately = now - _NOTE_USE_EVERY
    noting = (
        sa.update(ApiToken)
        .where(
            ApiToken.id == token_id,
            sa.or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= lately),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
    try:
        db.session.execute(noting)
        db.session.commit()
    except DBAPIError as error:
        db.session.rollback()
        log.warning("token.use_not_noted", number=token_id, error=str(error.orig))
