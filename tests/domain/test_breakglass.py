import shlex
from datetime import UTC, datetime

from sah.domain.aliases import AliasState, Routing
from sah.domain.breakglass import Place, choose_previous, write_script
from sah.domain.plans import Plan, PlannedMove

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def script(function: str = "shop-cart", place: Place | None = None) -> str:
    before, after = Routing("9", (("8", 0.25), ("7", 0.0))), Routing("8")
    move = PlannedMove(function, "ACTIVE", before, after, "rev-1")
    place = place or Place("shop", "shop-dev", "eu-west-1")
    return write_script(Plan("ACTIVE", (move,)), place, NOW)


def commands(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("  aws ")]
    return [shlex.split(line.removesuffix(" > /dev/null || failed=1")) for line in lines]


def test_the_way_there_clears_weights_and_the_way_back_restores_them() -> None:
    there, back = commands(script())
    assert there[there.index("--function-version") + 1] == "8"
    assert there[-1] == '{"AdditionalVersionWeights": {}}'
    assert back[back.index("--function-version") + 1] == "9"
    assert back[-1] == '{"AdditionalVersionWeights": {"8": 0.25}}'


def test_nothing_that_a_shell_would_run_gets_out_of_its_word() -> None:
    odd = "a; rm -rf '$HOME' `id` $(id)"
    there, _ = commands(script(odd))
    assert there[there.index("--function-name") + 1] == odd


def test_a_name_cannot_end_the_comment_that_it_stands_in() -> None:
    place = Place("shop\nrm -rf /", "shop-dev", "eu-west-1", role_arn="arn:x\nid")
    assert not [line for line in script(place=place).splitlines() if line.startswith(("rm", "id"))]


def test_another_endpoint_is_named() -> None:
    place = Place("shop", "shop-dev", "eu-west-1", "http://127.0.0.1:4566")
    there, _ = commands(script(place=place))
    assert there[there.index("--endpoint-url") + 1] == "http://127.0.0.1:4566"


def test_previous_is_the_newest_below_the_live_one() -> None:
    live = AliasState("a", "ACTIVE", Routing("10"))
    assert choose_previous(live, ("11", "10", "9", "2")) == "9"
    assert choose_previous(live, ("11", "10")) is None
