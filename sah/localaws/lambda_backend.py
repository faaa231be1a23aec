"""The Lambda service of one account and Region, in place of moto's."""

import random
from collections.abc import Iterable
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.sqs.models import Queue, sqs_backends

from sah.localaws.errors import LambdaError, invalid
from sah.localaws.functions import Function, Spec
from sah.localaws.mappings import SourceMapping, unknown_mapping
from sah.localaws.names import Named, parse_name
from sah.localaws.policies import Policies, Policy, Statement
from sah.localaws.running import Order, run_later
from sah.localaws.storage import Params, Storage


class Lambda(LambdaSimpleBackend):
    """moto's backend over a storage that keeps AWS's rules."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.storage = Storage(region_name, account_id)
        self._lambdas = self.storage
        self.policies = Policies()
        self.mappings: dict[str, SourceMapping] = {}

    def create_function(self, spec: Spec) -> Function:
        """Create a function, and publish it if asked to."""
        # moto leaves methods of its models abstract that nobody calls.
        fn = Function(self.account_id, spec, self.region_name)  # type: ignore[abstract]
        self.storage.put_function(fn)
        return self.storage.publish(fn.function_name, {}) if spec.get("Publish") else fn

    def list_functions(self, func_version: str | None = None) -> Iterable[LambdaFunction]:
        """List the functions, or every version of each."""
        latest = self.storage.latest()
        if func_version != "ALL":
            return latest
        return [fn for each in latest for fn in self.storage.versions(each.function_name)]

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function or one version, and the policies that were theirs."""
        self.storage.del_function(function_name, qualifier)
        self.policies.forget(parse_name(function_name, qualifier))

    def delete_alias(self, name: str, function_name: str) -> None:
        """Delete an alias and its policy."""
        self.storage.drop_alias(function_name, name)
        self.policies.forget(Named(parse_name(function_name).function, name))

    # Resource policies

    def permit(self, function: str, qualifier: str | None, params: Params) -> Statement:
        """Add a statement to the policy of exactly this function, version or alias.

        :raises LambdaError: there is no such thing, or the statement cannot be added.
        """
        named = parse_name(function, qualifier)
        self.storage.get_function_by_name_or_arn_with_qualifier(function, qualifier)
        return self.policies.add(named, self.storage.arn(named), params)

    def find_policy(self, function: str, qualifier: str | None) -> Policy:
        """Look up the policy of exactly this function, version or alias.

        :raises LambdaError: it has none.
        """
        return self.policies.get(parse_name(function, qualifier))

    # Event source mappings

    def add_mapping(self, spec: Spec) -> SourceMapping:
        """Make a mapping, and connect it if its source is a queue.

        :raises LambdaError: the function or the queue is not there, or they are mapped.
        """
        arn = self._find_target(spec["FunctionName"])
        source = spec.get("EventSourceArn") or ""
        self._check_free(arn, source)
        queue = self._find_queue(source)
        where = {"AccountId": self.account_id, "RegionName": self.region_name}
        # moto leaves methods of its models abstract that nobody calls.
        mapping = SourceMapping(spec | where | {"EventSourceArn": source, "FunctionArn": arn})  # type: ignore[abstract]
        self.mappings[mapping.uuid] = mapping
        if queue:
            queue.lambda_event_source_mappings[arn] = mapping
        return mapping

    def _find_target(self, function: str) -> str:
        """Find the ARN a mapping invokes: with the alias, if one was named."""
        self.storage.get_function_by_name_or_arn_with_qualifier(function)
        return self.storage.arn(parse_name(function))

    def _check_free(self, arn: str, source: str) -> None:
        for each in self.mappings.values():
            if source and (each.function_arn, each.event_source_arn) == (arn, source):
                raise LambdaError(
                    "ResourceConflictException",
                    f"An event source mapping with event source ({source}) and function ({arn}) "
                    f"already exists. Please update or delete the existing mapping {each.uuid}",
                )

    def _find_queue(self, source: str) -> Queue | None:
        if source.split(":")[2:3] != ["sqs"]:
            return None
        queues = sqs_backends[self.account_id][self.region_name].queues.values()
        for queue in queues:
            if queue.queue_arn == source:
                return queue
        raise invalid(f"Error occurred while ReceiveMessage. The queue {source} does not exist.")

    def find_mapping(self, uuid: str) -> SourceMapping:
        """Look up a mapping.

        :raises LambdaError: it is not there.
        """
        if uuid not in self.mappings:
            raise unknown_mapping()
        return self.mappings[uuid]

    def change_mapping(self, uuid: str, spec: Spec) -> SourceMapping:
        """Update a mapping; it may be pointed at another function or alias.

        :raises LambdaError: the mapping or the function is not there.
        """
        mapping = self.find_mapping(uuid)
        if target := spec.get("FunctionName"):
            arn = self._find_target(target)
            self._disconnect(mapping)
            mapping.function_arn = arn
            if queue := self._find_queue(mapping.event_source_arn):
                queue.lambda_event_source_mappings[arn] = mapping
        mapping.change(spec)
        return mapping

    def drop_mapping(self, uuid: str) -> SourceMapping:
        """Delete a mapping.

        :raises LambdaError: it is not there.
        """
        mapping = self.find_mapping(uuid)
        self._disconnect(mapping)
        return self.mappings.pop(uuid)

    def _disconnect(self, mapping: SourceMapping) -> None:
        for queue in sqs_backends[self.account_id][self.region_name].queues.values():
            if queue.lambda_event_source_mappings.get(mapping.function_arn) is mapping:
                del queue.lambda_event_source_mappings[mapping.function_arn]

    def mappings_of(self, function: str | None, source: str | None) -> list[SourceMapping]:
        """List the mappings; a function's name stands for itself, not for its aliases."""
        arn = self.storage.arn(parse_name(function)) if function else None
        return [
            each
            for each in self.mappings.values()
            if arn in (None, each.function_arn) and source in (None, each.event_source_arn)
        ]

    # Running

    def choose(self, function: str, qualifier: str | None) -> Function:
        """Find the version to run: of an alias, one by its weights.

        :raises LambdaError: it is not there, or not ready.
        """
        named = parse_name(function, qualifier)
        alias = self.storage.aliases[named.function].get(named.qualifier or "")
        version = alias.draw(random.random()) if alias else named.qualifier  # noqa: S311 -- traffic
        found = self.storage.get_function_by_name_or_arn_with_qualifier(named.function, version)
        found.check_ready()
        return found

    def start(self, function: str, qualifier: str | None, event: bytes) -> Order:
        """Prepare a run of a function, version or alias.

        :raises LambdaError: it is not there, or not ready.
        """
        arn = self.storage.arn(parse_name(function, qualifier))
        return Order(self.choose(function, qualifier), event, arn)

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,  # noqa: ANN401 -- moto's own
        headers: object,
        response_headers: object,
    ) -> str | bytes | None:
        """Run a function for another of moto's services, such as a queue.

        Nobody waits for it: the function may well call back, into a world that is
        locked until the service is done. So a queue takes every run for a success.
        """
        del headers, response_headers
        event = body.encode() if isinstance(body, str) else body
        run_later(self.start(function_name, qualifier, event))
        return b""


def find_lambda(account: str, region: str) -> Lambda:
    """Look up the service of one account and Region."""
    backend: Any = get_backend(account, region)
    assert isinstance(backend, Lambda), "install() comes first"  # noqa: S101 -- for the types
    return backend
