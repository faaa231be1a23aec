"""What the demo begins with: deployed stacks, and a database that knows them."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sah import create_app
from sah.aws.gateway import AccessKind
from sah.config import load_settings
from sah.demo.deploy import HELLO_STACK, KEY, REGION, Deployer
from sah.demo.history import backdate, backdate_hello
from sah.demo.server import DemoFailedError
from sah.demo.shop import HISTORY, STACK
from sah.domain.access import RoleName
from sah.domain.aliases import DEFAULT_ALIAS
from sah.services.accounts import AccountDetails, add_account
from sah.services.people import create_user
from sah.services.projects import ProjectDetails, add_project
from sah.services.sync import sync_project

EMAIL = "admin@example.com"


def deploy_samples(aws_url: str) -> None:
    """Deploy the introduction's stack, and the shop with all of its releases."""
    now = datetime.now(UTC)
    deployer = Deployer(aws_url)
    deployer.deploy_hello()
    backdate_hello(now)
    deployer.create_shop()
    for count, release in enumerate(HISTORY, 1):
        deployer.deploy_shop(HISTORY[:count])
        backdate(release, now)


def fill_database(folder: Path, aws_url: str) -> str:
    """Make the admin, the account and the projects, and sync; give the admin's password.

    :raises DemoFailedError: a sample stack could not be read.
    """
    settings = load_settings(folder, environ={})
    password = secrets.token_urlsafe(12)
    with create_app(replace(settings, log_level="warning")).app_context():
        create_user(EMAIL, password, RoleName.ADMIN)
        account = add_account(
            AccountDetails(
                name="demo",
                region=REGION,
                access_kind=AccessKind.ACCESS_KEY,
                access_key_id=KEY,
                secret_access_key=KEY,
                endpoint_url=aws_url,
            )
        )
        for stack in (STACK, HELLO_STACK):
            project = add_project(ProjectDetails(stack, account.id, stack, DEFAULT_ALIAS))
            report = sync_project(project.id, patience_s=30)
            if not report.worked:
                raise DemoFailedError(f"{stack} could not be read: {report.error or report.failed}")
    return password
