import logging
from dataclasses import replace

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from sah.aws.gateway import AccessKind, AccountAccess
from sah.domain.errors import (
    AwsCredentialsError,
    AwsServerError,
    ConfigError,
    ConflictError,
    DuplicateError,
    EditConflictError,
    InvalidInputError,
    NotFoundError,
)
from sah.extensions import db
from sah.models import Account
from sah.services.accounts import (
    AccountDetails,
    add_account,
    check_connection,
    delete_account,
    get_account,
    get_account_by_name,
    list_account_stacks,
    list_accounts,
    open_gateway,
    update_account,
)
from sah.services.secrets import decrypt_secret, encrypt_secret
from tests.events import captured_events
from tests.factories import make_account, make_project
from tests.fakes import FakeAws, FakeConnections

pytestmark = pytest.mark.usefixtures("context")

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PLAIN = AccountDetails("plain", "eu-west-1")
ROLE = AccountDetails(
    "role",
    "eu-west-1",
    AccessKind.ASSUME_ROLE,
    role_arn="arn:aws:iam::123456789012:role/path/sah",
    external_id="a1:b2/c3",
)
KEYED = AccountDetails(
    "keyed",
    "us-gov-west-1",
    AccessKind.ACCESS_KEY,
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key=SECRET,
    endpoint_url="http://127.0.0.1:4566",
)


def access_of(account: Account, connections: FakeConnections) -> AccountAccess:
    open_gateway(account)
    return connections.opened[-1][0]


@pytest.mark.parametrize("details", [PLAIN, ROLE, KEYED])
def test_what_was_entered_is_what_aws_is_reached_with(
    details: AccountDetails, connections: FakeConnections
) -> None:
    account = get_account_by_name(add_account(details).name)
    access = access_of(account, connections)
    assert access == AccountAccess(
        details.access_kind,
        details.region,
        details.role_arn,
        details.external_id,
        details.access_key_id,
        details.secret_access_key,
        details.endpoint_url,
    )


def test_a_secret_is_encrypted_and_never_shown(
    connections: FakeConnections, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with captured_events() as events:
        account = add_account(KEYED)
        access = access_of(account, connections)
    stored = db.session.execute(sa.text("SELECT * FROM account")).one()
    shown = (repr(account), repr(KEYED), repr(access), caplog.text, repr(events))
    for text in (str(stored), *shown):
        assert SECRET not in text
    assert decrypt_secret(account.encrypted_secret) == SECRET


def test_pasted_spaces_are_taken_off() -> None:
    account = add_account(
        replace(ROLE, name="  my  role ", region=" eu-west-1\n", role_arn=f" {ROLE.role_arn} ")
    )
    assert (account.name, account.region) == ("my role", "eu-west-1")
    assert account.role_arn == ROLE.role_arn


@pytest.mark.parametrize(
    ("field", "details"),
    [
        ("name", replace(PLAIN, name=" ")),
        ("name", replace(PLAIN, name="x" * 81)),
        ("region", replace(PLAIN, region="")),
        ("region", replace(PLAIN, region="Ireland")),
        ("endpoint_url", replace(PLAIN, endpoint_url="localhost:4566")),
        ("role_arn", replace(ROLE, role_arn="")),
        ("role_arn", replace(ROLE, role_arn="arn:aws:iam::123456789012:user/sah")),
        ("external_id", replace(ROLE, external_id="a b")),
        ("access_key_id", replace(KEYED, access_key_id="")),
        ("access_key_id", replace(KEYED, access_key_id="A KEY")),
        ("secret_access_key", replace(KEYED, secret_access_key="")),
    ],
)
def test_a_wrong_detail_names_its_field(field: str, details: AccountDetails) -> None:
    with pytest.raises(InvalidInputError) as caught:
        add_account(details)
    assert caught.value.field == field
    assert list_accounts() == []


def test_a_taken_name_is_refused() -> None:
    add_account(PLAIN)
    other = add_account(ROLE)
    with pytest.raises(DuplicateError, match="plain"):
        add_account(replace(ROLE, name="plain"))
    with pytest.raises(DuplicateError, match="plain"):
        update_account(other.id, replace(ROLE, name="plain"), 1)
    assert [account.name for account in list_accounts()] == ["plain", "role"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    add_account(PLAIN)
    with pytest.raises(NotFoundError, match=r"no account “plane”.*Known accounts: plain\."):
        get_account_by_name("plane")


class TestEditing:
    def test_an_empty_secret_keeps_the_stored_one(self, connections: FakeConnections) -> None:
        account = add_account(KEYED)
        changed = update_account(
            account.id, replace(KEYED, region="eu-west-3", secret_access_key=""), 1
        )
        assert access_of(changed, connections).secret_access_key == SECRET
        assert (changed.region, changed.revision) == ("eu-west-3", 2)

    def test_another_key_needs_its_own_secret(self) -> None:
        account = add_account(KEYED)
        other = replace(KEYED, access_key_id="AKIAOTHER", secret_access_key="")
        with pytest.raises(InvalidInputError) as caught:
            update_account(account.id, other, 1)
        assert caught.value.field == "secret_access_key"
        assert get_account(account.id).revision == 1
        assert get_account(account.id).access_key_id == KEYED.access_key_id

    def test_another_kind_of_access_forgets_the_secret(self) -> None:
        account = update_account(add_account(KEYED).id, replace(PLAIN, name="keyed"), 1)
        assert (account.encrypted_secret, account.access_key_id) == ("", "")

    def test_of_two_edits_one_wins(self) -> None:
        account = add_account(PLAIN)
        update_account(account.id, replace(PLAIN, region="eu-west-3"), 1)
        with pytest.raises(EditConflictError):
            update_account(account.id, replace(PLAIN, region="eu-west-2"), 1)
        assert get_account(account.id).region == "eu-west-3"

    def test_an_account_in_use_is_not_deleted(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {"f": 1})
        account = make_account()
        make_project(account, "shop")
        with pytest.raises(ConflictError, match="shop"):
            delete_account(account.id)
        delete_account(add_account(PLAIN).id)
        assert [a.id for a in list_accounts()] == [account.id]

    def test_what_is_not_there_is_not_found(self) -> None:
        for act in (get_account, delete_account):
            with pytest.raises(NotFoundError):
                act(99)


class TestKeys:
    def test_a_rotated_key_still_decrypts(self, app: Flask) -> None:
        old = app.config["ENCRYPTION_KEYS"]
        token = encrypt_secret(SECRET)
        new = Fernet.generate_key().decode()
        try:
            app.config["ENCRYPTION_KEYS"] = (new, *old)
            assert decrypt_secret(token) == SECRET
            fresh = encrypt_secret(SECRET)
            app.config["ENCRYPTION_KEYS"] = (new,)
            assert decrypt_secret(fresh) == SECRET
            with pytest.raises(ConfigError, match="SAH_ENCRYPTION_KEYS"):
                decrypt_secret(token)
        finally:
            app.config["ENCRYPTION_KEYS"] = old

    def test_nothing_stays_nothing(self) -> None:
        assert encrypt_secret("") == decrypt_secret("") == ""


class TestConnection:
    def test_it_says_who_it_is_and_remembers(self, aws: FakeAws) -> None:
        account = make_account()
        report = check_connection(account)
        assert report.works
        assert report.identity is not None
        assert get_account(account.id).aws_account_id == aws.account_id

    def test_it_names_what_is_missing(self, aws: FakeAws) -> None:
        aws.deny("lambda:UpdateAlias")
        report = check_connection(make_account())
        assert (report.missing, report.works) == (("lambda:UpdateAlias",), False)

    def test_refused_credentials_are_a_report(self, aws: FakeAws) -> None:
        aws.fail("GetCallerIdentity", AwsCredentialsError("The token is expired."))
        report = check_connection(make_account())
        assert (report.identity, report.works) == (None, False)
        assert str(report.error) == "The token is expired."

    def test_a_failing_check_still_says_who_it_is(
        self, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise AwsServerError("AWS failed.")

        monkeypatch.setattr(aws, "check_permissions", fail)
        report = check_connection(make_account())
        assert report.identity is not None
        assert str(report.error) == "AWS failed."

    def test_stacks_are_listed_by_name(self, aws: FakeAws) -> None:
        for name in ("b", "a"):
            aws.add_stack(name)
        assert [stack.name for stack in list_account_stacks(make_account())] == ["a", "b"]
