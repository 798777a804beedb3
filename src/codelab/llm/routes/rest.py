"""The models, what calls have used, and all routes of this module together."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get
from litestar.params import FromQuery, QueryParameter

from codelab.auth.api import Principal
from codelab.kit.errors import Forbidden
from codelab.llm.accounting.repository import UsageGroup, UsageSum
from codelab.llm.routes.completions import Authorise, completions_route
from codelab.llm.service import Models
from codelab.sdk.model import ModelInfo, Usage

OwnRequest = Request[Principal, Any, Any]
Day = Annotated[str | None, QueryParameter(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class ModelsOffered(msgspec.Struct, frozen=True, kw_only=True):
    """The models of this server.

    Args:
        models: What may be chosen.
        roles: Which model serves which role.
        configured: Whether there is any.
        advice: What to set when something is missing.
    """

    models: list[ModelInfo]
    roles: dict[str, str]
    configured: bool
    advice: str


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What calls have used, by group and in all."""

    group: UsageGroup
    sums: list[UsageSum]
    total: Usage


def router(models: Models, authorise: Authorise) -> Router:
    """Make the routes.

    Args:
        models: The model layer.
        authorise: Finds out which service calls from the request's headers; raises a
            `CodeLabError` for those that may not.
    """

    @get("/models", tags=["models"], summary="List the models")
    async def list_models() -> ModelsOffered:
        """List what models this server offers, and what to set when it offers none."""
        health = models.health()
        return ModelsOffered(
            models=models.catalogue(),
            roles=models.roles(),
            configured=health.configured,
            advice=health.advice,
        )

    @get("/usage", tags=["models"], summary="Add up what model calls have used")
    async def usage(
        request: OwnRequest,
        group: FromQuery[UsageGroup] = "day",
        since: Day = None,
        until: Day = None,
        everybody: FromQuery[bool] = False,
    ) -> UsageReport:
        """Add up one's own calls, or as an administrator everybody's, by group."""
        if (everybody or group == "user") and not request.user.is_admin:
            raise Forbidden("Only administrators may see what others use.")
        user_id = None if everybody or group == "user" else request.user.user_id
        sums = await models.usage(group, user_id=user_id, since=since, until=until)
        return UsageReport(group=group, sums=sums, total=_total(sums))

    return Router("/", route_handlers=[list_models, usage, completions_route(models, authorise)])


def _total(sums: list[UsageSum]) -> Usage:
    total = Usage()
    for one in sums:
        total = total.plus(
            Usage(
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                cached_tokens=one.cached_tokens,
                cost_usd=one.cost_usd,
                estimated=one.estimated,
            )
        )
    return total
