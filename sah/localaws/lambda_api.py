"""Lambda's API over HTTP: the operations that moto has not, or has wrong."""

import base64
import json
from typing import Any

from moto.awslambda.responses import LambdaResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult, EmptyResult

from sah.localaws.errors import LambdaError, invalid
from sah.localaws.functions import Function
from sah.localaws.lambda_backend import Lambda, find_lambda
from sah.localaws.mappings import SourceMapping
from sah.localaws.names import LATEST, parse_name
from sah.localaws.paging import page
from sah.localaws.running import Order, run, run_later
from sah.localaws.world import let_go

PAGE = 50
ALIAS_PAGE = 50
MAPPING_PAGE = 100
LOG_TAIL = 4096  # bytes
JSON = {"Content-Type": "application/json"}


class LambdaApi(LambdaResponse):
    """Answer in the words of the service model, which also knows the status codes."""

    def __init__(self) -> None:
        super().__init__()
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> Lambda:
        """The service of the caller's account and Region."""
        return find_lambda(self.current_account, self.region)

    @property
    def function(self) -> str:
        """The function as the caller named it."""
        return str(self._get_param("FunctionName"))

    def ask(self, name: str) -> Any:  # noqa: ANN401 -- a parameter may be anything
        """Read one parameter; None when it was not sent."""
        return self._get_param(name)

    def asked(self) -> dict[str, Any]:
        """Read all of the parameters."""
        return {key: self.ask(key) for key in self.params}

    def one_page(self, key: str, items: list[dict[str, Any]], size: int) -> ActionResult:
        """Answer with one page, never longer than AWS's."""
        size = min(int(self.ask("MaxItems") or size), size)
        shown, marker = page(items, self.ask("Marker"), size, invalid("Invalid Marker"))
        return ActionResult({key: shown, "NextMarker": marker})

    # Functions and versions

    def create_function(self) -> ActionResult:  # type: ignore[override]
        """CreateFunction."""
        spec = self.json_body
        name = parse_name(spec["FunctionName"]).function
        if self.backend.storage.find_version(name, LATEST):
            raise LambdaError("ResourceConflictException", f"Function already exist: {name}")
        fn = self.backend.create_function(spec | {"FunctionName": name})
        return ActionResult(fn.get_configuration())

    def get_function(self) -> ActionResult:  # type: ignore[override]
        """GetFunction of ``$LATEST``, a version or an alias."""
        fn, shown = self._find()
        return ActionResult(fn.get_code() | {"Configuration": shown})

    def get_function_configuration(self) -> ActionResult:  # type: ignore[override]
        """GetFunctionConfiguration, likewise."""
        return ActionResult(self._find()[1])

    def _find(self) -> tuple[Function, dict[str, Any]]:
        fn = self.backend.storage.get_function_by_name_or_arn_with_qualifier(
            self.function, self.ask("Qualifier")
        )
        return fn, fn.show(parse_name(self.function, self.ask("Qualifier")).qualifier)

    def list_functions(self) -> ActionResult:  # type: ignore[override]
        """ListFunctions, 50 a page."""
        every = self.ask("FunctionVersion") == "ALL"
        functions = self.backend.list_functions(self.ask("FunctionVersion"))
        shown = [
            fn.show(str(fn.version) if every else None)
            for fn in functions
            if isinstance(fn, Function)
        ]
        return self.one_page("Functions", shown, PAGE)

    def list_versions_by_function(self) -> ActionResult:  # type: ignore[override]
        """ListVersionsByFunction, ``$LATEST`` first, 50 a page."""
        versions = self.backend.storage.versions(self.function)
        return self.one_page("Versions", [fn.show(str(fn.version)) for fn in versions], PAGE)

    def publish_version(self) -> ActionResult:  # type: ignore[override]
        """PublishVersion."""
        return ActionResult(
            self.backend.storage.publish(self.function, self.asked()).get_configuration()
        )

    def update_function_code(self) -> ActionResult:  # type: ignore[override]
        """UpdateFunctionCode, and a version of it if asked for."""
        return self._update(Function.update_function_code)

    def update_function_configuration(self) -> ActionResult:  # type: ignore[override]
        """UpdateFunctionConfiguration."""
        return self._update(Function.update_configuration)

    def _update(self, change: Any) -> ActionResult:  # noqa: ANN401 -- a method of Function
        storage = self.backend.storage
        fn = storage.get_function_by_name_or_arn_with_qualifier(self.function)
        change(fn, self.json_body)
        if self.json_body.get("Publish"):
            fn = storage.publish(self.function, {})
        return ActionResult(fn.get_configuration())

    def delete_function(self) -> TYPE_RESPONSE:
        """DeleteFunction, or one version of it."""
        self.backend.delete_function(self.function, self.ask("Qualifier"))
        return 204, {"status": 204}, ""

    # Aliases

    def create_alias(self) -> ActionResult:  # type: ignore[override]
        """CreateAlias."""
        return ActionResult(self.backend.storage.add_alias(self.function, self.asked()).show())

    def update_alias(self) -> ActionResult:  # type: ignore[override]
        """UpdateAlias; what is not sent stays as it was."""
        alias = self.backend.storage.change_alias(self.function, self.ask("Name"), self.asked())
        return ActionResult(alias.show())

    def get_alias(self) -> ActionResult:  # type: ignore[override]
        """GetAlias."""
        return ActionResult(self.backend.storage.show_alias(self.function, self.ask("Name")).show())

    def delete_alias(self) -> ActionResult:  # type: ignore[override]
        """DeleteAlias."""
        self.backend.delete_alias(self.ask("Name"), self.function)
        return EmptyResult()

    def list_aliases(self) -> ActionResult:  # type: ignore[override]
        """ListAliases, 50 a page."""
        aliases = self.backend.storage.aliases_of(self.function, self.ask("FunctionVersion"))
        return self.one_page("Aliases", [alias.show() for alias in aliases], ALIAS_PAGE)

    # Resource policies

    def add_permission(self) -> ActionResult:  # type: ignore[override]
        """AddPermission to a function, a version or an alias."""
        statement = self.backend.permit(self.function, self.ask("Qualifier"), self.asked())
        return ActionResult({"Statement": json.dumps(statement)})

    def get_policy(self) -> ActionResult:  # type: ignore[override]
        """GetPolicy of exactly what was named."""
        return ActionResult(self.backend.find_policy(self.function, self.ask("Qualifier")).show())

    def remove_permission(self) -> ActionResult:  # type: ignore[override]
        """RemovePermission, likewise."""
        named = parse_name(self.function, self.ask("Qualifier"))
        self.backend.policies.remove(named, self.ask("StatementId"), self.ask("RevisionId"))
        return EmptyResult()

    # Event source mappings

    def create_event_source_mapping(self) -> TYPE_RESPONSE:
        """CreateEventSourceMapping."""
        return _accepted(self.backend.add_mapping(self.json_body))

    def get_event_source_mapping(self) -> TYPE_RESPONSE:
        """GetEventSourceMapping."""
        return 200, JSON, json.dumps(self.backend.find_mapping(self.ask("UUID")).show())

    def update_event_source_mapping(self) -> TYPE_RESPONSE:
        """UpdateEventSourceMapping."""
        return _accepted(self.backend.change_mapping(self.ask("UUID"), self.json_body))

    def delete_event_source_mapping(self) -> TYPE_RESPONSE:
        """DeleteEventSourceMapping."""
        return _accepted(self.backend.drop_mapping(self.ask("UUID")), State="Deleting")

    def list_event_source_mappings(self) -> TYPE_RESPONSE:  # type: ignore[override]
        """ListEventSourceMappings, 100 a page."""
        found = self.backend.mappings_of(self.ask("FunctionName"), self.ask("EventSourceArn"))
        result = self.one_page("EventSourceMappings", [m.show() for m in found], MAPPING_PAGE)
        return 200, JSON, json.dumps(result.result)

    # Running

    def invoke(self) -> TYPE_RESPONSE:
        """Invoke a function, a version or an alias; an alias's weights decide by chance."""
        event = self.ask("Payload") or b"{}"
        order = self.backend.start(self.function, self.ask("Qualifier"), event)
        kind = self.ask("InvocationType") or "RequestResponse"
        if kind == "DryRun":
            return 204, {"status": 204}, ""
        if kind == "Event":
            run_later(order)
            return 202, {"status": 202}, ""
        return self._run(order)

    def _run(self, order: Order) -> TYPE_RESPONSE:
        with let_go():  # the function may well call back
            outcome = run(order)
        headers = {**JSON, "X-Amz-Executed-Version": str(order.function.version)}
        if outcome.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if self.ask("LogType") == "Tail":
            tail = outcome.logs.encode()[-LOG_TAIL:]
            headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
        return 200, headers, outcome.payload


def _accepted(mapping: SourceMapping, **more: str) -> TYPE_RESPONSE:
    """Answer with a mapping; moto's serializer does not know its times."""
    return 202, {**JSON, "status": 202}, json.dumps(mapping.show() | more)
