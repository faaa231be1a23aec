from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.domain.access import Right
from sah.domain.errors import InvalidInputError
from sah.domain.tokens import Scope, hash_token, is_token, parse_lifetime


def test_a_scope_holds_what_it_says_and_none_administers() -> None:
    assert Scope.DEPLOY.rights == {Right.DEPLOY}
    assert Scope.READ.rights == {Right.VIEW}
    assert Scope.OPERATE.rights == {Right.VIEW, Right.DEPLOY, Right.OPERATE}


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("12h", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("2w", timedelta(days=14)),
        (" 1y ", timedelta(days=365)),
    ],
)
def test_lifetimes_are_parsed(text: str, lifetime: timedelta) -> None:
    assert parse_lifetime(text) == lifetime


@pytest.mark.parametrize("text", ["", "90", "0d", "-1d", "d", "1.5d", "11y", "99999w", "٣d", "1m"])
def test_other_lifetimes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="90d"):
        parse_lifetime(text)


@given(st.text())
def test_only_what_looks_like_a_token_is_looked_up(text: str) -> None:
    assert not is_token(text)
    assert is_token("sah_" + hash_token(text))
    assert not is_token("sah_" + hash_token(text).upper() + text)
