"""The Lambda service of one account and Region, in place of moto's."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from moto.awslambda import urls
from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.awslambda_simple.models import LambdaSimpleBackend

from sah.localaws.functions import Function, Spec
from sah.localaws.storage import Storage


class Lambda(LambdaSimpleBackend):
    """moto's backend over a storage that keeps AWS's rules."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.storage = Storage(region_name, account_id)
        self._lambdas = self.storage

    @property
    def _url_module(self) -> ModuleType:
        return urls  # moto would look for one next to this module

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


def find_lambda(account: str, region: str) -> Lambda:
    """Look up the service of one account and Region."""
    backend: Any = get_backend(account, region)
    assert isinstance(backend, Lambda), "install() comes first"  # noqa: S101 -- for the types
    return backend
