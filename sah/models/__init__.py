"""The tables. Import models from here, so that all of them are mapped."""

from sah.models.accounts import Account
from sah.models.base import Base
from sah.models.deployments import Deployment, LivePeriod, Snapshot
from sah.models.functions import Function, FunctionAlias, FunctionTrigger, PublishedVersion
from sah.models.operations import Move, Operation
from sah.models.people import Role, User
from sah.models.projects import Project
from sah.models.tokens import ApiToken

__all__ = [
    "Account",
    "ApiToken",
    "Base",
    "Deployment",
    "Function",
    "FunctionAlias",
    "FunctionTrigger",
    "LivePeriod",
    "Move",
    "Operation",
    "Project",
    "PublishedVersion",
    "Role",
    "Snapshot",
    "User",
]
