"""The limits of providers that one call has met, whether or not others know of them yet."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.llm.errors import ModelRateLimited


class MetLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a call has met.

    Args:
        failure: What was said of it.
        times: How often in a row.
        until: When it is asked again, in seconds of a clock that never goes back.
    """

    failure: CodeLabError
    times: int
    until: float


class MetLimits:
    """Paces one call that waits for providers, where no circuit does.

    One call alone closes a model to nobody else, so it must not ask in a row itself.

    Args:
        first_pause_s: The pause after a limit without a word of its end; it doubles each time.
        longest_pause_s: The longest such pause.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        first_pause_s: float,
        longest_pause_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._clock = clock
        self._met: dict[str, MetLimit] = {}

    def note(self, name: str, failure: CodeLabError) -> None:
        """Take a failure of a model into account: a limit, the end of one, or neither."""
        told_s = failure.retry_after_s
        if not isinstance(failure, ModelRateLimited) and told_s is None:
            self._met.pop(name, None)
            return
        before = self._met.get(name)
        times = before.times + 1 if before else 1
        # The exponent is bounded: the number must not be without end.
        pause_s = min(self._first_pause_s * 2.0 ** min(times - 1, 32), self._longest_pause_s)
        until = self._clock() + max(pause_s, told_s or 0.0)
        self._met[name] = MetLimit(failure=failure, times=times, until=until)

    def of(self, name: str) -> MetLimit | None:
        """Return the limit that the model has answered with last."""
        return self._met.get(name)

    def rest_s(self, name: str) -> float:
        """Return how long the model is to be left alone."""
        met = self._met.get(name)
        return max(0.0, met.until - self._clock()) if met else 0.0
