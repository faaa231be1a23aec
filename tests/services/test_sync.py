import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.aws.gateway import AccountAccess
from sah.domain.errors import (
    AwsAccessDeniedError,
    AwsServerError,
    AwsUnreachableError,
    BusyError,
    ConflictError,
    NotFoundError,
)
from sah.domain.operations import OnFailure, OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Function, Operation, Project
from sah.services import sync as sync_module
from sah.services.functions import FunctionSummary, list_summaries_by_project
from sah.services.locks import claim_project
from sah.services.projects import (
    ProjectDetails,
    ProjectState,
    delete_project,
    get_project,
    get_project_summary,
    update_project,
)
from sah.services.refresh import sync_if_changed
from sah.services.sync import (
    SyncReport,
    allow_syncs,
    end_syncs,
    sync_all,
    sync_project,
)
from tests.events import captured_events
from tests.factories import make_account, make_project, make_shop
from tests.fakes import Call, FakeAws, FakeConnections

pytestmark = pytest.mark.usefixtures("context")

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:placed"
CART = "shop-cart"
DENIED = AwsAccessDeniedError("The permission is missing.")
BROKEN = AwsServerError("AWS failed.")


def resync(project: Project, *, full: bool = False) -> SyncReport:
    return sync_project(project.id, force_full=full)


def functions(project: Project) -> dict[str, FunctionSummary]:
    found = list_summaries_by_project([get_project(project.id)])[project.id]
    return {summary.function.name: summary for summary in found}


def live(project: Project, name: str = CART) -> str:
    state = functions(project)[name].live
    assert state is not None
    return str(state.routing)


def at_call(aws: FakeAws, name: str, act: Callable[[], object]) -> None:
    """Do something once, in the middle of a sync, as another process would."""
    done = threading.Event()

    def hook(call: Call) -> None:
        if call.name == name and not done.is_set():
            done.set()
            act()

    aws.hook = hook


def elsewhere(app: Flask, act: Callable[[], object]) -> None:
    """Do something in a thread and session of its own."""

    def run() -> None:
        with app.app_context():
            act()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def add_operation(project: Project, status: OperationStatus, *, finished: bool = False) -> None:
    db.session.add(
        Operation(
            project_id=project.id,
            project_name=project.name,
            stack_name=project.stack_name,
            alias=project.alias,
            kind=OperationKind.SWITCH,
            status=status,
            on_failure=OnFailure.PUT_BACK,
            reason="r",
            fingerprint="f",
            requested_by="kim@example.com",
            finished_at=datetime.now(UTC) if finished else None,
        )
    )
    db.session.commit()


class TestFirstSync:
    def test_everything_is_read_and_matched_by_name(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {"shop-a": 2, "shop-b": 3, "shop-helper": 0})
        aws.set_alias("shop-b", "ACTIVE", "2", ("3", 0.25))
        aws.add_policy("shop-a", "ACTIVE", source=TOPIC)
        aws.add_policy("shop-a")
        aws.add_mapping("shop-b", "ACTIVE", QUEUE)
        project = make_project(make_account(), "shop")
        seen = functions(project)
        assert list(seen) == ["shop-a", "shop-b", "shop-helper"]
        assert seen["shop-a"].versions == ("2", "1")
        assert [(t.kind, t.qualifier) for t in seen["shop-a"].triggers] == [
            ("SNS", ""),
            ("SNS", "ACTIVE"),
        ]
        assert [(t.kind, t.source, t.qualifier) for t in seen["shop-b"].triggers] == [
            ("SQS", QUEUE, "ACTIVE")
        ]
        assert seen["shop-b"].live is not None
        assert seen["shop-b"].live.routing.shares == {"2": 0.75, "3": 0.25}
        assert seen["shop-helper"].live is None
        assert get_project_summary(project.id).state == ProjectState.PARTLY_READY

    def test_the_calls_are_counted(self, aws: FakeAws) -> None:
        make_shop(aws)
        calls = {call.name for call in aws.calls}
        assert {name: aws.count(name) for name in calls} == {
            "DescribeStacks": 2,  # the second makes sure that no deploy began meanwhile
            "ListStackResources": 1,
            "ListEventSourceMappings": 1,
            "ListAliases": 3,
            "ListVersionsByFunction": 3,
            "GetPolicy": 6,
        }

    def test_a_large_stack_is_read_whole(self, aws: FakeAws) -> None:
        names = {f"shop-{number:02}": 2 for number in range(69)}
        project = make_shop(aws, names | {"shop-old": 120})
        seen = functions(project)
        assert len(seen) == 70
        assert seen["shop-old"].versions == tuple(str(n) for n in range(120, 0, -1))

    def test_one_gateway_is_opened(self, aws: FakeAws, connections: FakeConnections) -> None:
        make_shop(aws)
        assert len(connections.opened) == 1
        assert connections.opened[0][1] is False


class TestLightSync:
    def test_an_unchanged_stack_costs_a_call_a_function(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.calls.clear()
        report = resync(project)
        assert (report.full, report.functions, report.worked) == (False, 3, True)
        assert sorted(set(aws.calls)) == sorted(aws.calls)
        assert {c.name for c in aws.calls} == {"DescribeStacks", "ListAliases"}
        assert aws.count("ListAliases") == 3

    def test_a_move_made_elsewhere_is_seen(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.set_alias(CART, "ACTIVE", "1")
        resync(project)
        assert live(project) == "1"

    def test_an_alias_on_an_unknown_version_has_its_versions_read(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.set_alias(CART, "ACTIVE", aws.publish(CART))
        aws.calls.clear()
        assert resync(project).full is False
        assert functions(project)[CART].versions == ("4", "3", "2", "1")
        assert aws.count("ListVersionsByFunction") == 1

    def test_a_deleted_alias_is_gone(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.delete_alias(CART, "ACTIVE")
        resync(project)
        assert functions(project)[CART].live is None

    def test_force_reads_everything(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.publish(CART)
        assert resync(project, full=True).full
        assert functions(project)[CART].versions[0] == "4"


class TestFullSync:
    def test_a_deployment_is_read_fully_once(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.deploy("shop", [CART])
        assert [resync(project).full, resync(project).full] == [True, False]
        assert live(project) == "4"
        assert functions(project)[CART].function.published_version == "4"
        assert functions(project)["shop-search"].versions == ("3", "2", "1")

    def test_a_stack_in_progress_is_read_fully_when_it_is_over(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
        assert [resync(project).full, resync(project).full] == [False, False]
        aws.set_stack_status("shop", "UPDATE_ROLLBACK_FAILED")
        assert [resync(project).full, resync(project).full] == [True, False]
        assert get_project(project.id).stack_status == "UPDATE_ROLLBACK_FAILED"

    def test_a_deleted_version_is_forgotten(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.delete_version(CART, "1")
        aws.deploy("shop", [])
        resync(project)
        assert functions(project)[CART].versions == ("3", "2")

    def test_triggers_come_and_go(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.add_mapping(CART, "ACTIVE", QUEUE, enabled=False)
        resync(project, full=True)
        (trigger,) = functions(project)[CART].triggers
        assert (trigger.kind, trigger.enabled) == ("SQS", False)
        aws._mappings.clear()
        resync(project, full=True)
        assert functions(project)[CART].triggers == ()


class TestNestedStacks:
    """A nested stack that is deployed alone leaves the time of its root as it was."""

    @pytest.fixture
    def nesting(self, aws: FakeAws) -> Project:
        aws.add_stack("shop", {CART: 1})
        aws.add_stack("shop-inner", {"shop-pay": 1}, parent="shop")
        aws.add_stack("shop-innermost", {"shop-hook": 1}, parent="shop-inner")
        return make_project(make_account(), "shop")

    def test_they_are_looked_at_besides_their_root(self, aws: FakeAws, nesting: Project) -> None:
        assert len(nesting.nested_stacks) == 2
        aws.calls.clear()
        assert resync(nesting).full is False
        assert aws.count("DescribeStacks") == 3
        assert aws.count("ListAliases") == len(aws.calls) - 3 == 3

    @pytest.mark.parametrize("stack", ["shop-inner", "shop-innermost"])
    def test_a_change_of_one_alone_is_read(
        self, aws: FakeAws, nesting: Project, stack: str
    ) -> None:
        function = {"shop-inner": "shop-pay", "shop-innermost": "shop-hook"}[stack]
        db.session.remove()
        aws.deploy(stack)
        changed_at = aws.get_stack(stack).changed_at
        assert [resync(nesting).full, resync(nesting).full] == [True, False]
        assert functions(nesting)[function].function.published_version == "2"
        assert get_project(nesting.id).stack_changed_at == changed_at

    def test_one_that_is_worked_on_is_listed_each_time(
        self, aws: FakeAws, nesting: Project
    ) -> None:
        aws.set_stack_status("shop-inner", "UPDATE_IN_PROGRESS")
        aws.calls.clear()
        assert [resync(nesting).full, resync(nesting).full] == [False, False]
        assert aws.count("ListStackResources") == 2
        assert get_project(nesting.id).stack_status == "UPDATE_IN_PROGRESS"

    def test_a_plan_is_made_of_what_it_deployed(self, aws: FakeAws, nesting: Project) -> None:
        aws.deploy("shop-inner")
        sync_if_changed(nesting.id)
        assert live(nesting, "shop-pay") == "2"

    def test_a_new_one_is_looked_at_before_it_is_read(self, aws: FakeAws, nesting: Project) -> None:
        aws.add_stack("shop-new", {"shop-bill": 1}, parent="shop")
        aws.set_stack_status("shop", "UPDATE_COMPLETE")
        aws.calls.clear()

        def deploy_it() -> None:
            aws.hook = None
            aws.deploy("shop-new")

        at_call(aws, "ListStackResources", deploy_it)
        sync_project(nesting.id, leave_rest=True)
        assert functions(nesting)["shop-bill"].function.published_version == "2"
        assert aws.count("ListStackResources") == 2
        assert [resync(nesting).full, resync(nesting).full] == [True, False]

    def test_one_deleted_by_hand_takes_its_functions_along(
        self, aws: FakeAws, nesting: Project
    ) -> None:
        aws.deploy("shop-innermost")
        resync(nesting)
        aws.delete_stack("shop-innermost")
        for _ in range(2):
            assert resync(nesting).worked
        assert functions(nesting)["shop-hook"].function.gone_at is not None
        assert functions(nesting)["shop-pay"].function.gone_at is None

    def test_one_that_may_not_be_described_is_told(self, aws: FakeAws, nesting: Project) -> None:
        aws.fail("DescribeStacks", DENIED, subject=nesting.nested_stacks[0])
        assert resync(nesting).error == str(DENIED)


class TestGone:
    def test_a_removed_function_is_gone_and_keeps_its_versions(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.remove_function("shop", CART)
        assert resync(project).worked
        seen = functions(project)[CART]
        assert seen.function.gone_at is not None
        assert seen.versions == ("3", "2", "1")
        assert get_project_summary(project.id).function_count == 2

    def test_a_function_that_comes_back_is_there_again(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.remove_function("shop", CART)
        resync(project)
        aws.add_to_stack("shop", CART)
        aws.set_stack_status("shop", "UPDATE_COMPLETE")
        resync(project)
        seen = functions(project)[CART]
        assert (seen.function.gone_at, seen.versions) == (None, ("4",))

    def test_a_function_deleted_by_hand_is_gone_not_an_error(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.delete_function(CART)
        report = resync(project)
        assert (report.worked, report.functions) == (True, 2)
        function = functions(project)[CART].function
        assert function.sync_error == ""
        first_gone = function.gone_at
        assert first_gone is not None
        resync(project, full=True)
        assert functions(project)[CART].function.gone_at == first_gone

    def test_a_deleted_stack_is_gone_with_its_functions(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.delete_stack("shop")
        assert resync(project).worked
        summary = get_project_summary(project.id)
        assert summary.state == ProjectState.GONE
        assert (summary.function_count, len(summary.functions)) == (0, 3)
        gone_at = get_project(project.id).gone_at
        resync(project)
        assert get_project(project.id).gone_at == gone_at

    def test_a_stack_made_anew_is_read_fully(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.delete_stack("shop")
        resync(project)
        aws.add_stack("shop", {CART: 2})
        assert resync(project).full
        summary = get_project_summary(project.id)
        assert summary.project.gone_at is None
        assert summary.function_count == 1


class TestFailures:
    def test_a_failing_function_stops_no_other(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {CART: 2, "shop-search": 2})
        aws.fail("ListVersionsByFunction", DENIED, subject=CART)
        project = make_project(make_account(), "shop", synced=False)
        report = resync(project)
        assert (report.failed, report.worked) == ((CART,), False)
        seen = functions(project)
        assert seen[CART].function.sync_error == str(DENIED)
        assert seen["shop-search"].readiness.ready

    def test_only_what_failed_is_read_again(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {CART: 2, "shop-search": 2})
        aws.fail("GetPolicy", BROKEN, subject=CART)
        project = make_project(make_account(), "shop")
        aws.calls.clear()
        report = resync(project)
        assert (report.full, report.worked) == (False, True)
        assert aws.count("ListVersionsByFunction") == 1
        assert aws.count("ListAliases") == 2
        assert functions(project)[CART].function.sync_error == ""
        assert functions(project)[CART].readiness.ready

    def test_when_every_function_fails_the_sync_did_not_work(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        worked_at = get_project(project.id).synced_at
        aws.fail("ListAliases", BROKEN, times=3)
        assert not resync(project).worked
        summary = get_project_summary(project.id)
        assert summary.state == ProjectState.SYNC_FAILED
        assert summary.project.synced_at == worked_at
        assert summary.project.sync_error.startswith("None of the functions could be read.")
        assert resync(project).worked

    def test_what_was_known_of_a_failing_function_stays(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.fail("ListAliases", BROKEN, subject=CART)
        assert resync(project).failed == (CART,)
        assert live(project) == "3"

    def test_a_failing_stack_keeps_what_was_known(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        synced_at = get_project(project.id).synced_at
        aws.fail("DescribeStacks", AwsUnreachableError("No answer."))
        report = resync(project)
        assert (report.error, report.worked) == ("No answer.", False)
        project = get_project(project.id)
        assert (project.sync_error, project.synced_at) == ("No answer.", synced_at)
        assert project.sync_tried_at is not None
        assert project.sync_tried_at > synced_at  # type: ignore[operator]
        aws.calls.clear()
        assert resync(project).full is False
        assert get_project(project.id).sync_error == ""

    def test_unreadable_mappings_leave_the_rest_and_are_tried_again(self, aws: FakeAws) -> None:
        aws.add_stack("shop", {CART: 2})
        aws.add_mapping(CART, "ACTIVE", QUEUE)
        aws.fail("ListEventSourceMappings", DENIED, times=2)
        project = make_project(make_account(), "shop", synced=False)
        reports = [resync(project) for _ in range(4)]
        assert [r.full for r in reports] == [True, False, True, False]
        assert ["Event source mappings could not be read" in r.error for r in reports] == [
            True,
            True,
            False,
            False,
        ]
        assert aws.count("ListEventSourceMappings") == 3
        assert [t.kind for t in functions(project)[CART].triggers] == ["SQS"]

    def test_one_project_or_account_stops_no_other(
        self, aws: FakeAws, connections: FakeConnections
    ) -> None:
        aws.hook = None  # other threads use the database meanwhile
        broken, healthy = make_account("broken", "us-east-1"), make_account("healthy")
        connections.regions["us-east-1"] = other = FakeAws(region="us-east-1")
        other.fail("DescribeStacks", AwsUnreachableError("No answer."), times=9)
        for stack in ("a", "b", "c"):
            aws.add_stack(stack, {f"{stack}-f": 2})
            make_project(healthy, stack, synced=False)
        make_project(broken, "z", synced=False)
        aws.fail("ListStackResources", BROKEN, subject="b")
        reports = {report.project: report.worked for report in sync_all()}
        assert reports == {"a": True, "b": False, "c": True, "z": False}

    def test_a_crash_is_told_and_stops_no_other(
        self, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = make_account()
        for stack in ("a", "b"):
            aws.add_stack(stack, {f"{stack}-f": 2})
            make_project(account, stack, synced=False)
        inner = aws.get_stack
        monkeypatch.setattr(aws, "get_stack", lambda name: 1 // 0 if name == "a" else inner(name))
        with captured_events() as events:
            reports = {report.project: report for report in sync_all()}
        assert [e["exc_info"] for e in events if e["event"] == "sync.crashed"] == [True]
        assert "unexpected" in reports["a"].error
        assert reports["b"].worked
        stored = db.session.scalar(sa.select(Project.sync_error).where(Project.name == "a"))
        assert stored is not None
        assert "unexpected" in stored

    def test_a_crash_is_in_the_log_though_nobody_waits(
        self, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = make_shop(aws)
        monkeypatch.setattr(aws, "get_stack", lambda _: 1 // 0)
        with captured_events() as events, pytest.raises(ZeroDivisionError):
            sync_project(project.id)
        assert [e["event"] for e in events if e.get("exc_info")] == ["sync.crashed"]

    def test_a_secret_that_cannot_be_decrypted_is_told(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        project.account.encrypted_secret = "nonsense"
        db.session.commit()
        assert "SAH_ENCRYPTION_KEYS" in resync(project).error


class TestMeanwhile:
    def test_a_project_is_not_synced_twice_at_once(self, app: Flask, aws: FakeAws) -> None:
        project = make_shop(aws)
        refused = []

        def second() -> None:
            with pytest.raises(BusyError):
                sync_project(project.id)
            refused.append(True)

        at_call(aws, "DescribeStacks", lambda: elsewhere(app, second))
        assert resync(project).worked
        assert refused == [True]

    def test_a_patient_sync_waits_for_the_other(self, app: Flask, aws: FakeAws) -> None:
        project = make_shop(aws)
        started, waiting = threading.Event(), []

        def second() -> None:
            with app.app_context():
                started.set()
                waiting.append(sync_project(project.id, patience_s=60))

        thread = threading.Thread(target=second)

        def begin() -> None:
            thread.start()
            started.wait(60)

        at_call(aws, "ListAliases", begin)
        assert resync(project).worked
        thread.join(60)
        assert waiting[0].worked

    def test_a_plan_that_waited_for_a_sync_reads_nothing_again(
        self, app: Flask, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = make_shop(aws)
        aws.deploy("shop")
        aws.calls.clear()

        def wait_for_turn(project_id: int, patience_s: float) -> AbstractContextManager[bool]:
            monkeypatch.undo()
            elsewhere(app, lambda: sync_project(project_id))
            return claim_project(project_id, patience_s)

        monkeypatch.setattr(sync_module, "claim_project", wait_for_turn)
        sync_if_changed(project.id)
        assert aws.count("ListAliases") == len(functions(project))
        assert live(project) == "4"

    def test_all_leaves_out_an_account_that_is_not_over(self, app: Flask, aws: FakeAws) -> None:
        make_shop(aws)
        second: list[SyncReport] = []
        at_call(aws, "DescribeStacks", lambda: elsewhere(app, lambda: second.extend(sync_all())))
        assert [report.worked for report in sync_all()] == [True]
        assert [bool(report.skipped) for report in second] == [True]

    def test_a_project_deleted_meanwhile_leaves_nothing(self, app: Flask, aws: FakeAws) -> None:
        project = make_shop(aws)
        aws.deploy("shop")
        at_call(aws, "ListAliases", lambda: elsewhere(app, lambda: delete_project(project.id)))
        with pytest.raises(NotFoundError):
            resync(project)
        assert db.session.scalar(sa.select(sa.func.count(Function.id))) == 0

    def test_a_project_given_another_stack_discards_the_old_one(
        self, app: Flask, aws: FakeAws
    ) -> None:
        project = make_shop(aws)
        aws.add_stack("other", {"other-f": 1})
        details = ProjectDetails("shop", project.account_id, "other", "ACTIVE")
        at_call(
            aws,
            "ListAliases",
            lambda: elsewhere(app, lambda: update_project(project.id, details, 1)),
        )
        with pytest.raises(ConflictError, match="another stack"):
            resync(project)
        db.session.expire_all()
        assert get_project(project.id).synced_at is None
        resync(project)
        assert list(functions(project)) == ["other-f"]

    def test_a_renamed_project_keeps_its_new_name(self, app: Flask, aws: FakeAws) -> None:
        project = make_shop(aws)
        details = ProjectDetails("renamed", project.account_id, "shop", "ACTIVE")
        at_call(
            aws,
            "ListAliases",
            lambda: elsewhere(app, lambda: update_project(project.id, details, 1)),
        )
        assert resync(project).worked
        assert get_project(project.id).name == "renamed"

    def test_a_moving_project_is_left_alone(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        add_operation(project, OperationStatus.RUNNING)
        aws.calls.clear()
        with pytest.raises(BusyError, match=r"kim@example\.com is moving"):
            resync(project)
        assert [bool(report.skipped) for report in sync_all()] == [True]
        assert aws.calls == []

    def test_what_an_operation_stored_is_not_overwritten(self, app: Flask, aws: FakeAws) -> None:
        project = make_shop(aws)

        def operate() -> None:
            mine = get_project(project.id)
            (row,) = functions(mine)[CART].function.aliases
            row.version = "1"
            db.session.commit()
            add_operation(mine, OperationStatus.SUCCEEDED, finished=True)

        at_call(aws, "ListAliases", lambda: elsewhere(app, operate))
        assert resync(project).worked
        assert live(project) == "1"

    def test_a_stop_stores_nothing_and_is_no_failure(self, aws: FakeAws) -> None:
        project = make_shop(aws)
        at_call(aws, "DescribeStacks", end_syncs)
        try:
            with pytest.raises(ConflictError, match="being stopped"):
                resync(project)
        finally:
            allow_syncs()
        assert get_project(project.id).sync_error == ""
        assert resync(project).worked

    def test_a_stop_begins_no_other_project(self, aws: FakeAws) -> None:
        account = make_account()
        for name in ("first", "second"):
            aws.add_stack(name, {f"{name}-f": 1})
            make_project(account, name, synced=False)
        aws.calls.clear()
        at_call(aws, "DescribeStacks", end_syncs)
        try:
            assert [bool(report.skipped) for report in sync_all()] == [True, True]
        finally:
            allow_syncs()
        assert aws.count("DescribeStacks") == 1

    def test_syncs_of_many_projects_at_once_write_side_by_side(
        self, app: Flask, aws: FakeAws
    ) -> None:
        account = make_account()
        projects = []
        for number in range(12):
            aws.add_stack(f"s{number}", {f"s{number}-f{n}": 3 for n in range(5)})
            projects.append(make_project(account, f"s{number}", synced=False).id)

        def run(project_id: int) -> bool:
            with app.app_context():
                return sync_project(project_id).worked

        aws.hook = None  # other threads use the database meanwhile
        with ThreadPoolExecutor(12) as pool:
            assert list(pool.map(run, projects)) == [True] * 12
        assert db.session.scalar(sa.select(sa.func.count(Function.id))) == 60


def test_the_gateway_gets_the_accounts_access(aws: FakeAws, connections: FakeConnections) -> None:
    make_shop(aws)
    ((access, _urgent),) = connections.opened
    assert isinstance(access, AccountAccess)
    assert sync_module.log is not None
