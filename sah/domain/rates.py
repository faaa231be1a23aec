"""How often somebody may do something: an allowance that is used up and fills up again."""

import threading

_MINUTE_S = 60.0
_ROUNDING = 1e-9


class Allowances:
    """What each caller has left of so many calls a minute.

    An allowance starts full and fills up evenly, so that a burst is fine and Retry-After
    is exact. What is full again is forgotten. Threads may share one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}
        self._tidied_at = float("-inf")

    def take(self, who: str, most: int, now_s: float) -> float:
        """Take one call of ``most`` a minute; say how many seconds to wait, 0 when it was taken.

        ``now_s`` is of a clock that never goes back.
        """
        with self._lock:
            self._tidy(now_s)
            left, at_s = self._left.get(who, (float(most), now_s))
            left = min(float(most), left + (now_s - at_s) * most / _MINUTE_S)
            taken = left > 1 - _ROUNDING
            self._left[who] = (left - 1 if taken else left, now_s)
            return 0.0 if taken else (1 - left) * _MINUTE_S / most

    def clear(self) -> None:
        """Give everybody a full allowance."""
        with self._lock:
            self._left.clear()

    def __len__(self) -> int:
        """Count those whose allowance is remembered."""
        return len(self._left)

    def _tidy(self, now_s: float) -> None:
        if now_s - self._tidied_at < _MINUTE_S:
            return
        self._tidied_at = now_s
        recent = now_s - _MINUTE_S
        self._left = {who: found for who, found in self._left.items() if found[1] > recent}
