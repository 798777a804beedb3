"""What models there are, and what calls have used."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get
from litestar.params import FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from codelab.auth.api import Principal
from codelab.kit.errors import Forbidden
from codelab.llm.accounting.repository import UsageFilter, UsageGroup, UsageSum
from codelab.llm.accounting.standing import Standing
from codelab.llm.circuits import RestingModel
from codelab.llm.routes.admin import administration
from codelab.llm.routes.completions import Authorise, service_completions
from codelab.llm.service import Models
from codelab.sdk.model import ModelInfo, Usage

OwnRequest = Request[Principal, Any, Any]
Day = Annotated[str | None, QueryParameter(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Name = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]


class ModelsOffered(msgspec.Struct, frozen=True, kw_only=True):
    """The models of this server.

    Args:
        models: What may be chosen.
        roles: Which model serves which role.
        configured: Whether there is any.
        advice: What to set when something is missing.
        resting: Models that have just failed and are not asked for the moment.
    """

    models: list[ModelInfo]
    roles: dict[str, str]
    configured: bool
    advice: str
    resting: list[RestingModel]


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What calls have used, by group and in all."""

    group: UsageGroup
    sums: list[UsageSum]
    total: Usage


class SpendingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one may still spend.

    Args:
        caps: How each cap stands that is set.
        requests_per_hour: How many calls of models a user may make within an hour.
    """

    caps: list[Standing]
    requests_per_hour: int


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
            resting=models.resting(),
        )

    @get("/usage", tags=["models"], summary="Add up what model calls have used")
    async def usage(
        request: OwnRequest,
        group: FromQuery[UsageGroup] = "day",
        since: Day = None,
        until: Day = None,
        session_id: Name = None,
        agent: Name = None,
        model: Name = None,
        everybody: FromQuery[bool] = False,
        user: Name = None,
    ) -> UsageReport:
        """Add up one's own calls, or as an administrator everybody's or a user's, by group."""
        own = request.user.user_id
        if (everybody or group == "user" or user not in (None, own)) and not request.user.is_admin:
            raise Forbidden("Only administrators may see what others use.")
        chosen = UsageFilter(
            user_id=user or (None if everybody or group == "user" else own),
            session_id=session_id,
            agent=agent,
            model=model,
            since=since,
            until=until,
        )
        sums = await models.usage(group, chosen)
        return UsageReport(group=group, sums=sums, total=_total(sums))

    @get("/usage/limits", tags=["models"], summary="See what may still be spent")
    async def limits(request: OwnRequest, session_id: Name = None) -> SpendingLimits:
        """Say how the caps stand on what one's own model calls may cost.

        What the whole server has spent is told to administrators only.
        """
        caps = await models.standing(request.user.user_id, session_id=session_id or "")
        shown = [cap for cap in caps if cap.scope != "server" or request.user.is_admin]
        return SpendingLimits(caps=shown, requests_per_hour=models.requests_per_hour)

    routes: list[ControllerRouterHandler] = [
        list_models,
        usage,
        limits,
        service_completions(models, authorise),
    ]
    if models.added:
        routes.append(administration(models, models.added))
    return Router("/", route_handlers=routes)


def _total(sums: list[UsageSum]) -> Usage:
    total = Usage()
    for one in sums:
        total = total.plus(
            Usage(
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                cached_tokens=one.cached_tokens,
                cache_write_tokens=one.cache_write_tokens,
                cost_usd=one.cost_usd,
                estimated=one.estimated,
            )
        )
    return total
