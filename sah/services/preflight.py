"""Ask AWS, before anything moves, whether a plan can be carried out.

It runs when the plan is shown, in GetFunction's faster pool, and a clean result is
good for two minutes; that the stack was at rest is good for ten seconds.
"""

import time
from collections.abc import Callable, Collection, Iterable
from functools import partial

from flask import current_app

from sah.aws.gateway import AwsGateway
from sah.domain.errors import AwsError, AwsNotFoundError, RollbackImpossibleError, StackBusyError
from sah.domain.plans import Plan, PlannedMove
from sah.domain.preflight import (
    Finding,
    Preflight,
    VersionFacts,
    describe_busy_stack,
    judge_alias,
    judge_version,
    unchecked,
)
from sah.extensions import db
from sah.services.accounts import open_gateway
from sah.services.answers import PATIENCE_S, ask_each, ask_within
from sah.services.projects import get_project
from sah.services.refresh import sync_again
from sah.services.stacks import look_at_stack
from sah.services.targets import store_gone_versions

GOOD_FOR_S = 120.0
AT_REST_FOR_S = 10.0
_SILENT = "AWS gave no answer in time."

Check = Callable[[], Finding | None]


def preflight_plan(project_id: int, plan: Plan) -> Preflight:
    """Check that every target version exists and can run, every alias is there, the stack rests.

    What AWS does not answer soon is a warning: in an incident that must not be a wall. What
    it says and the last sync did not know is stored, see ``Preflight.is_outdated``.

    :raises NotFoundError: there is no such project.
    :raises ConfigError: the account's stored secret cannot be decrypted.
    """
    project = get_project(project_id)
    stack_name, nested = project.stack_name, project.nested_stacks
    gateway = open_gateway(project.account, urgent=True)
    db.session.commit()
    busy, unknown = "", ""
    try:
        busy = _ask_whether_busy(gateway, stack_name, nested)
    except AwsError as error:
        unknown = str(error)
    findings = check_moves(gateway, plan.moves)
    preflight = Preflight(findings, busy, unknown, is_outdated=_learn(project_id, findings))
    if not preflight.problems:
        _passed().add((project_id, plan.fingerprint), at_rest=not (busy or unknown))
    return preflight


def _learn(project_id: int, findings: Iterable[Finding]) -> bool:
    """Store what AWS said and the last sync did not know; say whether there was anything."""
    found = list(findings)
    gone = [(finding.function, finding.gone) for finding in found if finding.gone]
    if gone:
        store_gone_versions(project_id, gone)
    return (any(f.moved for f in found) and sync_again(project_id)) or bool(gone)


def refuse_plan(plan: Plan, checks: Preflight, *, overridden: bool) -> None:
    """Refuse a plan that cannot be carried out as it is.

    :raises RollbackImpossibleError: an alias is missing, or a target cannot be moved to.
    :raises StackBusyError: the stack is being updated, and that was not overridden.
    """
    if plan.missing:
        raise RollbackImpossibleError(
            f"There is no alias {plan.alias} of {', '.join(plan.missing)}."
        )
    if checks.problems:
        said = " ".join(f"{name}: {text}" for name, text in checks.problems.items())
        raise RollbackImpossibleError(f"Nothing was moved. {said}")
    if checks.busy and not overridden:
        raise StackBusyError(
            checks.busy,
            "Wait for its end, or say why not to: --override-reason, or override_reason in a call.",
        )


def refuse_busy_stack(project_id: int, fingerprint: str) -> None:
    """Refuse to move while the stack is being updated, before anything is journalled.

    What AWS does not answer refuses nothing. A plan whose stack was at rest a few
    seconds ago costs no call.

    :raises NotFoundError: there is no such project.
    :raises StackBusyError: CloudFormation is at work on the stack.
    """
    if was_at_rest(project_id, fingerprint):
        return
    project = get_project(project_id)
    stack_name, nested = project.stack_name, project.nested_stacks
    try:
        gateway = open_gateway(project.account, urgent=True)
    except AwsError:
        return
    db.session.commit()
    if busy := find_busy_stack(gateway, stack_name, nested):
        raise StackBusyError(busy, "Wait for its end, or say here why to move all the same.")


def has_passed(project_id: int, fingerprint: str) -> bool:
    """Say whether this very plan was found good a moment ago."""
    return _passed().age_s((project_id, fingerprint)) < GOOD_FOR_S


def was_at_rest(project_id: int, fingerprint: str) -> bool:
    """Say whether nobody was updating the stack when this very plan was checked just now."""
    return _passed().age_s((project_id, fingerprint), at_rest=True) < AT_REST_FOR_S


def check_moves(gateway: AwsGateway, moves: Iterable[PlannedMove]) -> tuple[Finding, ...]:
    """Read every target version and every alias, side by side; what hangs only warns."""
    checks = [(move, check) for move in moves for check in _checks(gateway, move)]
    # At the pace of GetFunction, 100/s (aws-facts 1), with room for who else calls it.
    patience_s = PATIENCE_S + len(checks) / 50
    answers = ask_each([check for _, check in checks], patience_s)
    found = [
        answer.result() if answer.done() else unchecked(move.function, _SILENT)
        for (move, _), answer in zip(checks, answers, strict=True)
    ]
    return tuple(dict.fromkeys(finding for finding in found if finding is not None))


def find_busy_stack(gateway: AwsGateway, stack: str, nested: Collection[str]) -> str:
    """Say in a sentence that CloudFormation is at work on a stack; empty when it is not.

    Be it on one that is ``nested`` in it. Also empty when AWS does not answer soon.
    """
    try:
        return _ask_whether_busy(gateway, stack, nested)
    except AwsError:
        return ""


def _ask_whether_busy(gateway: AwsGateway, stack: str, nested: Collection[str]) -> str:
    try:
        seen = ask_within(PATIENCE_S, partial(look_at_stack, gateway, stack, nested))
    except AwsNotFoundError:
        return ""  # nobody is at work on what does not exist
    return describe_busy_stack(stack, seen.status)


def _checks(gateway: AwsGateway, move: PlannedMove) -> list[Check]:
    def check_alias() -> Finding | None:
        return _check_alias(gateway, move)

    def check_version(version: str) -> Check:
        return lambda: _check_version(gateway, move.function, version)

    return [check_alias, *(check_version(version) for version in move.after.traffic)]


def _check_version(gateway: AwsGateway, function: str, version: str) -> Finding | None:
    try:
        facts = gateway.get_version(function, version)
    except AwsNotFoundError:
        text = f"Version {version} does not exist (any more)."
        return Finding(function, text, blocks=True, gone=version)
    except AwsError as error:
        return unchecked(function, str(error))
    return judge_version(
        VersionFacts(
            function=function,
            version=version,
            state=facts.state,
            reason=facts.state_reason,
            reason_code=facts.state_reason_code,
            last_update_status=facts.last_update_status,
        )
    )


def _check_alias(gateway: AwsGateway, move: PlannedMove) -> Finding | None:
    try:
        serving = gateway.get_version(move.function, move.alias).version
    except AwsNotFoundError:
        text = f"The alias {move.alias} does not exist (any more)."
        return Finding(move.function, text, blocks=True, moved=True)
    except AwsError as error:
        return unchecked(move.function, str(error))
    return judge_alias(move, serving)


class _Passed:
    """The plans that were found good and when, forgotten after two minutes."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], tuple[float, bool]] = {}

    def add(self, key: tuple[int, str], *, at_rest: bool) -> None:
        now = time.monotonic()
        kept = {k: found for k, found in self._found.items() if found[0] > now - GOOD_FOR_S}
        self._found = kept | {key: (now, at_rest)}

    def age_s(self, key: tuple[int, str], *, at_rest: bool = False) -> float:
        """Say how many seconds ago; infinity for never."""
        at, rested = self._found.get(key, (float("-inf"), False))
        return time.monotonic() - at if rested or not at_rest else float("inf")


def _passed() -> _Passed:
    found: _Passed = current_app.extensions.setdefault("sah_preflights", _Passed())
    return found
