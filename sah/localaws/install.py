"""The one place that changes moto, for this process; every patch says why."""

import functools

from moto import backends
from moto.awslambda import urls as lambda_urls
from moto.awslambda_simple.models import lambda_simple_backends
from moto.cloudformation import urls as cloudformation_urls
from moto.cloudformation.models import cloudformation_backends
from moto.core.config import default_user_config
from moto.iam import urls as iam_urls
from moto.iam.access_control import PermissionResult
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket

from sah.localaws.frontdoor import App
from sah.localaws.iam_api import IamApi
from sah.localaws.kinds import OWN
from sah.localaws.lambda_api import LambdaApi
from sah.localaws.lambda_backend import Lambda
from sah.localaws.nested import NestedStackResource
from sah.localaws.stack_api import CloudFormationApi
from sah.localaws.stack_backend import CloudFormation
from sah.localaws.world import WORLD


@functools.cache
def install() -> None:
    """Put AWS's behaviour over moto's; once is enough."""
    _install_lambda()
    _install_cloudformation()
    _install_the_rest()


def _install_lambda() -> None:
    # moto runs functions in Docker unless told otherwise.
    default_user_config["lambda"] = {"use_docker": False}
    # moto's aliases ignore RevisionId and take any weight, its versions can be deleted
    # under an alias, and nothing has pages: see storage.py, aliases.py, lambda_api.py.
    lambda_simple_backends.backend = Lambda
    # moto knows neither all of the operations nor all of the ways to name a function in a
    # path; the service model does, so one rule takes every path to it.
    lambda_urls.url_paths.clear()
    lambda_urls.url_paths[r"{0}/(?P<path>.+)$"] = LambdaApi.dispatch


def _install_cloudformation() -> None:
    # moto creates resources in an order of its own, publishes versions before it updates
    # their code, knows no AWS::Lambda::Alias and fails on types it does not know: see
    # deployment.py, kinds.py, stacks.py, stack_api.py.
    cloudformation_backends.backend = CloudFormation
    cloudformation_urls.url_paths["{0}/$"] = CloudFormationApi.dispatch
    OWN["AWS::CloudFormation::Stack"] = NestedStackResource


def _install_the_rest() -> None:
    # moto has no SimulatePrincipalPolicy.
    iam_urls.url_paths["{0}/$"] = IamApi.dispatch
    # moto obeys bucket policies but not their conditions, so that the Serverless
    # Framework's "deny whatever comes without TLS" would deny everything.
    FakeBucket.get_permission = _stay_neutral  # type: ignore[method-assign, assignment]

    # moto looks at 175 directories to find out what a request is for; they stay the same.
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules


def _stay_neutral(*_: object) -> PermissionResult:
    return PermissionResult.NEUTRAL


def build_app() -> App:
    """Make moto's WSGI application."""
    return DomainDispatcherApplication(create_backend_app)


def reset_world() -> None:
    """Forget every resource of every account and Region."""
    with WORLD:
        moto_api_backend.reset()
