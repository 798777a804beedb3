"""Texts checked over HTTP, whether they have been saved or not."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import JSONBody

from codelab.sdk.code.problems import Checked
from codelab.workspace.routes.parameters import ExplorerService, OwnRequest, WorkspaceId


class CodeText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to be checked; the path's ending says its language."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    content: Annotated[str, msgspec.Meta(max_length=1_000_000)]


@post("/workspaces/{workspace_id:str}/problems", status_code=200)
async def check_text(
    workspace_id: WorkspaceId,
    data: JSONBody[CodeText],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Checked:
    """Say where a text is not valid in its language; it need not have been saved."""
    return await explorer.checking.check(request.user, workspace_id, data.path, data.content)


ROUTES = (check_text,)
