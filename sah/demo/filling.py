"""What the demo begins with: deployed stacks, and a database that saw each deployment."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sah import create_app
from sah.aws.gateway import AccessKind
from sah.config import load_settings
from sah.demo.deploy import HELLO_STACK, KEY, REGION, Deployer
from sah.demo.history import backdate, backdate_hello
from sah.demo.server import DemoFailedError
from sah.demo.shop import HISTORY, STACK, Release
from sah.domain.access import RoleName
from sah.domain.aliases import DEFAULT_ALIAS
from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Account
from sah.services.accounts import AccountDetails, add_account
from sah.services.deployments import DeploymentReport, get_deployment, record_deployment
from sah.services.people import create_user
from sah.services.projects import ProjectDetails, add_project
from sah.services.sync import sync_project
from sah.services.tokens import TokenDetails, create_token

EMAIL = "admin@example.com"
# From the time at which CloudFormation begins to the webhook.
_DEPLOY_TAKES = timedelta(seconds=48)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to get into the demo; ``shop_id`` is the number of the shop's project."""

    password: str
    token: str
    shop_id: int


def fill_demo(folder: Path, aws_url: str) -> Credentials:
    """Make the database, and deploy the samples while it looks on.

    :raises DemoFailedError: a sample stack could not be read.
    """
    settings = load_settings(folder, environ={})
    password = secrets.token_urlsafe(12)
    now = datetime.now(UTC)
    deployer = Deployer(aws_url)
    with create_app(replace(settings, log_level="warning")).app_context():
        create_user(EMAIL, password, RoleName.ADMIN)
        account = _add_account(aws_url)
        deployer.create_shop()
        shop_id = add_project(ProjectDetails(STACK, account.id, STACK, DEFAULT_ALIAS)).id
        for count, release in enumerate(HISTORY, 1):
            deployer.deploy_shop(HISTORY[:count])
            backdate(release, now)
            _report(shop_id, release, now)
        deployer.deploy_hello()
        backdate_hello(now)
        hello = add_project(ProjectDetails(HELLO_STACK, account.id, HELLO_STACK, DEFAULT_ALIAS))
        _sync(hello.id)
        token = create_token(TokenDetails("demo", Scope.OPERATE), created_by=EMAIL)
    return Credentials(password, token.secret, shop_id)


def describe_release(release: Release) -> DeploymentReport:
    """Say what a pipeline would tell of a release."""
    digest = hashlib.sha1(release.title.encode(), usedforsecurity=False).hexdigest()
    return DeploymentReport(
        commit=digest,
        branch="main",
        message=release.title,
        author=release.author,
        service="shop",
        stage="prod",
        region=REGION,
        command="deploy",
    )


def _add_account(aws_url: str) -> Account:
    return add_account(
        AccountDetails(
            name="demo",
            region=REGION,
            access_kind=AccessKind.ACCESS_KEY,
            access_key_id=KEY,
            secret_access_key=KEY,
            endpoint_url=aws_url,
        )
    )


def _report(project_id: int, release: Release, now: datetime) -> None:
    """Record a release as its pipeline would have done at its time, and read what it put live."""
    recorded = record_deployment(
        project_id, describe_release(release), reported_by="deploy-shop (token)"
    )
    deployment = get_deployment(project_id, recorded.number)
    then = now - timedelta(hours=release.age_hours) + _DEPLOY_TAKES
    deployment.created_at = deployment.deployed_at = deployment.next_try_at = then
    db.session.commit()
    _sync(project_id)


def _sync(project_id: int) -> None:
    report = sync_project(project_id, patience_s=30)
    if not report.worked:
        raise DemoFailedError(
            f"{report.project} could not be read: {report.error or report.failed}"
        )
