import pytest
from flask import Flask

from sah.domain.access import Right, RoleName
from sah.domain.errors import ConflictError, DuplicateError, InvalidInputError, NotFoundError
from sah.services.people import (
    PersonChange,
    change_user,
    create_first_admin,
    create_user,
    get_user_by_email,
    has_users,
    list_users,
)

PASSWORD = "a long enough password"


def test_the_first_person_is_an_admin_and_the_only_first(empty_app: Flask) -> None:
    with empty_app.app_context():
        assert not has_users()
        user = create_first_admin(" Kim@Example.COM ", PASSWORD)
        assert user.email == "kim@example.com"
        assert user.may(Right.ADMINISTER)
        with pytest.raises(ConflictError, match="set up already"):
            create_first_admin("alex@example.com", PASSWORD)
        assert [u.email for u in list_users()] == ["kim@example.com"]


@pytest.mark.usefixtures("context")
class TestMaking:
    @pytest.mark.parametrize(
        ("role", "may"),
        [(RoleName.VIEWER, False), (RoleName.OPERATOR, True), (RoleName.ADMIN, True)],
    )
    def test_a_role_gives_its_rights(self, role: RoleName, *, may: bool) -> None:
        user = create_user("kim@example.com", PASSWORD, role)
        assert user.may(Right.VIEW)
        assert user.may(Right.OPERATE) is may

    def test_a_password_is_hashed(self) -> None:
        user = create_user("kim@example.com", PASSWORD, RoleName.VIEWER)
        assert user.password is not None
        assert user.password.startswith("$argon2id$")

    @pytest.mark.parametrize("email", ["", "kim", "kim@", "@example.com", "a b@example.com"])
    def test_a_wrong_address_is_refused(self, email: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            create_user(email, PASSWORD, RoleName.VIEWER)
        assert caught.value.field == "email"

    def test_a_short_password_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="shorter than 10") as caught:
            create_user("kim@example.com", "too short", RoleName.VIEWER)
        assert caught.value.field == "password"

    def test_an_address_is_taken_once_in_any_case(self) -> None:
        create_user("kim@example.com", PASSWORD, RoleName.VIEWER)
        with pytest.raises(DuplicateError, match=r"kim@example\.com has an account already"):
            create_user("KIM@example.com", PASSWORD, RoleName.ADMIN)

    @pytest.mark.parametrize("typed", ["pässwörd-läng", "pa\u0308sswo\u0308rd-la\u0308ng"])
    def test_a_password_with_accents_works_however_it_is_typed(
        self, app: Flask, typed: str
    ) -> None:
        user = create_user("kim@example.com", "pässwörd-läng", RoleName.VIEWER)
        as_the_form_does = app.extensions["security"].password_util.normalize(typed)
        assert user.verify_and_update_password(as_the_form_does)


@pytest.mark.usefixtures("context")
class TestChanging:
    def test_a_role_can_be_taken_away(self) -> None:
        user = create_user("kim@example.com", PASSWORD, RoleName.ADMIN)
        changed = change_user(user.id, PersonChange(role=RoleName.VIEWER), "a test")
        assert not changed.may(Right.ADMINISTER)
        assert changed.active

    def test_who_is_shut_out_has_no_session_left(self) -> None:
        user = create_user("kim@example.com", PASSWORD, RoleName.VIEWER)
        session = user.fs_uniquifier
        change_user(user.id, PersonChange(active=False), "a test")
        assert not user.active
        assert user.fs_uniquifier != session

    def test_a_new_password_ends_the_sessions(self) -> None:
        user = create_user("kim@example.com", PASSWORD, RoleName.VIEWER)
        session = user.fs_uniquifier
        change_user(user.id, PersonChange(password=PASSWORD + "!"), "a test")
        assert user.fs_uniquifier != session
        assert user.verify_and_update_password(PASSWORD + "!")

    def test_a_short_password_changes_nothing(self) -> None:
        user = create_user("kim@example.com", PASSWORD, RoleName.VIEWER)
        change = PersonChange(role=RoleName.ADMIN, password="short")
        with pytest.raises(InvalidInputError, match="shorter than 10"):
            change_user(user.id, change, "a test")
        assert not user.may(Right.ADMINISTER)
        assert "short" not in repr(change)

    @pytest.mark.parametrize(
        "change", [PersonChange(role=RoleName.VIEWER), PersonChange(active=False)]
    )
    def test_the_last_administrator_stays(self, change: PersonChange) -> None:
        *others, last = [u for u in list_users() if u.may(Right.ADMINISTER)] or [
            create_user("kim@example.com", PASSWORD, RoleName.ADMIN)
        ]
        assert others == []
        with pytest.raises(ConflictError, match="No administrator would be left"):
            change_user(last.id, change, "a test")
        assert last.active
        assert last.may(Right.ADMINISTER)

    def test_nobody_is_not_changed(self) -> None:
        with pytest.raises(NotFoundError):
            change_user(999, PersonChange(active=False), "a test")
        with pytest.raises(NotFoundError, match=r"Nobody logs in as nobody@example\.com"):
            get_user_by_email("Nobody@example.com")
