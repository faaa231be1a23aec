from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from sah.domain.errors import (
    ConflictError,
    DuplicateError,
    EditConflictError,
    InvalidInputError,
    NotFoundError,
)
from sah.domain.operations import OnFailure, OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Function, FunctionAlias, Operation, Project, PublishedVersion
from sah.services.accounts import check_connection
from sah.services.functions import count_functions_by_project, get_function_summary
from sah.services.projects import (
    ProjectDetails,
    ProjectState,
    add_project,
    delete_project,
    find_active_operation,
    get_project,
    get_project_by_name,
    get_project_summary,
    list_project_summaries,
    update_project,
)
from sah.services.sync import sync_project
from tests.factories import make_account, make_project, make_shop
from tests.fakes import FakeAws
from tests.queries import counted_queries

pytestmark = pytest.mark.usefixtures("context")


def start_moving(project: Project) -> None:
    db.session.add(
        Operation(
            project_id=project.id,
            project_name=project.name,
            stack_name=project.stack_name,
            alias=project.alias,
            kind=OperationKind.SWITCH,
            status=OperationStatus.RUNNING,
            on_failure=OnFailure.PUT_BACK,
            reason="r",
            fingerprint="f",
            requested_by="kim@example.com",
        )
    )
    db.session.commit()


def details(**changes: str | int) -> ProjectDetails:
    account_id = changes.pop("account_id", None) or make_account().id
    plain = ProjectDetails("shop", int(account_id), "shop-prod", "ACTIVE")
    return replace(plain, **changes)  # type: ignore[arg-type]  # texts, all of them


class TestAdding:
    def test_stray_spaces_are_taken_off(self) -> None:
        project = add_project(details(name="  the   shop ", stack_name=" shop-prod ", alias=" A "))
        assert (project.name, project.stack_name, project.alias) == ("the shop", "shop-prod", "A")
        assert get_project_by_name("the shop").id == project.id

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", " "),
            ("name", "x" * 81),
            ("stack_name", ""),
            ("stack_name", "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1"),
            ("stack_name", "1shop"),
            ("alias", ""),
            ("alias", "7"),
            ("alias", "$LATEST"),
        ],
    )
    def test_a_wrong_detail_names_its_field(self, field: str, value: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            add_project(details(**{field: value}))
        assert caught.value.field == field
        assert list_project_summaries() == []

    def test_an_unknown_account_is_not_found(self) -> None:
        with pytest.raises(NotFoundError, match="no such account"):
            add_project(details(account_id=99))

    def test_a_name_is_taken_once(self) -> None:
        first = add_project(details())
        again = details(account_id=first.account_id, stack_name="other")
        with pytest.raises(DuplicateError, match="named shop") as caught:
            add_project(again)
        assert caught.value.field == "name"

    def test_a_stack_and_alias_are_taken_once(self) -> None:
        first = add_project(details())
        again = details(account_id=first.account_id, name="again", stack_name="  shop-prod")
        with pytest.raises(DuplicateError, match="shop already looks after shop-prod") as caught:
            add_project(again)
        assert caught.value.field == "stack_name"

    def test_the_same_stack_with_another_alias_or_account_is_fine(self) -> None:
        first = add_project(details())
        add_project(details(account_id=first.account_id, name="canary", alias="CANARY"))
        add_project(details(account_id=make_account("other").id, name="elsewhere"))
        assert len(list_project_summaries()) == 3

    def test_two_accounts_that_are_the_same_one_of_aws_share_no_stack(self) -> None:
        first = add_project(details())
        twin = make_account("twin")
        for account in (first.account, twin):
            check_connection(account)
        with pytest.raises(DuplicateError, match="shop already looks after shop-prod"):
            add_project(details(account_id=twin.id, name="again"))
        second = add_project(details(account_id=twin.id, name="again", alias="CANARY"))
        moved = details(account_id=twin.id, name="again")
        with pytest.raises(DuplicateError, match="shop already looks after shop-prod"):
            update_project(second.id, moved, 1)
        update_project(first.id, details(account_id=first.account_id, name="renamed"), 1)

    def test_an_unknown_name_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(NotFoundError, match=r"Known projects: none\."):
            get_project_by_name("shop")
        add_project(details())
        with pytest.raises(NotFoundError, match=r"Known projects: shop\."):
            get_project_by_name("shopp")


class TestEditing:
    def test_another_stack_forgets_what_was_seen(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        changed = update_project(
            project.id, ProjectDetails("shop", project.account_id, "other", "ACTIVE"), 1
        )
        assert (changed.synced_at, changed.stack_status, changed.revision) == (None, "", 2)
        assert get_project_summary(project.id).functions == ()

    def test_another_alias_or_name_keeps_what_was_seen(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        update_project(project.id, ProjectDetails("new", project.account_id, "shop", "BLUE"), 1)
        summary = get_project_summary(project.id)
        assert (summary.function_count, summary.ready_count) == (3, 0)
        assert summary.state == ProjectState.NOT_READY

    def test_of_two_edits_one_wins(self) -> None:
        project = add_project(details())
        mine = ProjectDetails("mine", project.account_id, "shop-prod", "ACTIVE")
        update_project(project.id, replace(mine, name="theirs"), 1)
        with pytest.raises(EditConflictError):
            update_project(project.id, mine, 1)
        assert get_project(project.id).name == "theirs"

    def test_a_duplicate_changes_nothing(self) -> None:
        first = add_project(details())
        second = add_project(details(account_id=first.account_id, name="b", stack_name="b"))
        with pytest.raises(DuplicateError):
            update_project(
                second.id, ProjectDetails("b", first.account_id, "shop-prod", "ACTIVE"), 1
            )
        assert (get_project(second.id).stack_name, get_project(second.id).revision) == ("b", 1)

    def test_nothing_is_changed_while_aliases_move(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        start_moving(project)
        assert find_active_operation(project.id) is not None
        with pytest.raises(ConflictError, match=r"kim@example\.com is moving"):
            update_project(project.id, ProjectDetails("x", project.account_id, "x", "ACTIVE"), 1)
        with pytest.raises(ConflictError, match=r"kim@example\.com is moving"):
            delete_project(project.id)
        assert get_project_summary(project.id).state == ProjectState.MOVING
        assert get_project(project.id).revision == 1


def test_deleting_takes_all_of_it_but_the_journal(aws: FakeAws) -> None:
    project = make_shop(aws)
    start_moving(project)
    db.session.execute(sa.update(Operation).values(status=OperationStatus.SUCCEEDED))
    db.session.commit()
    delete_project(project.id)
    for table in (Project, Function, FunctionAlias, PublishedVersion):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    db.session.expire_all()
    operation = db.session.scalars(sa.select(Operation)).one()
    assert (operation.project_id, operation.project_name) == (None, "shop")
    with pytest.raises(NotFoundError):
        delete_project(project.id)
    assert aws.count("UpdateAlias") == 0


class TestStates:
    def test_each_state_is_told(self, aws: FakeAws) -> None:
        account = make_account()
        aws.add_stack("ready", {"ready-f": 2})
        aws.add_stack("partly", {"partly-f": 2, "partly-g": 1})
        aws.add_stack("never", {"never-f": 2})
        aws.add_stack("none", {"none-f": 0})
        for stack in ("ready", "partly", "none", "missing"):
            make_project(account, stack)
        make_project(account, "never", synced=False)
        failing = make_project(account, "failing", synced=False)
        failing.sync_error = "No answer."
        db.session.commit()
        assert {s.project.name: s.state for s in list_project_summaries()} == {
            "failing": ProjectState.SYNC_FAILED,
            "missing": ProjectState.GONE,
            "never": ProjectState.NEVER_SYNCED,
            "none": ProjectState.NOT_READY,
            "partly": ProjectState.PARTLY_READY,
            "ready": ProjectState.READY,
        }

    def test_list_and_page_agree(self, aws: FakeAws) -> None:
        project = make_shop(aws, {"a": 1, "b": 2, "c": 3, "d": 0})
        aws.set_alias("b", "ACTIVE", "1", ("2", 0.5))
        aws.remove_function("shop", "c")
        sync_project(project.id)
        (listed,) = list_project_summaries()
        page = get_project_summary(project.id)
        assert (listed.function_count, listed.ready_count) == (3, 0)
        assert (page.function_count, page.ready_count) == (3, 0)
        assert [f.function.name for f in page.functions] == ["a", "b", "c", "d"]
        assert listed.state == page.state == ProjectState.NOT_READY

    def test_the_list_takes_as_many_queries_for_many_as_for_one(self, aws: FakeAws) -> None:
        account = make_account()
        numbers = []
        for number in range(4):
            aws.add_stack(f"s{number}", {f"s{number}-{n}": 3 for n in range(5)})
            make_project(account, f"s{number}")
            db.session.expire_all()
            with counted_queries() as queries:
                summaries = list_project_summaries()
                assert [s.project.account.name for s in summaries] == ["production"] * (number + 1)
            numbers.append(len(queries))
        assert len(set(numbers)) == 1
        assert numbers[0] <= 4

    def test_a_function_without_rows_is_counted(self) -> None:
        project = add_project(details())
        db.session.add(Function(project_id=project.id, name="new"))
        db.session.add(Function(project_id=project.id, name="old", gone_at=datetime.now(UTC)))
        db.session.commit()
        counts = count_functions_by_project()[project.id]
        assert (counts.present, counts.ready) == (1, 0)


def test_an_unknown_function_is_not_found(aws: FakeAws) -> None:
    project = make_shop(aws)
    assert get_function_summary(project, "shop-cart").versions == ("3", "2", "1")
    with pytest.raises(NotFoundError, match="shop has no function nope"):
        get_function_summary(project, "nope")
