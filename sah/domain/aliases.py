"""What an alias is: where it sends its traffic, and how to say that in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sah.domain.errors import InvalidInputError

LATEST = "$LATEST"
DEFAULT_ALIAS = "ACTIVE"

_VERSION = re.compile(r"[1-9][0-9]{0,18}")
_ALIAS = re.compile(r"(?!^[0-9]+$)[a-zA-Z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Routing:
    """Where an alias sends its traffic.

    ``version`` gets all of it but for ``weights``: pairs of another version and
    its share, 0 to 1. AWS allows one such pair at most (aws-facts 5).
    """

    version: str
    weights: tuple[tuple[str, float], ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """Each version's share of the traffic, 0 to 1, the main version first."""
        rest = 1.0 - sum(weight for _, weight in self.weights)
        return {self.version: round(rest, 6), **dict(self.weights)}

    @property
    def is_split(self) -> bool:
        """Say whether a second version gets some of the traffic."""
        return any(weight > 0 for _, weight in self.weights)

    def serves_like(self, other: "Routing") -> bool:
        """Say whether both send the same shares to the same versions, however written.

        A weight of 0 sends nothing, so ``7`` and ``7 with 0 to 8`` serve alike.
        """
        return self.traffic == other.traffic

    @property
    def traffic(self) -> dict[str, float]:
        """The shares of those versions that get any."""
        return {version: share for version, share in self.shares.items() if share > 0}

    def __str__(self) -> str:
        """Say it as a person would: ``7`` or ``7 (90 %) and 8 (10 %)``."""
        if not self.is_split:
            return self.version
        return " and ".join(f"{v} ({share * 100:g} %)" for v, share in self.shares.items())


@dataclass(frozen=True, slots=True)
class AliasState:
    """One alias as AWS showed it. ``revision_id`` changes with every update (aws-facts 4)."""

    function: str
    name: str
    routing: Routing
    revision_id: str = ""
    description: str = field(default="", compare=False)


def parse_version(text: str) -> str:
    """Check a published version's number.

    :raises InvalidInputError: it is not a number from 1 up; ``$LATEST`` is not a version.
    """
    if not _VERSION.fullmatch(text):
        raise InvalidInputError(
            f"“{text}” is not a published version.",
            "Give its number, such as 7; $LATEST cannot be the target of a switch.",
            field="version",
        )
    return text


def parse_alias_name(text: str) -> str:
    """Check an alias's name as AWS does.

    :raises InvalidInputError: AWS would not accept the name.
    """
    if not _ALIAS.fullmatch(text):
        raise InvalidInputError(
            f"“{text}” cannot be the name of an alias.",
            "Use letters, digits, - and _, at most 128, and not digits alone.",
            field="alias",
        )
    return text


def parse_routing(version: str, weights: Mapping[str, float] | None = None) -> Routing:
    """Check a version and the shares of others against AWS's rules (aws-facts 5).

    A weight of 0 is left out, since it sends nothing; a weight of 1 makes that
    version the only one.

    :raises InvalidInputError: a version or a weight that AWS would refuse.
    """
    main = parse_version(version)
    others = {parse_version(v): w for v, w in (weights or {}).items() if w}
    if len(others) > 1:
        raise InvalidInputError("An alias can be split between two versions at most.")
    for other, weight in others.items():
        if not 0 <= weight <= 1:
            raise InvalidInputError(
                f"{weight:g} is not a weight for version {other}.",
                "Give a share between 0 and 1.",
                field="weight",
            )
        if other == main:
            raise InvalidInputError(
                f"An alias cannot be split between version {main} and itself.",
                "Choose another second version, or none.",
                field="weight",
            )
        if weight == 1:
            return Routing(other)
    return Routing(main, tuple(others.items()))
