import os
import re

import pytest
from flask import Flask

from sah.domain.tokens import Scope
from sah.services.tokens import authenticate_token
from tests.cli.conftest import Sah
from tests.factories import make_shop
from tests.fakes import FakeAws


def test_the_token_alone_is_printed(sah: Sah, app: Flask, aws: FakeAws) -> None:
    with app.app_context():
        make_shop(aws)
    made = sah("tokens", "create", "ci", "--scope", "deploy", "--project", "shop")
    assert (made.status, made.err) == (0, "")
    assert re.fullmatch(r"sah_[0-9a-f]{64}\n", made.out)
    with app.app_context():
        token = authenticate_token(made.out.strip())
        assert (token.scope, token.project_id, token.person) == (Scope.DEPLOY, 1, None)


def test_tokens_are_listed_without_their_secrets(sah: Sah) -> None:
    secret = sah("tokens", "create", "ci", "--scope", "read", "--expires", "90d").out.strip()
    (row,) = sah("tokens", "list", "--output", "json").json
    assert (row["name"], row["status"], row["scope"]) == ("ci", "in_use", "read")
    assert row["expires_at"].endswith("Z")
    table = sah("tokens", "list").out
    assert secret[:8] in table
    assert "(command line)" in table  # who made it
    assert secret not in table


def test_who_has_no_name_on_this_machine_is_called_by_number(
    sah: Sah, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_no_name(number: int) -> None:
        raise KeyError(number)

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", find_no_name)
    assert sah("tokens", "create", "ci", "--scope", "read").status == 0
    (row,) = sah("tokens", "list", "--output", "json").json
    assert row["created_by"] == f"user {os.getuid()} (command line)"


def test_a_revoked_token_is_listed_as_such(sah: Sah) -> None:
    sah("tokens", "create", "ci", "--scope", "read")
    assert sah("tokens", "revoke", "ci").out == "Revoked the token ci.\n"
    (row,) = sah("tokens", "list", "--output", "json").json
    assert row["status"] == "revoked"
    assert row["revoked_by"].endswith("(command line)")


def test_what_is_wrong_is_one_sentence(sah: Sah) -> None:
    for arguments, said in (
        (("create", "ci", "--scope", "deploy"), "for one project"),
        (("create", "ci", "--scope", "read", "--expires", "soon"), "such as 12h, 90d"),
        (("create", "ci", "--scope", "read", "--project", "x"), "no project “x”"),
        (("revoke", "ci"), "no token “ci”"),
    ):
        answer = sah("tokens", *arguments)
        assert (answer.status, answer.out) == (1, "")
        assert said in answer.err
