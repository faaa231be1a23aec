"""API tokens: what each scope allows, how long one lives, and how its secret is kept."""

import hashlib
import re
from datetime import timedelta
from enum import StrEnum

from sah.domain.access import Right
from sah.domain.errors import InvalidInputError

# Secret scanners and the redaction of SAH's own logs find tokens by it.
PREFIX = "sah_"
_SECRET = re.compile(r"sah_[0-9a-f]{64}")
_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_LONGEST = timedelta(days=10 * 365)


class Scope(StrEnum):
    """What a token is for. None of them administers."""

    DEPLOY = "deploy"
    READ = "read"
    OPERATE = "operate"

    @property
    def rights(self) -> frozenset[Right]:
        """What a token with this scope may do at most."""
        return _RIGHTS[self]


_RIGHTS = {
    Scope.DEPLOY: frozenset({Right.DEPLOY}),
    Scope.READ: frozenset({Right.VIEW}),
    Scope.OPERATE: frozenset({Right.VIEW, Right.DEPLOY, Right.OPERATE}),
}


class TokenStatus(StrEnum):
    """How a token stands.

    It is asleep while its person may not log in, or may not do what its scope is for.
    """

    IN_USE = "in_use"
    ASLEEP = "asleep"
    EXPIRED = "expired"
    REVOKED = "revoked"


def is_token(text: str) -> bool:
    """Say whether a text has the form of a token."""
    return _SECRET.fullmatch(text) is not None


def hash_token(text: str) -> str:
    """Digest a token for storing.

    A token holds 256 random bits, so that a fast hash cannot be reversed by trying.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def parse_lifetime(text: str) -> timedelta:
    """Parse how long a token is to live: ``12h``, ``90d``, ``2w``, ``1y``.

    :raises InvalidInputError: it is something else, or more than ten years.
    """
    match = _LIFETIME.fullmatch(text.strip())
    lifetime = int(match[1]) * _UNITS[match[2]] if match else None
    if lifetime is None or lifetime > _LONGEST:
        raise InvalidInputError(
            f"“{text}” is not how long a token may live.",
            "Give hours, days, weeks or years, such as 12h, 90d, 2w or 1y; at most 10y.",
            field="expires",
        )
    return lifetime
