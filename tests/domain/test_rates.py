import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.domain.rates import Allowances


def test_an_allowance_is_used_up_and_fills_up_evenly() -> None:
    allowances = Allowances()
    assert [allowances.take("ada", 2, 0.0) for _ in range(3)] == [0, 0, 30]
    assert allowances.take("ada", 2, 29.0) == pytest.approx(1)
    assert allowances.take("ada", 2, 30.0) == 0
    assert allowances.take("ada", 2, 30.0) == pytest.approx(30)


def test_everybody_has_an_allowance_of_their_own() -> None:
    allowances = Allowances()
    assert allowances.take("ada", 1, 0.0) == 0
    assert allowances.take("bob", 1, 0.0) == 0
    assert allowances.take("ada", 1, 0.0) == 60


def test_who_stays_away_is_forgotten() -> None:
    allowances = Allowances()
    for number in range(100):
        allowances.take(f"address {number}", 5, 0.0)
    allowances.take("ada", 5, 61.0)
    assert len(allowances) == 1


@given(st.integers(1, 50), st.lists(st.floats(0, 10), max_size=150))
def test_never_more_than_a_burst_and_what_filled_up(most: int, pauses: list[float]) -> None:
    allowances, now, taken = Allowances(), 0.0, 0
    for pause in pauses:
        now += pause
        wait = allowances.take("ada", most, now)
        taken += wait == 0
        assert 0 <= wait <= 60 / most + 1e-6
    assert taken <= most + now * most / 60 + 1e-6
