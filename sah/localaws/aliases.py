"""Lambda aliases by AWS's rules: revisions, weights, and versions that must exist."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sah.localaws.errors import LambdaError, invalid, not_found
from sah.localaws.functions import Function
from sah.localaws.names import LATEST

Weights = dict[str, float]
NAME = re.compile(r"(?!\d+$)[\w-]{1,128}")
VERSION = re.compile(r"\$LATEST|\d+")
FindVersion = Callable[[str], Function | None]


@dataclass(slots=True)
class Alias:
    """One alias; ``weights`` are the shares of the additional version."""

    arn: str
    name: str
    function_version: str
    description: str = ""
    weights: Weights = field(default_factory=dict)
    revision_id: str = field(default_factory=lambda: str(uuid4()))

    def versions(self) -> set[str]:
        """List every version that this alias may invoke."""
        return {self.function_version, *self.weights}

    def draw(self, chance: float) -> str:
        """Choose the version of one invocation; ``chance`` is from 0 to 1."""
        for version, weight in self.weights.items():
            if chance < weight:
                return version
        return self.function_version

    def show(self) -> dict[str, Any]:
        """Show it as the API does: without RoutingConfig when nothing is routed."""
        shown: dict[str, Any] = {
            "AliasArn": self.arn,
            "Name": self.name,
            "FunctionVersion": self.function_version,
            "Description": self.description,
            "RevisionId": self.revision_id,
        }
        if self.weights:
            shown["RoutingConfig"] = {"AdditionalVersionWeights": dict(self.weights)}
        return shown

    def change(self, params: Mapping[str, Any], find: FindVersion) -> None:
        """Apply CreateAlias's or UpdateAlias's parameters, all of them or none.

        What is not given stays: above all the weights, which only an empty
        ``AdditionalVersionWeights`` clears (aws-facts 5).

        :raises LambdaError: a version is missing, or the weights make no sense.
        """
        version = params.get("FunctionVersion") or self.function_version
        routing = params.get("RoutingConfig")
        given = (routing or {}).get("AdditionalVersionWeights") or {}
        weights = self.weights if routing is None else read_weights(given)
        self._check(version, weights, find)
        self.function_version = version
        self.weights = weights
        self.description = params.get("Description", self.description)
        self.revision_id = str(uuid4())

    def _check(self, version: str, weights: Weights, find: FindVersion) -> None:
        _check_syntax("functionVersion", version, VERSION)
        main = self._get(version, find)
        if not weights:
            return
        if version == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        for other in weights:
            if other == version:
                raise invalid(
                    f"Invalid function version {other}. Function version {other} is already "
                    "included in routing configuration."
                )
            _check_pair(main, self._get(other, find))

    def _get(self, version: str, find: FindVersion) -> Function:
        found = find(version)
        if found is None:
            raise not_found(f"{self.arn.rpartition(':')[0]}:{version}")
        return found


def check_alias_name(name: str) -> None:
    """Refuse what AWS does not take as an alias's name.

    :raises LambdaError: ValidationException.
    """
    _check_syntax("name", name, NAME)


def read_weights(given: Mapping[str, float]) -> Weights:
    """Check the weights: at most one more version, published, from 0 to 1.

    :raises LambdaError: ValidationException or InvalidParameterValueException.
    """
    for version, weight in given.items():
        if not version.isdigit():
            raise _constraint(given, "Map keys must satisfy the regular expression [0-9]+")
        if not 0.0 <= weight <= 1.0:
            raise _constraint(given, "Member must have value between 0.0 and 1.0")
    if len(given) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    return {version: float(weight) for version, weight in given.items()}


def _constraint(value: object, rule: str) -> LambdaError:
    return LambdaError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at "
        "'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
        f"Map value must satisfy constraint: [{rule}]",
    )


def _check_syntax(name: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise LambdaError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {pattern.pattern}",
        )


def _check_pair(main: Function, other: Function) -> None:
    """Hold two versions that share traffic to AWS's rule (aws-facts 5)."""
    if main.role != other.role:
        raise invalid("The versions of an alias must have the same execution role.")
    if main.extras.get("DeadLetterConfig") != other.extras.get("DeadLetterConfig"):
        raise invalid("The versions of an alias must have the same dead-letter queue.")
