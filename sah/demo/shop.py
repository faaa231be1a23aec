"""The shop of the demo: its functions, and what each of its releases changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

STACK = "shop-prod"
NAMES = (
    "auth",
    "cart",
    "catalog",
    "checkout",
    "inventory",
    "mailer",
    "notifications",
    "orders",
    "payments",
    "reports",
    "search",
    "users",
)


@dataclass(frozen=True, slots=True)
class Build:
    """What one function runs: the release that built it last, and its configuration.

    ``memory`` is in MB, ``timeout`` in seconds; ``broken`` code raises.
    """

    release: int = 1
    title: str = ""
    memory: int = 256
    runtime: str = "python3.11"
    timeout: int = 6
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """One deployment of the shop; ``age_hours`` is how long before the demo it happened.

    ``settings`` are those parts of a ``Build`` that it changed, by function.
    """

    number: int
    title: str
    changed: tuple[str, ...]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    age_hours: float = 0.0
    author: str = "Mira Sand"


_NEW_PYTHON: dict[str, dict[str, Any]] = {
    name: {"runtime": "python3.12"} for name in ("mailer", "notifications", "reports", "users")
}

HISTORY = (
    Release(
        1,
        "First release",
        NAMES,
        {"reports": {"memory": 512, "timeout": 60}, "search": {"memory": 512}},
        age_hours=24 * 19,
    ),
    Release(
        2,
        "Search by brand",
        ("catalog", "search"),
        age_hours=24 * 12 + 3,
        author="Jonas Feld",
    ),
    Release(
        3,
        "Python 3.12, and more memory for the reports",
        tuple(_NEW_PYTHON),
        _NEW_PYTHON | {"reports": {"runtime": "python3.12", "memory": 1024}},
        age_hours=24 * 6 + 5,
    ),
    Release(
        4,
        "Wish lists in the cart",
        ("cart", "catalog", "users"),
        age_hours=24 * 4 + 1,
        author="Ada Brook",
    ),
    Release(
        5,
        "Orders are split by warehouse",
        ("checkout", "inventory", "mailer", "orders"),
        {"orders": {"memory": 512}},
        age_hours=24 + 7,
    ),
    Release(
        6,
        "Checkout in one step (bad: every order fails)",
        ("cart", "checkout", "payments"),
        broken=("checkout",),
        age_hours=0.2,
        author="Jonas Feld",
    ),
)

_IDEAS = (
    ("Faster search", ("catalog", "search")),
    ("Receipts as PDF", ("mailer", "orders")),
    ("Log in by link", ("auth", "users")),
    ("Weekly reports", ("reports",)),
)


def next_release(number: int, *, bad: bool) -> Release:
    """Think of one more release; a good one also mends the checkout."""
    if bad:
        title = "Vouchers at checkout (bad: every order fails)"
        return Release(number, title, ("checkout", "payments"), broken=("checkout",))
    title, changed = _IDEAS[number % len(_IDEAS)]
    return Release(number, f"{title}, and checkout mended", ("checkout", *changed))


def build_all(releases: Iterable[Release]) -> dict[str, Build]:
    """Work out what every function runs after these releases."""
    builds: dict[str, Build] = {}
    for release in releases:
        for name in release.changed:
            builds[name] = replace(
                builds.get(name, Build()),
                release=release.number,
                title=release.title,
                broken=name in release.broken,
                **release.settings.get(name, {}),
            )
    return builds
