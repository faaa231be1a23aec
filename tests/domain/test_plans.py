import random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from sah.domain.aliases import AliasState, Routing
from sah.domain.plans import Plan, PlannedMove, plan_inverse, plan_switch

ALIAS = "ACTIVE"
World = dict[str, AliasState]

names = st.sampled_from([f"shop-dev-{letter}" for letter in "abcdefghij"])
versions = st.integers(1, 9).map(str)
weights = st.floats(0.0, 1.0).map(lambda weight: round(weight, 3))


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    main = draw(versions)
    other = draw(versions)
    return Routing(main, () if other == main else ((other, draw(weights)),))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    held = draw(st.dictionaries(names, routings()))
    return {
        name: AliasState(name, ALIAS, routing, f"rev-{number}")
        for number, (name, routing) in enumerate(held.items())
    }


targets = st.dictionaries(names, routings())


def apply(plan: Plan, world: World) -> World:
    after = dict(world)
    for move in plan.moves:
        state = world[move.function]
        assert state.revision_id == move.revision_id
        assert state.routing == move.before
        after[move.function] = AliasState(
            move.function, ALIAS, move.after, f"{move.revision_id}-next"
        )
    return after


@given(worlds(), targets)
def test_applying_a_plan_gives_the_target(world: World, target: dict[str, Routing]) -> None:
    after = apply(plan_switch(ALIAS, world, target), world)
    for name, state in after.items():
        assert state.routing.serves_like(target.get(name, world[name].routing))


@given(worlds(), targets)
def test_planning_again_gives_nothing(world: World, target: dict[str, Routing]) -> None:
    after = apply(plan_switch(ALIAS, world, target), world)
    assert plan_switch(ALIAS, after, target).moves == ()


@given(worlds(), targets)
def test_the_inverse_restores_the_start(world: World, target: dict[str, Routing]) -> None:
    plan = plan_switch(ALIAS, world, target)
    after = apply(plan, world)
    restored = apply(plan_inverse(plan, after), after)
    assert {n: s.routing for n, s in restored.items()} == {n: s.routing for n, s in world.items()}


@given(worlds(), targets, st.randoms())
def test_shuffled_inputs_give_the_same_plan(
    world: World, target: dict[str, Routing], chance: random.Random
) -> None:
    def shuffled(mapping: dict[str, Any]) -> dict[str, Any]:
        items = list(mapping.items())
        chance.shuffle(items)
        return dict(items)

    plan = plan_switch(ALIAS, world, target)
    again = plan_switch(ALIAS, shuffled(world), shuffled(target))
    assert again == plan
    assert again.fingerprint == plan.fingerprint


@given(worlds(), targets)
def test_every_function_is_accounted_for_once(world: World, target: dict[str, Routing]) -> None:
    plan = plan_switch(ALIAS, world, target)
    told = [*plan.target, *plan.unchanged, *plan.untouched, *plan.missing]
    assert sorted(told) == sorted(set(world) | set(target))


@given(worlds(), targets, targets)
def test_another_target_has_another_fingerprint(
    world: World, one: dict[str, Routing], other: dict[str, Routing]
) -> None:
    first, second = plan_switch(ALIAS, world, one), plan_switch(ALIAS, world, other)
    assume((first.moves, first.missing) != (second.moves, second.missing))
    assert first.fingerprint != second.fingerprint


def test_a_moved_world_has_another_fingerprint() -> None:
    target = {"a": Routing("1")}
    before = plan_switch(ALIAS, {"a": AliasState("a", ALIAS, Routing("2"), "rev-1")}, target)
    after = plan_switch(ALIAS, {"a": AliasState("a", ALIAS, Routing("2"), "rev-2")}, target)
    assert before.fingerprint != after.fingerprint


def test_a_leftover_weight_of_nothing_is_no_difference() -> None:
    live = {"a": AliasState("a", ALIAS, Routing("2", (("1", 0.0),)), "rev-1")}
    assert plan_switch(ALIAS, live, {"a": Routing("2")}).unchanged == ("a",)


def test_the_inverse_leaves_alone_what_somebody_moved_on() -> None:
    plan = Plan(
        ALIAS,
        tuple(PlannedMove(n, ALIAS, Routing("2"), Routing("1"), "rev-1") for n in "abc"),
    )
    live = {
        "a": AliasState("a", ALIAS, Routing("1"), "rev-2"),
        "b": AliasState("b", ALIAS, Routing("7"), "rev-9"),
        "c": AliasState("c", ALIAS, Routing("2"), "rev-8"),
    }
    inverse = plan_inverse(plan, live)
    assert inverse.target == {"a": Routing("2")}
    assert inverse.moved_since == ("b",)
    assert inverse.unchanged == ("c",)
    assert inverse.untouched == ()
