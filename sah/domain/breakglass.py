"""The script for when SAH is down: plain AWS commands, and the way back in the same file."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sah.domain.aliases import AliasState, Routing
from sah.domain.plans import Plan


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plan's functions are; ``endpoint_url`` is empty for AWS itself."""

    project: str
    stack: str
    region: str
    endpoint_url: str = ""
    role_arn: str = ""


def choose_previous(live: AliasState, versions: tuple[str, ...]) -> str | None:
    """Choose the newest published version below the live one, None when there is none."""
    older = [version for version in versions if int(version) < int(live.routing.version)]
    return max(older, key=int, default=None)


def write_script(
    plan: Plan, place: Place, seen_at: datetime | None, notes: Sequence[str] = ()
) -> str:
    """Write a POSIX shell script that moves a plan's aliases, and with ``undo`` moves them back.

    ``notes`` are sentences for its head.

    It sends no ``RevisionId``: who breaks the glass wants the target, whatever
    happened since. Weights are explicit, else an old one could survive (aws-facts 5).
    """
    there = [_command(place, m.function, m.alias, m.after) for m in plan.moves]
    back = [_command(place, m.function, m.alias, m.before) for m in plan.moves]
    lines = [
        "#!/bin/sh",
        *(f"# {line}" for line in _introduce(plan, place, seen_at, notes)),
        "failed=0",
        'case "${1:-}" in',
        '"")',
        *there,
        "  ;;",
        "undo)",
        *back,
        "  ;;",
        "*)",
        '  echo "Run it without an argument to move, or with undo to move back." >&2',
        "  exit 2",
        "  ;;",
        "esac",
        'if [ "$failed" -ne 0 ]; then echo "Not every alias was moved: see above." >&2; fi',
        'exit "$failed"',
    ]
    return "\n".join(lines) + "\n"


def _introduce(
    plan: Plan, place: Place, seen_at: datetime | None, notes: Sequence[str]
) -> list[str]:
    seen = f"{seen_at:%Y-%m-%d %H:%M:%S} UTC" if seen_at else "never"
    lines = [
        f"Moves {plan.alias} of {len(plan.moves)} functions of {place.stack} without SAH.",
        f"From what SAH saw last of the project {place.project}: {seen}.",
        *notes,
        "Without an argument it moves; with the argument undo it moves back.",
    ]
    if place.role_arn:
        lines.append(f"SAH itself assumes {place.role_arn} for this; so may you have to.")
    # A name with a line break must not end the comment.
    return [" ".join(line.split()) for line in lines]


def _command(place: Place, function: str, alias: str, routing: Routing) -> str:
    weights = {version: weight for version, weight in routing.weights if weight}
    words = ["aws", "lambda", "update-alias", "--region", place.region]
    if place.endpoint_url:
        words += ["--endpoint-url", place.endpoint_url]
    words += ["--function-name", function, "--name", alias]
    words += ["--function-version", routing.version]
    words += ["--routing-config", json.dumps({"AdditionalVersionWeights": weights})]
    return f"  {shlex.join(words)} > /dev/null || failed=1"
