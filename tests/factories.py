"""What tests start from: people, an account, and a shop that has been read from AWS."""

from collections.abc import Mapping

from sah.domain.access import RoleName
from sah.domain.aliases import DEFAULT_ALIAS
from sah.models import Account, Project
from sah.services.accounts import AccountDetails, add_account
from sah.services.people import create_user
from sah.services.projects import ProjectDetails, add_project
from sah.services.sync import sync_project
from tests.fakes import REGION, FakeAws

PASSWORD = "a long enough password"
ADMIN, OPERATOR, VIEWER = "admin@example.com", "operator@example.com", "viewer@example.com"
EMAILS = {RoleName.ADMIN: ADMIN, RoleName.OPERATOR: OPERATOR, RoleName.VIEWER: VIEWER}
SHOP = {"shop-cart": 3, "shop-checkout": 3, "shop-search": 3}


def make_people() -> None:
    """Make one person of each role."""
    for role, email in EMAILS.items():
        create_user(email, PASSWORD, role)


def make_account(name: str = "production", region: str = REGION) -> Account:
    """Make an account on the default credential chain."""
    return add_account(AccountDetails(name, region))


def make_project(
    account: Account, stack: str, name: str = "", alias: str = DEFAULT_ALIAS, *, synced: bool = True
) -> Project:
    """Make a project out of a stack, and read it from AWS."""
    project = add_project(ProjectDetails(name or stack, account.id, stack, alias))
    if synced:
        sync_project(project.id)
    return project


def make_shop(
    aws: FakeAws, functions: Mapping[str, int] = SHOP, *, alias: str = DEFAULT_ALIAS
) -> Project:
    """Deploy a stack named ``shop`` with so many versions per function, and read it."""
    aws.add_stack("shop", functions, alias=alias)
    return make_project(make_account(), "shop")
