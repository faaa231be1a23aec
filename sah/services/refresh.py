"""Have a plan show what is live by now: a sync that somebody waits for, and not for long."""

from functools import partial

import structlog
from flask import current_app

from sah.aws.gateway import Stack
from sah.domain.errors import AwsError, ConfigError, ConflictError
from sah.extensions import db
from sah.services.accounts import open_gateway
from sah.services.answers import PATIENCE_S, ask_within
from sah.services.projects import get_project
from sah.services.seen import shows_stack
from sah.services.stacks import look_at_stack
from sah.services.sync import Wish, read_project_anew, sync_as_wished

log = structlog.get_logger(__name__)

# How long a plan waits to be made again: for 200 functions GetFunction takes two seconds, and
# fifteen aliases that moved one more (aws-facts 1).
_AGAIN_S = 8.0


def sync_if_changed(project_id: int, *, patience_s: float = 20.0) -> None:
    """Sync a project whose stack changed since the last sync, so that a plan shows what is live.

    The deployment that is to be rolled back is often only seconds old. Asking costs
    one call a stack, and none of Lambda's pools. When AWS does not answer soon, or the
    sync takes longer than ``patience_s`` seconds, what is known has to do: an alias that
    moved since is refused by its ``RevisionId`` (aws-facts 4).

    :raises NotFoundError: there is no such project.
    """
    project = get_project(project_id)
    name, stack_name, nested = project.name, project.stack_name, project.nested_stacks
    try:
        gateway = open_gateway(project.account)
        db.session.commit()
        stack = ask_within(PATIENCE_S, partial(look_at_stack, gateway, stack_name, nested))
        if not shows_stack(read_project_anew(project_id), stack):
            _sync_within(project_id, _wish_for_plan(patience_s, stack))
    except (AwsError, ConfigError, ConflictError) as error:
        log.warning("sync.not_refreshed", project=name, error=str(error))


def sync_again(project_id: int) -> bool:
    """Read anew what a plan is made of, as an alias was seen elsewhere; say if that worked soon."""
    try:
        _sync_within(project_id, _wish_for_plan(_AGAIN_S))
    except (AwsError, ConfigError, ConflictError) as error:
        log.warning("sync.not_refreshed", project_id=project_id, error=str(error))
        return False
    return True


def _wish_for_plan(patience_s: float, unless_seen: Stack | None = None) -> Wish:
    return Wish(patience_s=patience_s, leave_rest=True, for_plan=True, unless_seen=unless_seen)


def _sync_within(project_id: int, wish: Wish) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    context = structlog.contextvars.get_contextvars()

    def work() -> None:
        with app.app_context(), structlog.contextvars.bound_contextvars(**context):
            sync_as_wished(project_id, wish)

    db.session.commit()
    try:
        # It may be many calls, or behind another sync.
        ask_within(wish.patience_s, work, tells_silence=False)
    finally:
        db.session.expire_all()
