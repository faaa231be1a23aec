"""From a deployment that has just finished to the plan of its rollback, and what disturbs that."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sah.aws.gateway import AccessKind
from sah.config import load_settings
from sah.domain.errors import BusyError
from sah.domain.operations import OperationStatus
from sah.factory import create_app
from sah.services.accounts import AccountDetails, add_account, open_gateway
from sah.services.history import get_operation
from sah.services.operations import run_operation, start_operation
from sah.services.preflight import preflight_plan
from sah.services.projects import ProjectDetails, add_project, get_project
from sah.services.refresh import sync_if_changed
from sah.services.rollback import look_and_plan_rollback, request_rollback
from sah.services.sync import SyncReport, sync_project
from tests.aws.world import KEY_ID, REGION, SECRET
from tests.bench.measured import Measured
from tests.bench.operations import FULL_AGAIN_S, LATENCY_MS, MOST_RATIO
from tests.bench.world import ALIAS, Aws

SIZES = (12, 60, 200)
FEW = 5
LISTS_PER_S = 15
# CloudFormation is asked besides, and these are single runs on a machine that may be busy.
MOST_PLAN_RATIO = 1.35
MOST_FEW_SHARE = 0.5
# So long after its start a sync is in the midst of its functions.
AMIDST_S = 2.0


def measure_syncs(aws: Aws, folder: Path) -> list[Measured]:
    """Deploy stacks of several sizes, and look at what is live as a page does."""
    results: list[Measured] = []
    for size in SIZES:
        shop = _Shop(aws, folder / str(size), size)
        results += shop.measure_deploys()
    return [*results, shop.measure_interrupted(), shop.measure_operation()]


@dataclass
class _Shop:
    """A project of so many functions, on an app of its own."""

    aws: Aws
    folder: Path
    size: int

    def __post_init__(self) -> None:
        self.name = f"shop{self.size}"
        self._rush()
        self.aws.add_stack(self.name, self.size)
        self.folder.mkdir()
        settings = replace(load_settings(self.folder, {}), log_level="error")
        self.app = create_app(settings, connections=self.aws.connections(pools=False))
        with self.app.app_context():
            access = AccountDetails(
                self.name, REGION, AccessKind.ACCESS_KEY, "", "", KEY_ID, SECRET, self.aws.url
            )
            account = add_account(access)
            project = add_project(ProjectDetails(self.name, account.id, self.name, ALIAS))
            self.project_id = project.id
            assert sync_project(self.project_id).worked

    @property
    def bound_s(self) -> float:
        """What one call a function takes in the pool of 15 a second."""
        return max(0.0, (self.size - LISTS_PER_S) / LISTS_PER_S)

    def measure_deploys(self) -> list[Measured]:
        """Deploy all functions, then a few of them."""
        taken, calls = self._deploy_and_look(self.size)
        few, few_calls = self._deploy_and_look(FEW)
        ratio = taken / self.bound_s if self.bound_s else None
        of_bound = f" = {ratio:.3f} times the pools' {self.bound_s:.2f} s" if ratio else ""
        return [
            Measured(
                f"{self.size} functions deployed, seen",
                f"{taken:.2f} s{of_bound}, {calls}",
                f"≤ {MOST_PLAN_RATIO:.2f} times" if ratio else "",
                ratio <= MOST_PLAN_RATIO if ratio else None,
            ),
            Measured(
                f"{FEW} of {self.size} deployed, seen",
                f"{few:.2f} s, {few_calls}",
                f"≤ {MOST_FEW_SHARE:.1f} of that" if ratio else "",
                few <= MOST_FEW_SHARE * taken if ratio else None,
            ),
        ]

    def measure_interrupted(self) -> Measured:
        """Look at a deploy that ended while the job reads everything."""
        with self._in_pace(), self._busy(lambda: self._deploy(self.size)):
            taken = self._time(lambda: sync_if_changed(self.project_id))
        bound_s = self.size / LISTS_PER_S  # the sync has used up what was saved for a burst
        ratio = taken / bound_s
        return Measured(
            f"{self.size} deployed during a sync, seen",
            f"{taken:.2f} s = {ratio:.3f} times the pools' {bound_s:.2f} s",
            f"≤ {MOST_PLAN_RATIO:.2f} times",
            ratio <= MOST_PLAN_RATIO,
        )

    def measure_operation(self) -> Measured:
        """Roll back while the job reads everything."""
        with self._in_pace():
            planned = look_and_plan_rollback(self.project_id)
            preflight_plan(self.project_id, planned.plan)
            wanted = request_rollback(planned, reason="bad deploy", requested_by="ada@example.org")
            time.sleep(FULL_AGAIN_S)
            with self._busy():
                begun = time.perf_counter()
                operation_id = start_operation(wanted).id
                run_operation(operation_id)
                for thread in threading.enumerate():
                    if thread.name == f"operation-{operation_id}":
                        thread.join()
                taken = time.perf_counter() - begun
        with self.app.app_context():
            assert get_operation(operation_id).status == OperationStatus.SUCCEEDED
        ratio = taken / self.bound_s
        return Measured(
            f"{self.size} rolled back during a sync",
            f"{taken:.2f} s = {ratio:.3f} times the pools' {self.bound_s:.2f} s",
            f"≤ {MOST_RATIO:.2f} times",
            ratio <= MOST_RATIO,
        )

    def _deploy_and_look(self, changed: int) -> tuple[float, str]:
        """Give the seconds until a plan can be made, and the calls to Lambda."""
        self._rush()
        self._deploy(changed)
        with self._in_pace():
            taken = self._time(lambda: sync_if_changed(self.project_id))
            counts = self.aws.take_counts()
            moves = look_and_plan_rollback(self.project_id).plan.moves
        assert len(moves) == changed, moves
        lists = counts.pop("ListAliases")
        looks = counts.pop("GetFunction")
        others = [name for name in counts if "Stack" not in name]
        assert not others, others
        return taken, f"{lists} ListAliases + {looks} GetFunction"

    def _deploy(self, changed: int) -> None:
        self.aws.deploy(self.name, changed)

    def _rush(self) -> None:
        self.aws.set_knobs(latency_ms=0, rate_limits=False)

    def _time(self, act: Callable[[], None]) -> float:
        begun = time.perf_counter()
        act()
        return time.perf_counter() - begun

    @contextmanager
    def _in_pace(self) -> Iterator[None]:
        """Be in the app, with AWS's rates and latency; the first connections do not count."""
        self.app.extensions["sah_connections"] = self.aws.connections(pools=True)
        with self.app.app_context():
            account = get_project(self.project_id).account
            for urgent in (False, True):
                open_gateway(account, urgent=urgent).get_identity()
            self.aws.set_knobs(latency_ms=LATENCY_MS, rate_limits=True)
            yield

    @contextmanager
    def _busy(self, act: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Be amidst a sync that reads everything, ``act`` having come after its start."""

        def work() -> SyncReport | None:
            with self.app.app_context():
                try:
                    return sync_project(self.project_id, force_full=True)
                except BusyError:
                    return None

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(AMIDST_S)
        assert thread.is_alive()
        act()
        yield
        thread.join()
