from dataclasses import replace

import pytest

from sah.domain.aliases import Routing
from sah.domain.readiness import (
    FunctionFacts,
    TargetFacts,
    TargetReadiness,
    assess_readiness,
    assess_target,
)
from sah.domain.triggers import Trigger, TriggerOrigin


def trigger(qualifier: str) -> Trigger:
    return Trigger("cart", "SQS", "arn:aws:sqs:::q", qualifier, TriggerOrigin.MAPPING)


def test_a_function_with_alias_and_an_older_version_is_ready() -> None:
    readiness = assess_readiness(FunctionFacts("ACTIVE", Routing("2"), ["2", "1"]))
    assert readiness.ready
    assert readiness.warnings == ()


def test_without_the_alias_there_is_nothing_to_repoint() -> None:
    readiness = assess_readiness(FunctionFacts("ACTIVE", None, ["2", "1"]))
    assert readiness.problems == ("It has no alias ACTIVE, so there is nothing to repoint.",)


def test_without_a_version_both_reasons_are_said() -> None:
    readiness = assess_readiness(FunctionFacts("ACTIVE", None, []))
    assert len(readiness.problems) == 2
    assert "no published version" in readiness.problems[0]


def test_a_first_deployment_has_nothing_to_go_back_to() -> None:
    readiness = assess_readiness(FunctionFacts("ACTIVE", Routing("1"), ["1"]))
    assert "nothing to go back to" in readiness.problems[0]


def test_a_split_over_all_versions_has_nothing_to_go_back_to() -> None:
    split = Routing("1", (("2", 0.5),))
    assert not assess_readiness(FunctionFacts("ACTIVE", split, ["2", "1"])).ready


def test_a_function_that_is_gone_says_only_that() -> None:
    readiness = assess_readiness(FunctionFacts("ACTIVE", Routing("2"), ["2", "1"], gone=True))
    assert readiness.problems == ("The function is gone from the stack.",)


def test_triggers_that_bypass_the_alias_are_warned_about_but_do_not_block() -> None:
    facts = FunctionFacts("ACTIVE", Routing("2"), ["2", "1"], [trigger("ACTIVE"), trigger("")])
    readiness = assess_readiness(facts)
    assert readiness.ready
    assert readiness.warnings == ("1 trigger bypasses ACTIVE: a rollback will not affect it.",)


def test_several_bypassing_triggers_are_counted() -> None:
    facts = FunctionFacts("ACTIVE", Routing("2"), ["2", "1"], [trigger("7"), trigger("")])
    assert assess_readiness(facts).warnings[0].startswith("2 triggers bypass ACTIVE")


def target(**changes: object) -> TargetReadiness:
    return assess_target(replace(TargetFacts("cart", "7", "ACTIVE"), **changes))  # type: ignore[arg-type]


def test_a_version_that_is_there_can_be_gone_back_to() -> None:
    assert target().ready
    assert target(state="Active").ready


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"function_gone": True}, "The function is gone from the stack."),
        ({"has_alias": False}, "It has no alias ACTIVE."),
        ({"version_gone": True}, "Version 7 was deleted."),
        ({"state": "Failed"}, "7 cannot run"),
        ({"state": "Inactive", "reason_code": "ImageDeleted"}, "7 cannot run"),
    ],
)
def test_what_stands_in_the_way_is_a_sentence_and_blocks(
    changes: dict[str, object], sentence: str
) -> None:
    found = target(**changes)
    assert sentence in found.problem
    assert found.blocks
    assert not found.ready


def test_a_version_that_sleeps_is_not_ready_but_can_be_moved_to() -> None:
    found = target(state="Inactive", reason_code="Idle")
    assert found.problem
    assert not found.ready
    assert not found.blocks


def test_the_first_reason_is_the_one_to_know() -> None:
    assert "gone from the stack" in target(function_gone=True, version_gone=True).problem
