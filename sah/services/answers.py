"""Wait for AWS no longer than a person does: botocore's retries may take minutes."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from flask import g

from sah.domain.errors import AwsUnreachableError

# How long a page waits for one answer; AWS gives it in a tenth of a second.
PATIENCE_S = 3.0
# How long it waits for the next one once AWS was silent, so that silences do not add up.
_ONCE_SILENT_S = 0.5
# Calls in flight for one page or one sync; the rate pools, not this number, set the pace.
_WORKERS = 16

Answer = TypeVar("Answer")


def ask_within(
    patience_s: float, ask: Callable[[], Answer], *, tells_silence: bool = True
) -> Answer:
    """Give what ``ask`` answers, or raise what it raises; see ``ask_each``.

    :raises AwsUnreachableError: there was no answer in time.
    """
    (answer,) = ask_each([ask], patience_s, tells_silence=tells_silence)
    if not answer.done():
        raise AwsUnreachableError(
            "AWS gave no answer in time.",
            "Check the Region, the endpoint and the network of this server.",
        )
    return answer.result()


def ask_each(
    asks: Iterable[Callable[[], Answer]], patience_s: float, *, tells_silence: bool = True
) -> list[Future[Answer]]:
    """Ask side by side, for ``patience_s`` seconds; what is not done then had no answer.

    ``asks`` must not need the app's context. What hangs goes on, and nobody waits for
    it, not even the end of the process; what was not asked yet is not asked any more. The next
    is waited for less then, unless ``tells_silence`` says that this may be slow by itself.
    """
    answers, waiting = _begin(asks)
    patience_s = min(patience_s, _ONCE_SILENT_S) if g.get("aws_is_silent") else patience_s
    if wait(answers, patience_s).not_done:
        g.aws_is_silent = tells_silence or g.get("aws_is_silent", False)
        waiting.clear()
    return answers


def ask_all(asks: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """Ask side by side and give every answer, or raise what the first that failed raises.

    Nothing goes on afterwards. But unlike those of an executor, its threads do not hold up
    the end of the process.
    """
    answers, _ = _begin(asks)
    for answer in answers:
        answer.exception()  # waits for the end, whatever it is
    return [answer.result() for answer in answers]


def _begin(
    asks: Iterable[Callable[[], Answer]],
) -> tuple[list[Future[Answer]], deque[tuple[Future[Answer], Callable[[], Answer]]]]:
    """Begin to ask; what is taken out of the second is not asked any more."""
    waiting = deque((Future[Answer](), ask) for ask in asks)
    answers = [answer for answer, _ in waiting]

    def work() -> None:
        while waiting:
            try:
                answer, ask = waiting.popleft()
            except IndexError:
                return  # another thread was faster
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001 - raised where the answer is read
                answer.set_exception(error)

    for _ in range(min(len(answers), _WORKERS)):
        Thread(target=work, name="question", daemon=True).start()
    return answers, waiting
