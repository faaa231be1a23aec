"""Tokens: made once, found by their secret, worthless when they should be."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from sah.domain.access import Right, RoleName
from sah.domain.errors import (
    AccessDeniedError,
    DuplicateError,
    InvalidInputError,
    InvalidTokenError,
    NotFoundError,
)
from sah.domain.tokens import Scope, TokenStatus
from sah.extensions import db
from sah.models import ApiToken, Role, User
from sah.services.projects import delete_project
from sah.services.tokens import (
    TokenDetails,
    authenticate_token,
    create_token,
    get_token,
    get_token_by_name,
    list_tokens,
    offer_scopes,
    revoke_token,
)
from tests.databases import only_on_sqlite
from tests.factories import EMAILS, make_shop
from tests.fakes import FakeAws
from tests.queries import counted_queries

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def person(role: RoleName) -> User:
    return db.session.scalars(sa.select(User).filter_by(email=EMAILS[role])).one()


def make(name: str = "ci", scope: Scope = Scope.READ, **details: object) -> str:
    return create_token(TokenDetails(name, scope, **details), "a test").secret  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _in_context(context: Flask) -> None:
    """Every test here works on services."""


def test_the_secret_is_nowhere_in_the_database() -> None:
    secret = make()
    assert len(secret) == 68
    (row,) = db.session.execute(sa.select(ApiToken.__table__)).all()
    assert secret not in str(row)
    assert row.start == secret[:8]


def test_a_token_is_found_by_its_secret_alone() -> None:
    token = authenticate_token(make("one"))
    make("two")
    assert token.name == "one"
    assert token.rights == {Right.VIEW}


@pytest.mark.parametrize("secret", ["", "sah_", "x" * 68, "sah_" + "0" * 64])
def test_an_unknown_token_is_refused(secret: str) -> None:
    make()
    with pytest.raises(InvalidTokenError, match="no token that SAH knows"):
        authenticate_token(secret)


def test_an_expired_token_is_refused() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        secret = make(lifetime=timedelta(days=1))
        clock.shift(timedelta(days=1, seconds=-1))
        assert authenticate_token(secret).name == "ci"
        assert get_token_by_name("ci").status(datetime.now(UTC)) is TokenStatus.IN_USE
        clock.shift(timedelta(seconds=1))
        with pytest.raises(InvalidTokenError, match="expired on 2026-03-02"):
            authenticate_token(secret)


def test_a_revoked_token_is_refused_and_its_name_is_free_again() -> None:
    secret = make("ci")
    revoke_token(get_token_by_name("ci").id, "ada@example.org")
    with pytest.raises(InvalidTokenError, match="was revoked on"):
        authenticate_token(secret)
    assert authenticate_token(make("ci")).name == "ci"
    assert [(t.name, t.revoked_by) for t in list_tokens()] == [
        ("ci", ""),
        ("ci", "ada@example.org"),
    ]


def test_revoking_again_keeps_who_did_it_first() -> None:
    make("ci")
    number = get_token_by_name("ci").id
    for who in ("ada@example.org", "bob@example.org"):
        revoke_token(number, who)
    assert get_token(number).revoked_by == "ada@example.org"


def test_a_name_is_in_use_once() -> None:
    make("ci")
    with pytest.raises(DuplicateError, match="named ci"):
        make(" ci ")


@pytest.mark.parametrize(("name", "said"), [(" ", "needs a name"), ("x" * 81, "longer than 80")])
def test_a_name_that_will_not_do_is_refused(name: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        make(name)


def test_a_deploy_token_is_for_one_project() -> None:
    with pytest.raises(InvalidInputError, match="one project"):
        make(scope=Scope.DEPLOY)
    with pytest.raises(NotFoundError):
        make(scope=Scope.DEPLOY, project_id=7)


def test_a_token_goes_with_its_project(aws: FakeAws) -> None:
    shop = make_shop(aws).id
    secret = make(scope=Scope.DEPLOY, project_id=shop)
    delete_project(shop)
    with pytest.raises(InvalidTokenError):
        authenticate_token(secret)


def test_a_persons_token_can_do_no_more_than_the_person() -> None:
    viewer, operator = person(RoleName.VIEWER), person(RoleName.OPERATOR)
    assert offer_scopes(viewer) == [Scope.READ]
    assert offer_scopes(operator) == list(Scope)
    with pytest.raises(AccessDeniedError):
        create_token(TokenDetails("mine", Scope.OPERATE), viewer.email, owner=viewer)


def test_a_persons_token_loses_what_the_person_loses() -> None:
    operator = person(RoleName.OPERATOR)
    details = TokenDetails("mine", Scope.OPERATE)
    secret = create_token(details, operator.email, owner=operator).secret
    assert str(authenticate_token(secret)) == f"{operator.email} (token mine)"
    operator.roles = [db.session.scalars(sa.select(Role).filter_by(name="viewer")).one()]
    db.session.commit()
    assert authenticate_token(secret).rights == {Right.VIEW}
    assert get_token_by_name("mine").status(datetime.now(UTC)) is TokenStatus.ASLEEP
    operator.active = False
    db.session.commit()
    with pytest.raises(InvalidTokenError, match="may not log in"):
        authenticate_token(secret)


def test_a_machines_token_outlives_who_made_it() -> None:
    secret = create_token(TokenDetails("ci", Scope.OPERATE), EMAILS[RoleName.ADMIN]).secret
    person(RoleName.ADMIN).active = False
    db.session.commit()
    assert str(authenticate_token(secret)) == "ci (token)"


def test_other_peoples_tokens_are_not_to_be_found() -> None:
    viewer, operator = person(RoleName.VIEWER), person(RoleName.OPERATOR)
    number = create_token(TokenDetails("x", Scope.READ), viewer.email, owner=viewer).token.id
    assert [t.id for t in list_tokens(viewer)] == [get_token(number, viewer).id]
    assert list_tokens(operator) == []
    with pytest.raises(NotFoundError):
        get_token(number, operator)


def test_the_use_is_noted_once_a_minute() -> None:
    with time_machine.travel(NOW, tick=False) as clock, counted_queries() as statements:
        secret = make()
        for _ in range(3):
            authenticate_token(secret)
        assert sum(statement.startswith("UPDATE") for statement in statements) == 1
        clock.shift(timedelta(seconds=61))
        authenticate_token(secret)
        assert sum(statement.startswith("UPDATE") for statement in statements) == 2
        assert get_token_by_name("ci").last_used_at == NOW + timedelta(seconds=61)


@only_on_sqlite
def test_a_token_works_though_its_use_cannot_be_noted() -> None:
    secret = make("one")
    refuse = "CREATE TRIGGER full BEFORE UPDATE ON api_token BEGIN SELECT RAISE(FAIL, 'full'); END"
    db.session.execute(sa.text(refuse))
    db.session.commit()
    assert authenticate_token(secret).name == "one"
