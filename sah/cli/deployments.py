"""``sah deployments``, ``sah deployment`` and ``sah rollback``: go back from a shell."""
# ruff: noqa: PLC0415 - see sah.cli.base

from typing import TYPE_CHECKING

import click

from sah.cli.base import in_app, output_option, who
from sah.cli.moving import carry_out, on_failure_option, print_plan
from sah.cli.output import print_rows
from sah.domain.operations import OnFailure

if TYPE_CHECKING:
    from sah.cli.output import Value
    from sah.services.summaries import DeploymentSummary


@click.command()
@click.argument("project")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@output_option
@in_app
def deployments(project: str, limit: int, output: str) -> None:
    """List the deployments of PROJECT, newest first, and whether one can go back to them."""
    from sah.services.projects import get_project_by_name
    from sah.services.summaries import list_deployments

    found = list_deployments(get_project_by_name(project), limit=limit)
    columns = {
        "title": "Deployment",
        "state": "State",
        "ready": "Ready",
        "changes": "Functions",
        "commit": "Commit",
        "by": "By",
        "deployed_at": "When",
    }
    print_rows([_fields(summary) for summary in found], columns, output)


@click.command()
@click.argument("project")
@click.option("--to", "to", default="previous", show_default=True, metavar="NUMBER|previous")
@click.option("--reason", default="", help="Why, for those who read the history.")
@click.option("--dry-run", is_flag=True, help="Show the plan and check it; move nothing.")
@click.option("--partial", is_flag=True, help="Leave functions where they are that cannot go back.")
@on_failure_option
@click.option("--override-reason", default="", help="Why to move while the stack is updated.")
@output_option
@in_app
def rollback(  # noqa: PLR0913 - each is an option
    project: str,
    *,
    to: str,
    reason: str,
    dry_run: bool,
    partial: bool,
    on_failure: OnFailure,
    override_reason: str,
    output: str,
) -> None:
    """Roll PROJECT back to one of its deployments, or forward to a newer one.

    By default to the last one that was wholly live before the present one. The exit
    status is 0 only when every alias was moved and read back.
    """
    from sah.domain.preflight import Preflight
    from sah.formatting import format_numbers, format_way
    from sah.services.operations import refuse_when_busy
    from sah.services.preflight import preflight_plan, refuse_plan
    from sah.services.projects import get_project_by_name
    from sah.services.rollback import (
        look_and_plan_rollback,
        parse_target,
        request_rollback,
    )

    if not dry_run and not reason.strip():
        raise click.UsageError("--reason is missing.")
    target = parse_target(to)
    found = get_project_by_name(project)
    refuse_when_busy(found)
    project_id = found.id
    planned = look_and_plan_rollback(project_id, target)
    plan = planned.plan
    preflight = preflight_plan(project_id, plan) if plan.moves else Preflight()
    if dry_run:
        print_plan(plan, preflight, output, planned)
    wanted = request_rollback(
        planned,
        reason=reason,
        requested_by=who(),
        partial=partial,
        on_failure=on_failure,
        override_reason=override_reason,
    )
    way = format_way(planned.kind)
    click.echo(f"Roll {way} to #{planned.deployment.number} of {project}.", err=True)
    if planned.unseen:
        skipped = format_numbers(planned.unseen)
        click.echo(f"Skipped, as SAH does not know whether it was live: {skipped}.", err=True)
    if not dry_run and not plan.moves:
        print_plan(plan, preflight, output, planned)
    refuse_plan(plan, preflight, overridden=bool(override_reason.strip()))
    if not dry_run and plan.moves:
        carry_out(wanted, output)


def _fields(summary: "DeploymentSummary") -> "dict[str, Value]":
    deployment = summary.deployment
    total = len(summary.entries)
    captured = deployment.status == "captured"
    return {
        "number": deployment.number,
        "title": f"#{deployment.number}",
        "status": str(deployment.status),
        "source": str(deployment.source),
        "state": (summary.liveness or "no_snapshot") if captured else str(deployment.status),
        "ready": f"{summary.ready_count} of {total}" if total else None,
        "problems": summary.problems,
        "changes": _count(deployment.changed, deployment.added, deployment.removed),
        "changed": deployment.changed,
        "added": deployment.added,
        "removed": deployment.removed,
        "no_change": deployment.no_change,
        "commit": deployment.commit[:12],
        "branch": deployment.branch,
        "message": deployment.message,
        "by": deployment.author or deployment.reported_by,
        "deployed_at": deployment.deployed_at,
        "active_for_s": summary.active_for.total_seconds() if summary.active_for else None,
        "error": deployment.error,
    }


def _count(changed: list[str], added: list[str], removed: list[str]) -> str:
    words = ((changed, "changed"), (added, "added"), (removed, "removed"))
    return ", ".join(f"{len(names)} {word}" for names, word in words if names) or "none"
