"""A plan is data: which alias has to move from where to where, and nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sah.domain.aliases import AliasState, Routing


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """One alias that has to move. ``revision_id`` is the one it had when it was read."""

    function: str
    alias: str
    before: Routing
    after: Routing
    revision_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All moves that bring a stack to its target, ordered by function name.

    ``unchanged`` serve their target already; ``untouched`` have the alias but are
    not in the target; ``missing`` are in the target but have no such alias;
    ``moved_since`` are left alone by an inverse, since somebody moved them on.
    """

    alias: str
    moves: tuple[PlannedMove, ...]
    unchanged: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    moved_since: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A digest of what will move and from where: another world, another fingerprint."""
        moves = [[m.function, _facts(m.before), _facts(m.after), m.revision_id] for m in self.moves]
        text = json.dumps([self.alias, moves, self.missing], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def target(self) -> dict[str, Routing]:
        """Where each moved function ends, by its name."""
        return {move.function: move.after for move in self.moves}


def plan_switch(alias: str, live: Mapping[str, AliasState], target: Mapping[str, Routing]) -> Plan:
    """Work out which aliases have to move so that the stack serves ``target``.

    Functions are matched by name. Both mappings go by function name; ``live``
    holds the aliases named ``alias`` as they are now. A function that serves its
    target already gets no move.
    """
    moves = []
    unchanged = []
    for name in sorted(set(target) & set(live)):
        state, after = live[name], target[name]
        if state.routing.serves_like(after):
            unchanged.append(name)
        else:
            moves.append(PlannedMove(name, alias, state.routing, after, state.revision_id))
    return Plan(
        alias,
        tuple(moves),
        unchanged=tuple(unchanged),
        untouched=tuple(sorted(set(live) - set(target))),
        missing=tuple(sorted(set(target) - set(live))),
    )


def plan_inverse(plan: Plan, live: Mapping[str, AliasState]) -> Plan:
    """Work out how to take a plan back from where the aliases are now.

    A function that no longer serves what ``plan`` gave it was moved on by somebody,
    so it is left alone and listed in ``Plan.moved_since``. One that is back where
    it started is unchanged.
    """
    start = {move.function: move.before for move in plan.moves}
    moved_since = {
        name
        for name, after in plan.target.items()
        if name in live
        and not live[name].routing.serves_like(after)
        and not live[name].routing.serves_like(start[name])
    }
    target = {name: before for name, before in start.items() if name not in moved_since}
    inverse = plan_switch(plan.alias, live, target)
    return replace(
        inverse,
        untouched=tuple(name for name in inverse.untouched if name not in moved_since),
        moved_since=tuple(sorted(moved_since)),
    )


def _facts(routing: Routing) -> list[object]:
    return [routing.version, sorted(routing.weights)]
