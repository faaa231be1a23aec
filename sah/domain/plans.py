"""A plan is data: which alias has to move from where to where, and nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

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
    not in the target; ``missing`` are in the target but have no such alias.
    """

    alias: str
    moves: tuple[PlannedMove, ...]
    unchanged: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A digest of what will move and from where: another world, another fingerprint."""
        facts = [
            [m.function, m.alias, str(m.before), str(m.after), m.revision_id] for m in self.moves
        ]
        text = json.dumps([self.alias, facts, self.missing], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def plan_switch(alias: str, live: Mapping[str, AliasState], target: Mapping[str, Routing]) -> Plan:
    """Work out which aliases have to move so that the stack serves ``target``.

    Functions are matched by name. Both mappings go by function name; ``live``
    holds the aliases named ``alias`` as they are now.
    """
    moves = []
    unchanged = []
    for name in sorted(set(target) & set(live)):
        state, after = live[name], target[name]
        if state.routing == after:
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
