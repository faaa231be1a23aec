import json
import shlex

import click
import pytest
import structlog
from flask import Flask

from sah.cli import main
from sah.domain.errors import AwsAccessDeniedError, AwsCredentialsError, AwsUnreachableError
from sah.services.accounts import get_account_by_name, open_gateway
from sah.services.people import list_users
from sah.services.projects import get_project_by_name
from tests.cli.conftest import Sah
from tests.factories import make_account, make_shop
from tests.fakes import FakeAws, FakeConnections

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = ("--access-key-id", "AKIAIOSFODNN7EXAMPLE")
ROLE_ARN = "arn:aws:iam::123456789012:role/sah"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


def all_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for name, command in main.commands.items():
        found.append((name,))
        if isinstance(command, click.Group):
            found.extend((name, inner) for inner in command.commands)
    return found


class TestEveryCommand:
    @pytest.mark.parametrize("path", all_commands(), ids=" ".join)
    def test_has_help(self, sah: Sah, path: tuple[str, ...]) -> None:
        shown = sah(*path, "--help")
        assert (shown.status, shown.err) == (0, "")
        assert shown.out.startswith("Usage: ")

    @pytest.mark.parametrize("path", [p for p in all_commands() if p], ids=" ".join)
    def test_takes_an_instance_where_there_is_one(self, path: tuple[str, ...]) -> None:
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        options = {option for param in command.params for option in param.opts}
        free = isinstance(command, click.Group) or path == ("local-aws",)
        assert ("--instance" in options) is not free

    @pytest.mark.parametrize(
        "arguments",
        [
            ("nonsense",),
            ("users", "create", "a@example.com"),
            ("users", "create", "a@example.com", "--role", "king"),
            ("run", "--port", "65536"),
            ("run", "--port", "http"),
            ("accounts", "add", "x"),
            ("accounts", "add", "x", "--region", "eu-west-1", "--external-id", "y"),
            ("accounts", "add", "x", "--region", "eu-west-1", "--secret-stdin"),
            ("accounts", "add", "x", "--region", "eu-west-1", "--role-arn", "r", *KEY),
            ("accounts", "add", "x", "--region", "eu-west-1", *KEY, "--secret-stdin"),
            ("projects", "list", "--output", "yaml"),
            ("sync", "a", "b"),
        ],
        ids=" ".join,
    )
    def test_misuse_is_one_sentence_and_exit_status_2(
        self, sah: Sah, arguments: tuple[str, ...]
    ) -> None:
        answer = sah(*arguments)
        assert (answer.status, answer.out) == (2, "")
        assert len(answer.err.splitlines()) == 1
        assert "--help" in answer.err

    def test_the_version_is_printed(self, sah: Sah) -> None:
        assert sah("--version").out == "sah, version 0.1.0\n"

    @pytest.mark.parametrize("path", [(), ("users",), ("accounts",), ("projects",)])
    def test_a_group_alone_shows_its_help(self, sah: Sah, path: tuple[str, ...]) -> None:
        answer = sah(*path)
        assert (answer.status, answer.out) == (2, "")
        assert answer.err.startswith("Usage: sah")

    def test_an_unexpected_error_is_one_sentence(
        self, sah: Sah, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sah.services.people.list_users", lambda: 1 // 0)
        answer = sah("users", "list")
        assert (answer.status, answer.out) == (1, "")
        assert answer.err == (
            "Something unexpected went wrong (ZeroDivisionError: integer division or modulo by "
            "zero); run it with SAH_LOG_LEVEL=debug to see more.\n"
        )


class TestUsers:
    def test_a_person_is_changed(self, sah: Sah) -> None:
        answer = sah("users", "change", "Operator@example.com", "--role", "viewer", "--inactive")
        assert (answer.status, answer.out) == (0, "operator@example.com was changed.\n")
        row = next(u for u in sah("users", "list", "--output", "json").json if not u["active"])
        assert (row["email"], row["roles"]) == ("operator@example.com", ["viewer"])
        new = sah("users", "change", "operator@example.com", "--password-stdin", given="short\n")
        assert (new.status, "shorter than 10" in new.err) == (1, True)
        assert sah("users", "change", "operator@example.com").status == 2

    def test_one_is_made_with_the_password_from_standard_input(self, sah: Sah, app: Flask) -> None:
        arguments = ("users", "create", "kim@example.com", "--role", "operator")
        made = sah(*arguments, "--password-stdin", given="a long enough password\n")
        assert (made.status, made.out) == (0, "kim@example.com may log in as operator.\n")
        with app.app_context():
            kim = next(user for user in list_users() if user.email == "kim@example.com")
            assert kim.verify_and_update_password("a long enough password")

    def test_the_password_is_asked_for_twice(self, sah: Sah) -> None:
        arguments = ("users", "create", "kim@example.com", "--role", "admin")
        made = sah(*arguments, given="a long enough password\n" * 2)
        assert (made.status, made.out) == (0, "kim@example.com may log in as admin.\n")
        assert "long enough" not in made.err

    @pytest.mark.parametrize(
        ("email", "given", "said"),
        [
            ("kim", "a long enough password\n", "“kim” is not an e-mail address.\n"),
            (
                "kim@example.com",
                "short\n",
                "The password is shorter than 10 characters. Choose a longer one.\n",
            ),
            (
                "admin@example.com",
                "a long enough password\n",
                "admin@example.com has an account already.\n",
            ),
        ],
    )
    def test_what_will_not_do_is_one_sentence(
        self, sah: Sah, email: str, given: str, said: str
    ) -> None:
        arguments = ("users", "create", email, "--role", "admin", "--password-stdin")
        answer = sah(*arguments, given=given)
        assert (answer.status, answer.out, answer.err) == (1, "", said)

    def test_an_empty_standard_input_is_misuse(self, sah: Sah) -> None:
        answer = sah("users", "create", "k@example.com", "--role", "admin", "--password-stdin")
        assert answer.status == 2

    def test_they_are_listed(self, sah: Sah) -> None:
        assert [
            (user["email"], user["roles"]) for user in sah("users", "list", "--output", "json").json
        ] == [
            ("admin@example.com", ["admin"]),
            ("operator@example.com", ["operator"]),
            ("viewer@example.com", ["viewer"]),
        ]
        assert "operator@example.com" in sah("users", "list").out


class TestAccounts:
    def test_the_default_chain_a_role_or_a_key(
        self, sah: Sah, app: Flask, connections: FakeConnections
    ) -> None:
        here = ("--region", "eu-west-1")
        url = ("--endpoint-url", "http://127.0.0.1:4566")
        added = [
            sah("accounts", "add", "plain", *here, *url),
            sah("accounts", "add", "role", *here, "--role-arn", ROLE_ARN, "--external-id", "x1"),
            sah("accounts", "add", "keyed", *here, *KEY, "--secret-stdin", given=f"{SECRET}\n"),
            sah("accounts", "add", "asked", *here, *KEY, given=f"{SECRET}\n"),
        ]
        assert [answer.status for answer in added] == [0] * 4
        assert all(SECRET not in answer.out + answer.err for answer in added)
        with app.app_context():
            for name in ("plain", "role", "keyed", "asked"):
                open_gateway(get_account_by_name(name))
        plain, role, keyed, asked = (access for access, _ in connections.opened)
        assert (plain.kind, plain.endpoint_url) == ("default_chain", "http://127.0.0.1:4566")
        assert (role.kind, role.role_arn, role.external_id) == ("assume_role", ROLE_ARN, "x1")
        assert (keyed.kind, keyed.secret_access_key) == ("access_key", SECRET)
        assert asked == keyed

    def test_a_wrong_region_is_one_sentence(self, sah: Sah) -> None:
        answer = sah("accounts", "add", "x", "--region", "Ireland")
        assert answer.status == 1
        assert answer.err == "“Ireland” is not a Region such as eu-west-1.\n"

    def test_they_are_listed_without_secrets(self, sah: Sah) -> None:
        here = ("--region", "eu-west-1")
        sah("accounts", "add", "keyed", *here, *KEY, "--secret-stdin", given=SECRET)
        listed = sah("accounts", "list", "--output", "json")
        assert listed.json[0]["name"] == "keyed"
        assert SECRET not in listed.out
        assert "keyed" in sah("accounts", "list").out

    def test_an_empty_list_is_empty(self, sah: Sah) -> None:
        assert sah("accounts", "list", "--output", "json").json == []
        assert sah("accounts", "list").out == "Nothing yet.\n"

    def test_a_working_one_tells_who_it_is(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_account("production")
        tested = sah("accounts", "test", "production")
        assert (tested.status, tested.err) == (0, "")
        assert f"AWS account {aws.account_id} as arn:" in tested.out

    def test_a_missing_permission_fails_and_is_named(
        self, sah: Sah, app: Flask, aws: FakeAws
    ) -> None:
        with app.app_context():
            make_account("production")
        aws.deny("lambda:UpdateAlias")
        tested = sah("accounts", "test", "production")
        assert (tested.status, tested.err) == (
            1,
            "The account production lacks lambda:UpdateAlias.\n",
        )
        as_json = sah("accounts", "test", "production", "--output", "json")
        assert (as_json.status, as_json.json["missing"]) == (1, ["lambda:UpdateAlias"])

    def test_refused_credentials_fail_in_one_sentence(
        self, sah: Sah, app: Flask, aws: FakeAws
    ) -> None:
        with app.app_context():
            make_account("production")
        aws.fail("GetCallerIdentity", AwsCredentialsError("The token is expired.", "Renew it."))
        tested = sah("accounts", "test", "production")
        assert (tested.status, tested.out, tested.err) == (
            1,
            "",
            "The token is expired. Renew it.\n",
        )

    @pytest.mark.parametrize(
        "arguments", [("accounts", "test", "nope"), ("stacks", "--account", "nope")]
    )
    def test_an_unknown_one_is_one_sentence(self, sah: Sah, arguments: tuple[str, ...]) -> None:
        answer = sah(*arguments)
        assert answer.status == 1
        assert answer.err == "There is no account “nope”. Known accounts: none.\n"

    def test_stacks_are_listed(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_account("production")
        aws.add_stack("shop")
        listed = sah("stacks", "--account", "production", "--output", "json").json
        assert [(stack["name"], stack["status"]) for stack in listed] == [
            ("shop", "CREATE_COMPLETE")
        ]
        assert "CREATE_COMPLETE" in sah("stacks", "--account", "production").out

    def test_stacks_that_cannot_be_listed_are_one_sentence(
        self, sah: Sah, app: Flask, aws: FakeAws
    ) -> None:
        with app.app_context():
            make_account("production")
        aws.fail("ListStacks", AwsUnreachableError("No answer."), times=2)
        answer = sah("stacks", "--account", "production", "--output", "json")
        assert (answer.status, answer.out, answer.err) == (1, "", "No answer.\n")


class TestProjects:
    def test_one_is_made_synced_and_shown(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_account("production")
        aws.add_stack("shop-prod", {"cart": 2, "search": 3})
        aws.set_alias("search", "ACTIVE", "3", ("2", 0.1))
        aws.add_mapping("cart", "", QUEUE)
        where = ("--account", "production", "--stack", "shop-prod")
        added = sah("projects", "add", "shop", *where)
        assert (added.status, added.err) == (0, "")
        synced = sah("sync", "shop")
        assert (synced.status, synced.out) == (0, "shop: read everything of 2 functions.\n")
        shown = sah("projects", "show", "shop", "--output", "json").json
        assert (shown["name"], shown["alias"], shown["ready"]) == ("shop", "ACTIVE", 2)
        cart, search = shown["functions"]
        assert (cart["live"], cart["versions"], cart["ready"]) == ({"2": 1.0}, ["2", "1"], True)
        assert cart["triggers"] == [
            {"kind": "SQS", "source": QUEUE, "qualifier": "", "enabled": True}
        ]
        assert search["live"] == {"3": 0.9, "2": 0.1}
        table = sah("projects", "show", "shop").out
        assert "3 (90 %) and 2 (10 %)" in table
        assert "SQS → $LATEST" in table

    def test_the_next_command_can_be_copied_whatever_the_name(self, sah: Sah, app: Flask) -> None:
        with app.app_context():
            make_account("production")
        where = ("--account", "production", "--stack", "shop")
        added = sah("projects", "add", "Ada's shop", *where).out.strip()
        assert shlex.split(added.rpartition("with: ")[2]) == ["sah", "sync", "Ada's shop"]

    def test_they_are_listed(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_shop(aws)
        (project,) = sah("projects", "list", "--output", "json").json
        assert (project["name"], project["state"], project["functions"]) == ("shop", "ready", 3)
        assert project["synced_at"].endswith("Z")
        assert "shop" in sah("projects", "list").out

    def test_another_alias_is_kept(self, sah: Sah, app: Flask) -> None:
        with app.app_context():
            make_account("production")
        where = ("--account", "production", "--stack", "shop", "--alias", "BLUE")
        assert sah("projects", "add", "shop", *where).status == 0
        with app.app_context():
            assert get_project_by_name("shop").alias == "BLUE"
        again = sah("projects", "add", "again", *where)
        assert again.status == 1
        assert "Two projects cannot share a stack and an alias." in again.err

    @pytest.mark.parametrize("arguments", [("projects", "show", "nope"), ("sync", "nope")])
    def test_an_unknown_one_is_one_sentence(self, sah: Sah, arguments: tuple[str, ...]) -> None:
        answer = sah(*arguments)
        assert (answer.status, answer.out) == (1, "")
        assert answer.err == "There is no project “nope”. Known projects: none.\n"


class TestSync:
    def test_all_are_synced_and_what_failed_fails(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_shop(aws)
        aws.hook = None  # accounts are synced in threads, each with a session of its own
        assert sah("sync").out == "shop: read the aliases of 3 functions.\n"
        assert sah("sync", "--full").out == "shop: read everything of 3 functions.\n"
        aws.fail("ListAliases", AwsAccessDeniedError("Denied."), subject="shop-cart")
        failed = sah("sync", "--output", "json")
        assert failed.status == 1
        assert failed.err == "Not everything could be read of shop.\n"
        assert failed.json[0]["failed"] == ["shop-cart"]

    def test_an_unreachable_aws_is_one_sentence(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_shop(aws)
        aws.fail("DescribeStacks", AwsUnreachableError("No answer."))
        answer = sah("sync", "shop")
        assert (answer.status, answer.out) == (1, "shop: No answer.\n")
        assert len(answer.err.splitlines()) == 1

    def test_a_stack_that_is_gone_is_told(self, sah: Sah, app: Flask, aws: FakeAws) -> None:
        with app.app_context():
            make_shop(aws)
        aws.delete_stack("shop")
        answer = sah("sync", "shop")
        assert (answer.status, answer.out) == (0, "shop: the stack is gone from AWS.\n")

    def test_nothing_to_sync_is_fine(self, sah: Sah) -> None:
        assert (sah("sync").status, sah("sync", "--output", "json").json) == (0, [])


class TestDemo:
    @pytest.mark.parametrize("arguments", [("demo",), ("local-aws", "--port", "0")])
    def test_without_its_extra_it_says_how_to_install(
        self, sah: Sah, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr("sah.cli.demo.find_spec", lambda _name: None)
        answer = sah(*arguments)
        assert (answer.status, answer.out) == (1, "")
        assert answer.err == (
            "The embedded AWS is not installed; add it with: "
            "pip install 'serverless-alias-helper[demo]'\n"
        )


def test_json_output_stays_clean_of_logs(sah: Sah, app: Flask, aws: FakeAws) -> None:
    with app.app_context():
        make_shop(aws)
    aws.hook = lambda _call: structlog.get_logger("sah").error("loud")
    answer = sah("sync", "shop", "--output", "json")
    assert json.loads(answer.out)[0]["worked"] is True
    assert "loud" in answer.err
