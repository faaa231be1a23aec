"""Read the functions of one stack from AWS, side by side, and no more of them than needed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from sah.aws.gateway import AwsGateway, FunctionVersion, Stack, StackContent, StackFunction
from sah.domain.aliases import LATEST, AliasState
from sah.domain.errors import AwsError, AwsNotFoundError, ConflictError
from sah.domain.triggers import Trigger
from sah.services.answers import ask_all
from sah.services.known import Known
from sah.services.seen import Reading
from sah.services.snapshots import Targets

_ending = threading.Event()


def end_readings() -> None:
    """Let readings end after the calls that they are in, with nothing to store."""
    _ending.set()


def allow_readings() -> None:
    """Take back ``end_readings``."""
    _ending.clear()


def wait_or_end(seconds: float) -> bool:
    """Wait, but no longer once readings are to end; say whether they are."""
    return _ending.wait(seconds)


def refuse_when_ending() -> None:
    """Begin nothing that asks AWS once SAH is to end: it may be AWS that does not answer.

    :raises ConflictError: SAH is being stopped.
    """
    if _ending.is_set():
        raise ConflictError("SAH is being stopped.", "The sync will be made up for.")


class Depth(StrEnum):
    """How much of a stack is read: its aliases, what a plan is made of, or everything."""

    ALIASES = "aliases"
    PLAN = "plan"
    ALL = "all"


# A function, and how to read it.
Task = tuple[StackFunction, Callable[[], Reading]]


@dataclass
class Reader:
    """Reads functions through one gateway; the event source mappings only once, if at all.

    ``alias`` is the project's. ``targets`` are the versions that a rollback may go to, by
    function.
    """

    gateway: AwsGateway
    alias: str
    targets: Targets = field(default_factory=dict)
    mappings_error: str = ""
    _mappings: dict[str, list[Trigger]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def mappings_of(self, function: str) -> list[Trigger] | None:
        """Give a function's mappings, None when AWS does not tell."""
        with self._lock:
            if self._mappings is None and not self.mappings_error:
                self._load_mappings()
            return None if self._mappings is None else self._mappings.get(function, [])

    def _load_mappings(self) -> None:
        try:
            triggers = self.gateway.list_mapping_triggers()
        except AwsError as error:
            self.mappings_error = str(error)
            return
        self._mappings = {}
        for trigger in triggers:
            self._mappings.setdefault(trigger.function, []).append(trigger)

    def plan_all(self, content: StackContent) -> list[Task]:
        """Plan to read everything about every function of a stack."""
        return [(function, partial(self.read_all, function)) for function in content.functions]

    def plan_changes(self, content: StackContent, known: list[Known], stack: Stack) -> list[Task]:
        """Plan to read what a plan is made of, after a deploy; see ``read_changes``."""
        by_name = {one.function.name: one for one in known if not one.failed}

        def plan(function: StackFunction) -> Callable[[], Reading]:
            one = by_name.get(function.name)
            if one is None:
                return partial(self.read_all, function)
            if _may_hide_a_change(function, one, stack):
                one = replace(one, live="")
            return partial(self.read_changes, function, one)

        return [(function, plan(function)) for function in content.functions]

    def plan_news(self, known: list[Known]) -> list[Task]:
        """Plan to read what may change without the stack changing."""
        return [(one.function, partial(self.read_news, one)) for one in known]

    def read_all(self, function: StackFunction) -> Reading:
        """Read everything about a function."""
        aliases = self.gateway.list_aliases(function.name)
        return Reading(
            function,
            aliases,
            self._read_versions(function.name),
            [
                trigger
                for qualifier in ("", *(alias.name for alias in aliases))
                for trigger in self.gateway.list_policy_triggers(function.name, qualifier)
            ],
            self.mappings_of(function.name),
        )

    def _read_versions(self, function: str) -> list[FunctionVersion]:
        """List a function's versions; only GetFunction tells the state of one (aws-facts 10)."""
        wanted = self.targets.get(function, frozenset())
        return [
            self._look_closely(version) if version.version in wanted else version
            for version in self.gateway.list_versions(function)
        ]

    def _look_closely(self, version: FunctionVersion) -> FunctionVersion:
        try:
            return self.gateway.get_version(version.function, version.version)
        except AwsError:
            return version  # what the list said is known all the same

    def read_changes(self, function: StackFunction, known: Known) -> Reading:
        """Read where a function's aliases lead since a deploy, and the versions that are new.

        GetFunction says in its faster pool whether the project's alias still serves what it
        served (aws-facts 1). Then its weights and ``RevisionId`` are others only if somebody
        changed them by hand, see ``_may_hide_a_change``; an operation looks at an alias before
        it moves one with another ``RevisionId``.
        """
        served = self._find_served(function.name) if known.live else None
        if served is not None and served.version == known.live:
            aliases, wanted = None, {known.live}
        else:
            aliases = self.gateway.list_aliases(function.name)
            wanted = _routed_versions(aliases)
        if function.published_version:
            wanted.add(function.published_version)
        new = sorted(wanted - known.versions, key=int)
        try:
            versions = self._read_new_versions(function.name, known.newest, new, served)
        except AwsNotFoundError:
            versions = None  # one was deleted, or the function: the list tells which
        if versions is None:
            return Reading(function, aliases, self._read_versions(function.name))
        return Reading(function, aliases, new_versions=versions)

    def _find_served(self, function: str) -> FunctionVersion | None:
        try:
            return self.gateway.get_version(function, self.alias)
        except AwsNotFoundError:
            return None  # the alias or the function: a list of aliases tells which

    def _read_new_versions(
        self, function: str, newest: int, new: list[str], served: FunctionVersion | None
    ) -> list[FunctionVersion] | None:
        """Read new versions one by one; None when others were published between them."""
        if [int(version) for version in new] != [*range(newest + 1, newest + 1 + len(new))]:
            return None
        return [
            served
            if served is not None and served.version == version
            else self.gateway.get_version(function, version)
            for version in new
        ]

    def read_news(self, known: Known) -> Reading:
        """Read a function's aliases, and the rest only if they lead to something new."""
        if known.failed:
            return self.read_all(known.function)
        aliases = self.gateway.list_aliases(known.function.name)
        if _routed_versions(aliases) <= known.versions:
            return Reading(known.function, aliases)
        return Reading(known.function, aliases, self.gateway.list_versions(known.function.name))


def read_each(tasks: list[Task], refuse: Callable[[], None]) -> list[Reading]:
    """Read many functions side by side; one that fails carries its error and stops no other.

    ``refuse`` raises before a function when the reading is to end.

    :raises ConflictError: SAH is being stopped, or what ``refuse`` raises.
    """

    def guarded(task: Task) -> Reading:
        function, read = task
        refuse_when_ending()
        refuse()
        try:
            return read()
        except AwsNotFoundError:
            return Reading(function, gone=True)
        except AwsError as error:
            return Reading(function, error=str(error))

    return ask_all(partial(guarded, task) for task in tasks)


def _may_hide_a_change(function: StackFunction, known: Known, stack: Stack) -> bool:
    """Say whether an alias may be another although it serves the version that it served.

    A deploy that is rolled back moves it away and back, which changes its ``RevisionId``. One
    that published a version may send that a part of the traffic first, or for as long as
    CloudFormation is at work.
    """
    if stack.was_rolled_back:
        return True
    is_new = stack.in_progress or function.published_version != known.function.published_version
    return is_new and function.published_version != known.live


def _routed_versions(aliases: list[AliasState]) -> set[str]:
    """Collect the published versions that aliases lead to: ``$LATEST`` is none."""
    return {version for alias in aliases for version in alias.routing.shares} - {LATEST}
