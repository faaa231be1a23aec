"""Who may do what: roles and their rights."""

from enum import StrEnum


class Right(StrEnum):
    """What a view or an API call asks of the person or the token."""

    VIEW = "view"
    DEPLOY = "deploy"
    OPERATE = "operate"
    ADMINISTER = "administer"


class RoleName(StrEnum):
    """A viewer looks, an operator moves aliases, syncs and deploys, an admin does everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rights(self) -> frozenset[Right]:
        """What a person with this role may do."""
        return _RIGHTS[self]


_RIGHTS = {
    RoleName.VIEWER: frozenset({Right.VIEW}),
    RoleName.OPERATOR: frozenset({Right.VIEW, Right.DEPLOY, Right.OPERATE}),
    RoleName.ADMIN: frozenset(Right),
}
