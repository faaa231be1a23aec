import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.domain.aliases import Routing, parse_alias_name, parse_routing, parse_version
from sah.domain.errors import InvalidInputError

versions = st.integers(1, 10**18).map(str)
weights = st.floats(0.001, 0.999).map(lambda w: round(w, 3))


def test_a_plain_alias_reads_as_its_version() -> None:
    assert str(Routing("7")) == "7"
    assert Routing("7").shares == {"7": 1.0}
    assert not Routing("7").is_split


def test_a_split_alias_reads_as_both_shares() -> None:
    routing = Routing("7", (("8", 0.1),))
    assert str(routing) == "7 (90 %) and 8 (10 %)"
    assert routing.is_split


@given(versions, versions, weights)
def test_shares_add_up_to_all_of_the_traffic(main: str, other: str, weight: float) -> None:
    if main == other:
        return
    shares = parse_routing(main, {other: weight}).shares
    assert shares[other] == weight
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["$LATEST", "", "0", "07", "-1", "1.5", "ACTIVE", " 7", "\u0667"])
def test_what_is_not_a_published_version_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a published version") as caught:
        parse_version(text)
    assert caught.value.field == "version"


@pytest.mark.parametrize("name", ["ACTIVE", "live-2", "a_b", "1a", "x" * 128])
def test_alias_names_that_aws_takes(name: str) -> None:
    assert parse_alias_name(name) == name


@pytest.mark.parametrize("name", ["", "12", "a b", "a:b", "$LATEST", "x" * 129, "né", "a\n"])
def test_alias_names_that_aws_refuses(name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be the name of an alias"):
        parse_alias_name(name)


def test_a_weight_of_nothing_is_no_split() -> None:
    assert parse_routing("7", {"8": 0.0}) == Routing("7")


def test_a_weight_of_everything_makes_the_other_version_the_only_one() -> None:
    assert parse_routing("7", {"8": 1}) == Routing("8")


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        ({"8": 0.2, "9": 0.2}, "two versions at most"),
        ({"8": 1.5}, "is not a weight"),
        ({"8": -0.1}, "is not a weight"),
        ({"8": float("nan")}, "is not a weight"),
        ({"7": 0.5}, "and itself"),
        ({"$LATEST": 0.5}, "not a published version"),
    ],
)
def test_splits_that_aws_would_refuse(split: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        parse_routing("7", split)
