"""``sah projects …`` and ``sah sync``: the stacks that SAH looks after."""
# ruff: noqa: PLC0415 - see sah.cli.base

import shlex
from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure, in_app, output_option
from sah.cli.output import print_json, print_rows, print_table
from sah.domain.aliases import DEFAULT_ALIAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sah.cli.output import Value
    from sah.services.functions import FunctionSummary
    from sah.services.projects import ProjectSummary
    from sah.services.sync import SyncReport

# How long `sah sync` waits for a sync that the server is just doing, in seconds.
_PATIENCE_S = 60.0


@click.group()
def projects() -> None:
    """Add, list and show the stacks that SAH looks after."""


@projects.command("add")
@click.argument("name")
@click.option("--account", required=True, metavar="A", help="The account that the stack is in.")
@click.option("--stack", required=True, metavar="S", help="The CloudFormation stack's name.")
@click.option("--alias", default=DEFAULT_ALIAS, show_default=True, help="The alias to repoint.")
@in_app
def add(name: str, *, account: str, stack: str, alias: str) -> None:
    """Make the project NAME from a stack."""
    from sah.services.accounts import get_account_by_name
    from sah.services.projects import ProjectDetails, add_project

    account_id = get_account_by_name(account).id
    project = add_project(ProjectDetails(name, account_id, stack, alias))
    name = shlex.quote(project.name)
    click.echo(f"Added the project {project.name}; read its stack with: sah sync {name}")


@projects.command("list")
@output_option
@in_app
def list_(output: str) -> None:
    """List the projects and how each of them stands."""
    from sah.services.projects import list_project_summaries

    columns = {
        "name": "Project",
        "stack": "Stack",
        "alias": "Alias",
        "state": "State",
        "ready": "Ready",
        "functions": "Functions",
        "synced_at": "Synced",
    }
    print_rows([_project_fields(s) for s in list_project_summaries()], columns, output)


@projects.command("show")
@click.argument("name")
@output_option
@in_app
def show(name: str, output: str) -> None:
    """Show the project NAME with its functions."""
    from sah.services.projects import get_project_by_name, get_project_summary
    from sah.services.standing import read_standing

    summary = get_project_summary(get_project_by_name(name).id)
    functions = [_function_fields(function) for function in summary.functions]
    standing = read_standing(summary.project.id)
    fields = _project_fields(summary) | {"live": standing.live, "is_mixed": standing.is_mixed}
    if output == "json":
        print_json({**fields, "functions": functions})
        return
    for title in ("name", "account", "stack", "stack_status", "alias", "state", "sync_error"):
        if fields[title]:
            click.echo(f"{title.replace('_', ' ')}: {fields[title]}")
    if standing.live:
        click.echo(f"live: #{standing.live}")
    elif standing.is_mixed:
        click.echo("live: mixed, no deployment has all of the traffic")
    columns = {
        "name": "Function",
        "live_text": "Live",
        "newest_version": "Newest",
        "trigger_texts": "Triggers",
        "readiness_text": "Can be rolled back",
    }
    print_table(
        [{**f, **_texts(s)} for f, s in zip(functions, summary.functions, strict=True)], columns
    )


@click.command()
@click.argument("name", required=False)
@click.option("--full", is_flag=True, help="Read everything, also of stacks that did not change.")
@output_option
@in_app
def sync(name: str | None, *, full: bool, output: str) -> None:
    """Read one stack from AWS, or all of them."""
    reports = _sync(name, full=full)
    if output == "json":
        print_json([_report_fields(report) for report in reports])
    else:
        for report in reports:
            click.echo(_report_sentence(report))
    broken = [report.project for report in reports if not report.worked]
    if broken:
        raise Failure(f"Not everything could be read of {', '.join(broken)}.")


def _sync(name: str | None, *, full: bool) -> "list[SyncReport]":
    from sah.services.projects import get_project_by_name
    from sah.services.sync import sync_all, sync_project

    if name is None:
        return sync_all(force_full=full, patience_s=_PATIENCE_S)
    project_id = get_project_by_name(name).id
    return [sync_project(project_id, force_full=full, patience_s=_PATIENCE_S)]


def _project_fields(summary: "ProjectSummary") -> "dict[str, Value]":
    project = summary.project
    return {
        "name": project.name,
        "account": project.account.name,
        "stack": project.stack_name,
        "stack_status": project.stack_status,
        "alias": project.alias,
        "state": summary.state.value,
        "ready": summary.ready_count,
        "functions": summary.function_count,
        "last_deployed_at": summary.last_deployed_at,
        "synced_at": project.synced_at,
        "sync_error": project.sync_error,
    }


def _function_fields(summary: "FunctionSummary") -> "dict[str, Value]":
    live = summary.live
    return {
        "name": summary.function.name,
        "live": dict(live.routing.shares) if live else None,
        "newest_version": summary.versions[0] if summary.versions else None,
        "versions": list(summary.versions),
        "triggers": [
            {
                "kind": trigger.kind,
                "source": trigger.source,
                "qualifier": trigger.qualifier,
                "enabled": trigger.enabled,
            }
            for trigger in summary.triggers
        ],
        "ready": summary.readiness.ready,
        "problems": list(summary.readiness.problems),
        "warnings": list(summary.readiness.warnings),
        "gone_at": summary.function.gone_at,
        "sync_error": summary.function.sync_error,
    }


def _texts(summary: "FunctionSummary") -> "dict[str, Value]":
    ready = summary.readiness
    return {
        "live_text": str(summary.live.routing) if summary.live else None,
        "trigger_texts": [f"{t.kind} → {t.qualifier or '$LATEST'}" for t in summary.triggers],
        "readiness_text": ["yes" if ready.ready else "no", *ready.problems, *ready.warnings],
    }


def _report_fields(report: "SyncReport") -> "Mapping[str, Value]":
    return {
        "project": report.project,
        "worked": report.worked,
        "full": report.full,
        "functions": report.functions,
        "failed": list(report.failed),
        "error": report.error,
        "skipped": report.skipped,
        "gone": report.gone,
    }


def _report_sentence(report: "SyncReport") -> str:
    if report.error:
        return f"{report.project}: {report.error}"
    if report.skipped:
        return f"{report.project}: skipped: {report.skipped}"
    if report.gone:
        return f"{report.project}: the stack is gone from AWS."
    depth = "everything" if report.full else "the aliases"
    count = "1 function" if report.functions == 1 else f"{report.functions} functions"
    sentence = f"{report.project}: read {depth} of {count}"
    return f"{sentence}; failed: {', '.join(report.failed)}." if report.failed else f"{sentence}."
