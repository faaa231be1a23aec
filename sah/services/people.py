"""People: the first administrator, and those that come after."""

import unicodedata
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password
from sqlalchemy.exc import IntegrityError

from sah.domain.access import RoleName
from sah.domain.errors import ConflictError, DuplicateError, InvalidInputError, NotFoundError
from sah.extensions import db
from sah.models import Role, User

log = structlog.get_logger(__name__)

MIN_PASSWORD_LENGTH = 10


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to be different about a person; None leaves it as it is."""

    role: RoleName | None = None
    active: bool | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"PersonChange({self.role}, {self.active})"


def has_users() -> bool:
    """Say whether anybody can log in yet."""
    return db.session.scalar(sa.select(User.id).limit(1)) is not None


def list_users() -> list[User]:
    """List everybody, by address."""
    return list(db.session.scalars(sa.select(User).order_by(User.email)))


def get_user(user_id: int) -> User:
    """Read one person.

    :raises NotFoundError: there is no such person.
    """
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such person.")
    return user


def get_user_by_email(email: str) -> User:
    """Read one person by the address that they log in with.

    :raises NotFoundError: there is no such person.
    """
    wanted = email.strip().lower()
    user = db.session.scalar(sa.select(User).where(User.email == wanted))
    if user is None:
        raise NotFoundError(f"Nobody logs in as {wanted}.", "“sah users list” names everybody.")
    return user


def change_user(user_id: int, change: PersonChange, changed_by: str) -> User:
    """Change what a person may do, whether they may log in, or their password.

    A new password and shutting out end every session of the person at once; their own
    tokens follow the role, and do not work while the person is shut out.

    :raises NotFoundError: there is no such person.
    :raises InvalidInputError: the password will not do.
    :raises ConflictError: no administrator would be left who may log in.
    """
    user = get_user(user_id)
    password = _hash_password(change.password) if change.password is not None else None
    # Elsewhere than on SQLite, where writing does it, this lets one change happen at a time.
    db.session.scalars(sa.select(Role).where(Role.name == RoleName.ADMIN).with_for_update()).all()
    if change.role is not None:
        user.roles = [_find_or_make_role(change.role)]
    if change.active is not None:
        user.active = change.active
    if password is not None:
        user.password = password
    if password is not None or change.active is False:
        user.fs_uniquifier = uuid.uuid4().hex
    db.session.flush()
    if not _has_active_admin():
        db.session.rollback()
        raise ConflictError(
            "No administrator would be left who may log in.",
            "Make somebody else an administrator first.",
        )
    db.session.commit()
    log.info(
        "person.changed",
        number=user_id,
        role=change.role,
        active=change.active,
        new_password=password is not None,
        by=changed_by,
    )
    return user


def create_first_admin(email: str, password: str) -> User:
    """Make the first administrator; of two who try at once, one wins.

    :raises ConflictError: somebody is there already.
    :raises InvalidInputError: the address or the password will not do.
    """
    taken = ConflictError("SAH is set up already.", "Log in, or ask an administrator.")
    if has_users():
        raise taken
    user = _new_user(email, password, RoleName.ADMIN)
    # Writing comes first: on SQLite it keeps other writers out, elsewhere the unique
    # name of the role does, and so nobody can come between the count and the commit.
    try:
        db.session.flush()
        alone = db.session.scalar(sa.select(sa.func.count(User.id))) == 1
    except IntegrityError as error:
        db.session.rollback()
        raise taken from error
    if not alone:
        db.session.rollback()
        raise taken
    db.session.commit()
    return user


def create_user(email: str, password: str, role: RoleName) -> User:
    """Make a person who may log in.

    :raises InvalidInputError: the address or the password will not do.
    :raises DuplicateError: the address is taken.
    """
    user = _new_user(email, password, role)
    address = user.email
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise DuplicateError(f"{address} has an account already.", field="email") from error
    return user


def _new_user(email: str, password: str, role: RoleName) -> User:
    address = _parse_email(email)
    user = User(
        email=address,
        password=_hash_password(password),
        fs_uniquifier=uuid.uuid4().hex,
        roles=[_find_or_make_role(role)],
    )
    db.session.add(user)
    return user


def _hash_password(password: str) -> str:
    # As the log-in form does: "é" may be one character or two.
    password = unicodedata.normalize("NFKD", password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidInputError(
            f"The password is shorter than {MIN_PASSWORD_LENGTH} characters.",
            "Choose a longer one.",
            field="password",
        )
    return str(hash_password(password))


def _has_active_admin() -> bool:
    admins = sa.select(User.id).where(User.active, User.roles.any(Role.name == RoleName.ADMIN))
    return db.session.scalar(admins.limit(1)) is not None


def _parse_email(text: str) -> str:
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise InvalidInputError(f"“{text}” is not an e-mail address.", field="email") from error


def _find_or_make_role(name: RoleName) -> Role:
    role = db.session.scalar(sa.select(Role).where(Role.name == name))
    if role is None:
        role = Role(name=name)
        db.session.add(role)
    return role
