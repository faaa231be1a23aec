"""People: the first administrator, and those that come after."""

import unicodedata
import uuid

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password
from sqlalchemy.exc import IntegrityError

from sah.domain.access import RoleName
from sah.domain.errors import ConflictError, DuplicateError, InvalidInputError
from sah.extensions import db
from sah.models import Role, User

MIN_PASSWORD_LENGTH = 10


def has_users() -> bool:
    """Say whether anybody can log in yet."""
    return db.session.scalar(sa.select(User.id).limit(1)) is not None


def list_users() -> list[User]:
    """List everybody, by address."""
    return list(db.session.scalars(sa.select(User).order_by(User.email)))


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
    # As the log-in form does: "é" may be one character or two.
    password = unicodedata.normalize("NFKD", password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidInputError(
            f"The password is shorter than {MIN_PASSWORD_LENGTH} characters.",
            "Choose a longer one.",
            field="password",
        )
    user = User(
        email=address,
        password=hash_password(password),
        fs_uniquifier=uuid.uuid4().hex,
        roles=[_find_or_make_role(role)],
    )
    db.session.add(user)
    return user


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
