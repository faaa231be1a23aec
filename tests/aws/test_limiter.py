"""SAH stays within AWS's rates, operations go first, and a 429 slows it down."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.aws.limiter import (
    BURST_S,
    CUT_TO,
    MOST_ATTEMPTS,
    QUIET_S,
    RATES,
    RESERVE,
    Bucket,
    Limits,
    Pool,
    RatePool,
    find_pool,
)

RATE = 14.7
AWS_RATE = 15
PATIENCE_S = 60


class Time:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def wait(self, _: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "the only caller cannot wait for another one"
        self.now += seconds


class Gate(Time):
    """A clock that the test moves while callers wait in their threads."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        del seconds
        condition.wait(PATIENCE_S)

    def advance(self, pool: RatePool, seconds: float) -> None:
        with pool._changed:
            self.now += seconds
            pool._changed.notify_all()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pool(time: Time) -> RatePool:
    return RatePool(RATE, time.clock, time.wait)


def drain(bucket: Bucket, now: float) -> int:
    taken = 0
    while not bucket.delay(now):
        bucket.take(now)
        taken += 1
    return taken


def until(number: Callable[[], int], wanted: int) -> None:
    """Let the other threads run until a number is reached."""
    others = threading.Event()
    for _ in range(PATIENCE_S * 1000):
        if number() == wanted:
            return
        others.wait(0.001)
    pytest.fail(f"{wanted} was never reached, but {number()}")


@pytest.mark.parametrize(
    ("call", "pool"),
    [
        ("GetFunction", Pool.GET_FUNCTION),
        ("GetPolicy", Pool.GET_POLICY),
        ("UpdateAlias", Pool.OTHER),
        ("ListVersionsByFunction", Pool.OTHER),
        ("GetFunctionConfiguration", Pool.OTHER),
    ],
)
def test_each_call_draws_from_its_own_pool(call: str, pool: Pool) -> None:
    assert find_pool(call) is pool


@pytest.mark.parametrize(
    ("pool", "allowed"), [("GetFunction", 100), ("GetPolicy", 15), ("other", 15)]
)
def test_no_rate_is_above_what_aws_allows_and_none_wastes_much(pool: str, allowed: float) -> None:
    assert 0.97 * allowed < RATES[Pool(pool)] <= allowed


@pytest.mark.parametrize("calls", [50, 100, 300])
def test_an_operation_takes_hardly_longer_than_the_least_that_aws_allows(
    time: Time, pool: RatePool, calls: int
) -> None:
    began = time.now
    for _ in range(calls):
        pool.acquire(urgent=True)
    least = (calls - AWS_RATE) / AWS_RATE
    assert least <= time.now - began <= 1.10 * least


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_in_no_span_of_time_more_calls_are_sent_than_aws_allows(pauses: list[float]) -> None:
    time = Time()
    pool = RatePool(RATE, time.clock, time.wait)
    sent = []
    for pause in pauses:
        time.now += pause
        pool.acquire(urgent=True)
        sent.append(time.now)
    for first, begun in enumerate(sent):
        for last, ended in enumerate(sent[first:], first):
            assert last - first + 1 <= AWS_RATE * (ended - begun) + AWS_RATE


@given(
    st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=100),
    st.floats(1, 200),
)
def test_the_rate_never_leaves_its_bounds_and_always_recovers(
    events: list[tuple[float, bool]], rate: float
) -> None:
    now = 0.0
    bucket = Bucket(rate, now)
    for pause, throttled in events:
        now += pause
        if throttled:
            bucket.slow_down(now)
        assert 0.1 * rate * 0.999 <= bucket.rate(now) <= rate
    assert bucket.rate(now + 10) == pytest.approx(rate)
    assert bucket.delay(now + 30) == 0


def test_a_429_slows_the_pool_down_once_for_calls_that_were_sent_together() -> None:
    bucket = Bucket(100, 0)
    for _ in range(30):
        bucket.slow_down(5)
    assert bucket.rate(5) == 100 * CUT_TO
    assert bucket.delay(5) == pytest.approx(1 / (100 * CUT_TO))
    bucket.slow_down(6.5)
    assert bucket.rate(6.5) < 100 * CUT_TO + 15


def test_after_a_429_the_whole_burst_is_not_there_at_once() -> None:
    bucket = Bucket(RATE, 0)
    bucket.slow_down(0)
    assert drain(bucket, 0) == 0
    assert drain(bucket, 0.5) < RATE * 0.5


def test_background_calls_leave_tokens_for_an_operation_that_may_start(
    time: Time, pool: RatePool
) -> None:
    for _ in range(100):
        pool.acquire(urgent=False)
    began = time.now
    for _ in range(int(RATE * BURST_S * RESERVE)):
        pool.acquire(urgent=True)
    assert time.now == began


def test_background_calls_alone_get_the_full_rate(time: Time, pool: RatePool) -> None:
    began = time.now
    for _ in range(200):
        pool.acquire(urgent=False)
    assert time.now - began == pytest.approx(200 / RATE, rel=0.05)


def test_background_calls_hold_still_until_operations_are_quiet(time: Time, pool: RatePool) -> None:
    pool.acquire(urgent=True)
    began = time.now
    pool.acquire(urgent=False)
    assert time.now - began == pytest.approx(QUIET_S)


def test_an_operation_overtakes_background_calls_that_wait_already() -> None:
    gate = Gate()
    pool = RatePool(1, gate.clock, gate.wait)
    pool.acquire(urgent=True)
    order: list[str] = []

    def call(name: str, *, urgent: bool) -> None:
        pool.acquire(urgent=urgent)
        order.append(name)

    with ThreadPoolExecutor(3) as threads:
        for waiting, (name, urgent) in enumerate(
            [("sync", False), ("move 1", True), ("move 2", True)]
        ):
            until(lambda: pool.waiting, waiting)
            threads.submit(call, name, urgent=urgent)
        until(lambda: pool.waiting, 3)
        for served in range(1, 4):
            gate.advance(pool, 1.0 if served < 3 else QUIET_S)
            until(order.__len__, served)
    assert order == ["move 1", "move 2", "sync"]


def test_callers_of_one_kind_are_served_in_the_order_they_came() -> None:
    gate = Gate()
    pool = RatePool(1, gate.clock, gate.wait)
    pool.acquire(urgent=True)
    order: list[int] = []

    def call(number: int) -> None:
        pool.acquire(urgent=True)
        order.append(number)

    with ThreadPoolExecutor(5) as threads:
        for number in range(5):
            until(lambda: pool.waiting, number)
            threads.submit(call, number)
        until(lambda: pool.waiting, 5)
        for served in range(1, 6):
            gate.advance(pool, 1.0)
            until(order.__len__, served)
    assert order == [0, 1, 2, 3, 4]


def test_a_caller_that_gives_up_does_not_block_the_queue(time: Time) -> None:
    def interrupt(_: threading.Condition, seconds: float | None) -> None:
        raise KeyboardInterrupt(seconds)

    pool = RatePool(1, time.clock, interrupt)
    pool.acquire(urgent=True)
    with pytest.raises(KeyboardInterrupt):
        pool.acquire(urgent=True)
    assert pool.waiting == 0


def test_the_same_account_and_region_share_their_pools_and_others_do_not() -> None:
    limits = Limits()
    lanes = [
        limits.open_lane("1", "eu-west-1", urgent=False),
        limits.open_lane("1", "eu-west-1", urgent=True),
        limits.open_lane("1", "eu-west-2", urgent=True),
        limits.open_lane("2", "eu-west-1", urgent=True),
    ]
    pools = [id(lane._pools[Pool.OTHER]) for lane in lanes]
    assert pools[0] == pools[1]
    assert len(set(pools)) == 3


def test_a_throttled_call_is_sent_again_later_and_later_and_then_given_up() -> None:
    lane = Limits(first_backoff_s=0.1).open_lane("1", "eu-west-1", urgent=True)
    delays = [lane.retry_after("UpdateAlias", attempt) for attempt in range(1, MOST_ATTEMPTS)]
    numbers = [delay for delay in delays if delay is not None]
    assert len(numbers) == MOST_ATTEMPTS - 1
    assert 0.05 <= numbers[0] <= 0.1
    assert all(delay <= 5 for delay in numbers)
    assert sum(numbers) > 15
    assert lane.retry_after("UpdateAlias", MOST_ATTEMPTS) is None


def test_a_429_slows_only_its_own_pool_down() -> None:
    lane = Limits().open_lane("1", "eu-west-1", urgent=True)
    lane.retry_after("GetPolicy", 1)
    rates = {pool: lane._pools[pool]._bucket.delay(lane._pools[pool]._clock()) for pool in Pool}
    assert rates[Pool.GET_POLICY] > 0
    assert rates[Pool.OTHER] == rates[Pool.GET_FUNCTION] == 0
