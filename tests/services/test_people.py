import pytest
from flask import Flask

from sah.domain.access import Right, RoleName
from sah.domain.errors import ConflictError, DuplicateError, InvalidInputError
from sah.services.people import create_first_admin, create_user, has_users, list_users

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
