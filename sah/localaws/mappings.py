"""Event source mappings that keep the alias they were made for."""

import time
from typing import Any

from moto.awslambda.models import EventSourceMapping

from sah.localaws.errors import LambdaError

Spec = dict[str, Any]
# What moto's model calls each parameter that may be changed later.
CHANGEABLE = {
    "BatchSize": "batch_size",
    "Enabled": "enabled",
    "FilterCriteria": "filter_criteria",
    "MaximumBatchingWindowInSeconds": "max_batch_window",
    "ParallelizationFactor": "parallelization_factor",
    "DestinationConfig": "destination_config",
    "MaximumRecordAgeInSeconds": "max_record_age",
    "BisectBatchOnFunctionError": "bisect_on_error",
    "MaximumRetryAttempts": "max_retry_attempts",
    "TumblingWindowInSeconds": "tumbling_window",
    "SourceAccessConfigurations": "source_access_config",
    "FunctionResponseTypes": "function_response_types",
    "ScalingConfig": "scaling_config",
    "KMSKeyArn": "kms_key",
    "MetricsConfig": "metrics",
    "ProvisionedPollerConfig": "poller_config",
}


class SourceMapping(EventSourceMapping):
    """moto's mapping, for any source that AWS takes and with the alias it was given."""

    @property
    def event_source_arn(self) -> str:
        """The queue, stream or cluster; empty for a self-managed one."""
        return self._event_source_arn

    @event_source_arn.setter
    def event_source_arn(self, event_source_arn: str) -> None:
        self._event_source_arn = event_source_arn

    def _get_service_source_from_arn(self, event_source_arn: str | None = None) -> str:
        parts = (event_source_arn or self.event_source_arn).split(":")
        return parts[2] if len(parts) > 2 else "self-managed"  # noqa: PLR2004 -- arn:aws:service

    @property
    def batch_size(self) -> int:
        """How many records at once."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, new_batch_size: int | None) -> None:
        usual = 10 if self._get_service_source_from_arn() == "sqs" else 100
        self._batch_size = int(new_batch_size or usual)

    def change(self, spec: Spec) -> None:
        """Apply UpdateEventSourceMapping's parameters."""
        for key, value in spec.items():
            if key in CHANGEABLE:
                setattr(self, CHANGEABLE[key], value)
        self.last_modified = time.time()

    def show(self) -> Spec:
        """Show it as the API does."""
        shown = self.get_configuration()
        return {key: value for key, value in shown.items() if value != ""}


def unknown_mapping() -> LambdaError:
    """Say that a mapping is not there (404)."""
    return LambdaError("ResourceNotFoundException", "The resource you requested does not exist.")
