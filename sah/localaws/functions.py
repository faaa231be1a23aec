"""A Lambda function as AWS shows it: ``$LATEST`` and the versions frozen from it."""

import copy
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaFunction, LayerDataType
from moto.awslambda.utils import make_function_arn
from moto.s3.models import s3_backends

from sah.localaws.errors import LambdaError, check_revision, invalid
from sah.localaws.names import LATEST, Named, make_arn
from sah.localaws.running import Order, run_later

Spec = dict[str, Any]
# What each part of the configuration is called in moto's model.
ATTRIBUTES = {
    "Description": "description",
    "Handler": "handler",
    "MemorySize": "memory_size",
    "Role": "role",
    "Runtime": "run_time",
    "Timeout": "timeout",
    "KMSKeyArn": "kms_key_arn",
    "TracingConfig": "tracing_config",
    "VpcConfig": "_vpc_config",
}
# Parts that moto does not keep; they are stored and shown as given.
EXTRAS = ("DeadLetterConfig", "FileSystemConfigs", "LoggingConfig", "SnapStart")
# Parts of the configuration that say which function this is, not how it works.
IDENTITY = frozenset({"FunctionArn", "Version", "LastModified", "RevisionId"})
STATE = frozenset({"State", "StateReason", "StateReasonCode", "LastUpdateStatus"})
# The code that was uploaded last, by its hash.
RECENT: dict[str, bytes] = {}
MAX_RECENT = 8


class Function(LambdaFunction):
    """moto's function, with revisions, states and versions that really are frozen."""

    def __init__(self, account_id: str, spec: Spec, region: str) -> None:
        super().__init__(account_id, spec, region, version=LATEST)
        self.extras: Spec = {key: spec[key] for key in EXTRAS if key in spec}
        self.state_reason: str | None = None
        self.state_reason_code: str | None = None
        self.last_update_status = "Successful"
        self.frozen_from = ""  # of a version: what $LATEST was when it was published
        self.touch()

    def touch(self) -> None:
        """Give the function a new revision."""
        self.revision_id = str(uuid4())
        self.last_modified = now()

    @property
    def arn(self) -> str:
        """The ARN without a qualifier, also of a published version."""
        return make_function_arn(self.region, self.account_id, self.function_name)

    def _get_layers_data(self, layers_versions_arns: list[str]) -> list[LayerDataType]:
        # moto refuses layers that it does not hold, as those of other accounts.
        return [{"Arn": arn, "CodeSize": 0} for arn in layers_versions_arns]

    def get_configuration(self, on_create: bool = False) -> Spec:  # noqa: FBT001, FBT002 -- moto's
        """Show the configuration of this version."""
        shown = super().get_configuration(on_create) | self.extras
        shown |= {
            "State": self.state,
            "StateReason": self.state_reason,
            "StateReasonCode": self.state_reason_code,
            "LastUpdateStatus": self.last_update_status,
            "RevisionId": self.revision_id,
        }
        return {key: value for key, value in shown.items() if value is not None}

    def show(self, qualifier: str | None) -> Spec:
        """Show the configuration under the name it was asked for.

        AWS answers ``f:ACTIVE`` with the alias in the ARN and the version it points
        at in ``Version``.
        """
        arn = make_arn(self.account_id, self.region, Named(self.function_name, qualifier))
        return self.get_configuration() | {"FunctionArn": arn}

    def update_configuration(self, config_updates: Spec) -> Spec:
        """Change the given parts; moto forgets half of them.

        :raises LambdaError: the RevisionId is stale.
        """
        check_revision(config_updates.get("RevisionId"), self.revision_id)
        for key, value in config_updates.items():
            if key in ATTRIBUTES:
                setattr(self, ATTRIBUTES[key], value)
            elif key in EXTRAS:
                self.extras[key] = value
        self._update_structures(config_updates)
        self.touch()
        return self.get_configuration()

    def _update_structures(self, updates: Spec) -> None:
        if "Environment" in updates:
            self.environment_vars = dict(updates["Environment"].get("Variables", {}))
        if "Layers" in updates:
            self.layers = self._get_layers_data(updates["Layers"])
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]

    def update_function_code(self, updated_spec: Spec) -> Spec:
        """Replace the code.

        :raises LambdaError: the RevisionId is stale.
        """
        check_revision(updated_spec.get("RevisionId"), self.revision_id)
        if updated_spec.get("DryRun"):
            return self.get_configuration()
        self._set_function_code(updated_spec)
        if "Architectures" in updated_spec:
            self.architectures = updated_spec["Architectures"]
        self.touch()
        return self.get_configuration()

    def _set_function_code(self, updated_spec: Spec) -> None:
        # moto takes a missing object for empty code.
        if key := updated_spec.get("S3Key"):
            bucket = s3_backends[self.account_id][self.partition].buckets.get(
                updated_spec["S3Bucket"]
            )
            if bucket is None or bucket.keys.get(key) is None:
                kind = "NoSuchBucket" if bucket is None else "NoSuchKey"
                raise invalid(f"Error occurred while GetObject. S3 Error Code: {kind}.")
        super()._set_function_code(updated_spec)
        if hasattr(self, "code_bytes"):  # an image has none
            self.code_bytes = share(self.code_sha_256, self.code_bytes)

    def fingerprint(self) -> str:
        """Sum up code and configuration; a new version needs a new one."""
        shown = self.get_configuration()
        kept = {key: shown[key] for key in shown.keys() - IDENTITY - STATE}
        return json.dumps(kept, sort_keys=True, default=str)

    def freeze(self, version: str, description: str | None) -> "Function":
        """Make the published version: a copy that later changes do not reach."""
        frozen = copy.copy(self)
        frozen.version = version
        frozen.function_arn = f"{self.arn}:{version}"
        frozen.code = dict(self.code)
        frozen.environment_vars = dict(self.environment_vars)
        frozen.extras = dict(self.extras)
        frozen.tags = {}
        frozen.url_config = None
        frozen.event_invoke_config = []
        frozen.frozen_from = self.fingerprint()
        frozen.description = description or self.description
        frozen.touch()
        return frozen

    def check_ready(self) -> None:
        """Refuse to run what is not active; the first call wakes what was idle.

        :raises LambdaError: ResourceNotReadyException or ResourceConflictException.
        """
        if self.state == "Inactive":
            self.set_state("Active", None, None)
            raise LambdaError(
                "ResourceNotReadyException",
                "The function was idle. Wait until its state is Active and try again.",
            )
        if self.state != "Active":
            raise LambdaError(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently "
                f"in the following state: {self.state}",
            )

    def invoke(self, body: str, request_headers: object, response_headers: object) -> bytes:
        """Run this version for another of moto's services, such as a topic."""
        del request_headers, response_headers
        run_later(Order(self, body.encode(), self.function_arn))
        return b""

    def set_state(self, state: str, reason_code: str | None, reason: str | None) -> None:
        """Pretend that AWS put this version into a state."""
        self.state = state
        self.state_reason_code = reason_code
        self.state_reason = reason


def share(sha: str, code: bytes) -> bytes:
    """Keep the code that many functions have in common only once.

    The Serverless Framework uploads one zip for all of them, often of many megabytes.
    """
    shared = RECENT.setdefault(sha, code)
    if len(RECENT) > MAX_RECENT:
        del RECENT[next(iter(RECENT))]
    return shared


def now() -> str:
    """Write this moment as Lambda does: ``2025-01-31T09:30:00.123+0000``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
