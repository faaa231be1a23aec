"""Resource policies, one per function and one per version or alias of it."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sah.localaws.errors import LambdaError, check_revision, invalid
from sah.localaws.names import LATEST, Named

Statement = dict[str, Any]
MAX_BYTES = 20_480
# AddPermission's parameters that become conditions.
CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


@dataclass(slots=True)
class Policy:
    """The statements of one function, version or alias, by their ids."""

    statements: dict[str, Statement] = field(default_factory=dict)
    revision_id: str = field(default_factory=lambda: str(uuid4()))

    def show(self) -> dict[str, str]:
        """Show it as GetPolicy does."""
        return {"Policy": json.dumps(self.document()), "RevisionId": self.revision_id}

    def document(self) -> dict[str, Any]:
        """Write the policy out."""
        statements = list(self.statements.values())
        return {"Version": "2012-10-17", "Id": "default", "Statement": statements}


class Policies:
    """The policies of one account and Region."""

    def __init__(self) -> None:
        self._policies: dict[Named, Policy] = defaultdict(Policy)

    def add(self, named: Named, arn: str, params: Mapping[str, Any]) -> Statement:
        """Add a statement.

        :raises LambdaError: its id is taken, the revision is stale, or it gets too long.
        """
        if named.qualifier == LATEST:
            raise invalid("We currently do not support adding policies for $LATEST.")
        policy = self._policies[named]
        check_revision(params.get("RevisionId"), policy.revision_id)
        sid = params["StatementId"]
        if sid in policy.statements:
            raise LambdaError(
                "ResourceConflictException",
                f"The statement id ({sid}) provided already exists. Please provide a new "
                "statement id, or remove the existing statement.",
            )
        self._put(policy, sid, write_statement(arn, params))
        return policy.statements[sid]

    def _put(self, policy: Policy, sid: str, statement: Statement) -> None:
        policy.statements[sid] = statement
        if len(json.dumps(policy.document(), separators=(",", ":"))) > MAX_BYTES:
            del policy.statements[sid]
            raise LambdaError(
                "PolicyLengthExceededException",
                f"The final policy size is bigger than the limit ({MAX_BYTES}).",
            )
        policy.revision_id = str(uuid4())

    def get(self, named: Named) -> Policy:
        """Look up the policy of exactly this function, version or alias.

        :raises LambdaError: it has none, which is normal (404).
        """
        policy = self._policies.get(named)
        if policy is None or not policy.statements:
            raise LambdaError(
                "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return policy

    def remove(self, named: Named, sid: str, revision: str | None = None) -> None:
        """Remove a statement.

        :raises LambdaError: it is not there, or the revision is stale.
        """
        policy = self.get(named)
        check_revision(revision, policy.revision_id)
        if sid not in policy.statements:
            raise LambdaError(
                "ResourceNotFoundException", f"Statement {sid} is not found in resource policy."
            )
        del policy.statements[sid]
        policy.revision_id = str(uuid4())

    def forget(self, named: Named) -> None:
        """Drop the policies of what was deleted: of a function, all of its qualifiers'."""
        whole = named.qualifier is None
        for each in list(self._policies):
            if each == named or (whole and each.function == named.function):
                del self._policies[each]


def write_statement(arn: str, params: Mapping[str, Any]) -> Statement:
    """Turn AddPermission's parameters into a statement."""
    statement: Statement = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _write_principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": arn,
    }
    conditions: dict[str, dict[str, str]] = {}
    for name, (operator, key) in CONDITIONS.items():
        if params.get(name) is not None:
            conditions.setdefault(operator, {})[key] = _write_value(params[name])
    return statement | ({"Condition": conditions} if conditions else {})


def _write_principal(principal: str) -> str | dict[str, str]:
    if principal == "*":
        return principal
    if principal.isdigit():
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    return {"AWS" if principal.startswith("arn:") else "Service": principal}


def _write_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
