"""Who may do what: three roles, three rights."""

from enum import StrEnum


class Right(StrEnum):
    """What a view or an API call asks of the person."""

    VIEW = "view"
    OPERATE = "operate"
    ADMINISTER = "administer"


class RoleName(StrEnum):
    """A viewer looks, an operator moves aliases and syncs, an admin does everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rights(self) -> frozenset[Right]:
        """What a person with this role may do."""
        return _RIGHTS[self]


_RIGHTS = {
    RoleName.VIEWER: frozenset({Right.VIEW}),
    RoleName.OPERATOR: frozenset({Right.VIEW, Right.OPERATE}),
    RoleName.ADMIN: frozenset(Right),
}
