"""The helpers that templates use."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.formatting import (
    common_prefix,
    format_ago,
    format_bytes,
    format_count,
    format_duration,
    format_numbers,
    format_share,
    format_utc,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=45), "45 d ago"),
        (timedelta(days=46), "2026-01-14"),
    ],
)
def test_ago(age: timedelta, words: str) -> None:
    assert format_ago(NOW - age, NOW) == words


def test_exact_time() -> None:
    assert format_utc(NOW) == "2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.34, "340 ms"), (2.14, "2.1 s"), (184, "3 min 4 s")]
)
def test_duration(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [(812, "812 B"), (3500, "3.4 kB"), (12 * 1024 * 1024, "12.0 MB")]
)
def test_size(size: int, words: str) -> None:
    assert format_bytes(size) == words


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([6], "#6"),
        ([6, 5], "#6 and #5"),
        ([6, 5, 4], "#6, #5 and #4"),
        ([6, 5, 4, 3, 2], "#6, #5, #4 and 2 more"),
    ],
)
def test_deployments_in_a_sentence(numbers: list[int], text: str) -> None:
    assert format_numbers(numbers) == text


def test_share_and_count() -> None:
    assert [format_share(0.125), format_share(1)] == ["12.5 %", "100 %"]
    assert [format_count(1, "function"), format_count(0, "entry")] == ["1 function", "0 entries"]


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        ([], ""),
        (["shop-cart"], ""),
        (["shop-cart", "shop-cart"], ""),
        (["shop-prod-cart", "shop-prod-catalog"], "shop-prod-"),
        (["shop", "shop-cart"], ""),
        (["cart", "search"], ""),
    ],
)
def test_common_prefix(names: list[str], prefix: str) -> None:
    assert common_prefix(names) == prefix


@given(st.lists(st.text("ab-", max_size=6)))
def test_a_prefix_is_what_all_names_begin_with(names: list[str]) -> None:
    prefix = common_prefix(names)
    assert all(name.startswith(prefix) for name in names)
    assert prefix == "" or prefix.endswith("-")
