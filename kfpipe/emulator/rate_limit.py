"""How many requests any one second may hold. Real time: the limit is about the client's pace, not the account's day."""

from collections import deque
from collections.abc import Callable


class RateLimit:
    """Admits at most `limit` requests in every window of one real second, wherever the window starts."""

    def __init__(self, limit: int, real_s: Callable[[], float]) -> None:
        """`real_s` tells the time in real seconds, from any beginning."""
        self.limit = limit
        self._real_s = real_s
        self._admitted_s: deque[float] = deque()

    def admits(self) -> bool:
        """Whether a request that comes now is within the limit; it counts only if it is."""
        now_s = self._real_s()
        while self._admitted_s and self._admitted_s[0] <= now_s - 1.0:
            self._admitted_s.popleft()
        if len(self._admitted_s) >= self.limit:
            return False
        self._admitted_s.append(now_s)
        return True
