"""The limit of calls per user and hour."""

from __future__ import annotations

from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.model import Completion, ModelClient, ModelRequest, OnDelta


class RequestLimited:
    """Counts each call against its user's limit; a service's own calls are nobody's.

    Args:
        client: The client that does the work.
        limiter: Counts.
        per_hour: How many calls an hour holds.
        user_id: Whose calls they are; empty for nobody's.
    """

    def __init__(
        self, client: ModelClient, limiter: RateLimiter, per_hour: int, user_id: str
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._per_hour = per_hour
        self._user_id = user_id

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            RateLimited: The user has made too many calls within an hour.
        """
        if self._user_id:
            await self._limiter.hit("llm_requests", self._per_hour, self._user_id)
        return await self._client.stream(request, on_delta)
