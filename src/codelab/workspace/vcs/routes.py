"""A workspace's repository over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.workspace.vcs.branches import BranchList
from codelab.workspace.vcs.comparing import LARGEST_SIDE, FileComparison
from codelab.workspace.vcs.discarding import MOST_AT_ONCE, KeptFile
from codelab.workspace.vcs.history import CommitDetails, CommitPage
from codelab.workspace.vcs.service import Discarded, PutBack, VersionControl
from codelab.workspace.vcs.state import RepositoryStatus

OwnRequest = Request[Principal, Any, Any]
Service = NamedDependency[VersionControl]
WorkspaceId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
CommitId = Annotated[str, PathParameter(pattern="^([0-9a-f]{40}|[0-9a-f]{64})$")]
Place = Annotated[str, QueryParameter(max_length=4000)]
Needed = Annotated[str, QueryParameter(min_length=1, max_length=4000)]
Start = Annotated[str, QueryParameter(max_length=200)]
Flag = Annotated[bool, QueryParameter()]
Skip = Annotated[int, QueryParameter(ge=0, le=1_000_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
BranchPath = Annotated[str, PathParameter()]

_LARGEST_BODY = 3 * LARGEST_SIDE

Path = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Paths(_Body, frozen=True, kw_only=True):
    """Files and folders; `.` is all of the workspace."""

    paths: Annotated[list[Path], msgspec.Meta(min_length=1, max_length=2000)]


class StagedText(_Body, frozen=True, kw_only=True):
    """What the next commit has in a file; `before` is the hash of what is staged of it now."""

    path: Path
    text: Annotated[str, msgspec.Meta(max_length=LARGEST_SIDE)]
    before: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]


class DiscardedFile(_Body, frozen=True, kw_only=True):
    """A file as `discard` has kept it."""

    path: Path
    blob: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{40}|[0-9a-f]{64})?$")]
    executable: bool = False


class DiscardedFiles(_Body, frozen=True, kw_only=True):
    """What is to be put back."""

    files: Annotated[list[DiscardedFile], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]


class CommitMessage(_Body, frozen=True, kw_only=True):
    """The message of a commit."""

    message: Annotated[
        str, msgspec.Meta(min_length=1, max_length=10_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]


class NewBranch(_Body, frozen=True, kw_only=True):
    """A branch; `start` is a branch or a commit, by default the current one."""

    name: Name
    start: Annotated[str, msgspec.Meta(max_length=200)] = ""


class BranchChoice(_Body, frozen=True, kw_only=True):
    """The branch to switch to."""

    branch: Name


@get("/status", summary="Say where the repository stands")
async def read_status(
    workspace_id: WorkspaceId, request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Return the branch and the changed files; without a repository, a state that says so."""
    return await vcs.status(request.user, workspace_id)


@get("/diff", summary="Compare a file")
async def compare_file(
    workspace_id: WorkspaceId, request: OwnRequest, vcs: Service, path: Needed, staged: Flag = False
) -> FileComparison:
    """Compare a file with what is staged of it, or what is staged with the last commit."""
    return await vcs.compare(request.user, workspace_id, path, staged=staged)


@post("/stage", summary="Stage changes", status_code=200)
async def stage(
    workspace_id: WorkspaceId, data: JSONBody[Paths], request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Put what has changed in files and folders into the next commit."""
    return await vcs.stage(request.user, workspace_id, data.paths)


@post("/unstage", summary="Unstage changes", status_code=200)
async def unstage(
    workspace_id: WorkspaceId, data: JSONBody[Paths], request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Take files and folders out of the next commit; what is in them stays."""
    return await vcs.unstage(request.user, workspace_id, data.paths)


@put("/index", summary="Stage a part of a file")
async def stage_text(
    workspace_id: WorkspaceId, data: JSONBody[StagedText], request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Stage a text for a file, whatever the file holds: some of its hunks."""
    return await vcs.stage_text(request.user, workspace_id, data.path, data.text, data.before)


@post("/discard", summary="Discard changes", status_code=200)
async def discard(
    workspace_id: WorkspaceId, data: JSONBody[Paths], request: OwnRequest, vcs: Service
) -> Discarded:
    """Give up changes that are not staged, new files among them; the answer brings them back."""
    return await vcs.discard(request.user, workspace_id, data.paths)


@post("/undiscard", summary="Put back what was discarded", status_code=200)
async def undiscard(
    workspace_id: WorkspaceId, data: JSONBody[DiscardedFiles], request: OwnRequest, vcs: Service
) -> PutBack:
    """Put back what `discard` has kept, where the file has not changed since."""
    files = [
        KeptFile(path=one.path, blob=one.blob, executable=one.executable) for one in data.files
    ]
    return await vcs.undiscard(request.user, workspace_id, files)


@post("/commit", summary="Commit what is staged", status_code=200)
async def commit(
    workspace_id: WorkspaceId, data: JSONBody[CommitMessage], request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Commit in one's own name, without the repository's hooks."""
    return await vcs.commit(request.user, workspace_id, data.message)


@get("/branches", summary="List the branches")
async def list_branches(workspace_id: WorkspaceId, request: OwnRequest, vcs: Service) -> BranchList:
    """Return the branches, and those of remotes as they were last seen."""
    return await vcs.branches(request.user, workspace_id)


@post("/branches", summary="Make a branch", status_code=200)
async def create_branch(
    workspace_id: WorkspaceId, data: JSONBody[NewBranch], request: OwnRequest, vcs: Service
) -> BranchList:
    """Make a branch; the files stay on the current one."""
    return await vcs.create_branch(request.user, workspace_id, data.name, data.start)


@delete("/branches/{name:path}", summary="Delete a merged branch")
async def delete_branch(
    workspace_id: WorkspaceId, name: BranchPath, request: OwnRequest, vcs: Service
) -> None:
    """Delete a branch all of whose commits another one has."""
    await vcs.delete_branch(request.user, workspace_id, name.removeprefix("/"))


@post("/switch", summary="Switch to a branch", status_code=200)
async def switch(
    workspace_id: WorkspaceId, data: JSONBody[BranchChoice], request: OwnRequest, vcs: Service
) -> RepositoryStatus:
    """Put the files on a branch; changes that are not committed go along."""
    return await vcs.switch(request.user, workspace_id, data.branch)


@get("/log", summary="List commits")
async def read_log(
    workspace_id: WorkspaceId,
    request: OwnRequest,
    vcs: Service,
    path: Place = "",
    start: Start = "",
    skip: Skip = 0,
    limit: Limit = 50,
) -> CommitPage:
    """Return a page of the log, newest first."""
    return await vcs.log(request.user, workspace_id, path=path, start=start, skip=skip, limit=limit)


@get("/commits/{commit_id:str}", summary="Show a commit")
async def read_commit(
    workspace_id: WorkspaceId, commit_id: CommitId, request: OwnRequest, vcs: Service
) -> CommitDetails:
    """Return a commit with its message and the files that it changed."""
    return await vcs.details(request.user, workspace_id, commit_id)


@get("/commits/{commit_id:str}/diff", summary="Compare a file of a commit")
async def compare_committed(
    workspace_id: WorkspaceId,
    commit_id: CommitId,
    request: OwnRequest,
    vcs: Service,
    path: Needed,
) -> FileComparison:
    """Return a file before and after a commit."""
    return await vcs.compare_commit(request.user, workspace_id, commit_id, path)


@post("/init", summary="Make a repository")
async def found(workspace_id: WorkspaceId, request: OwnRequest, vcs: Service) -> RepositoryStatus:
    """Make an empty repository in a folder that has none."""
    return await vcs.found(request.user, workspace_id)


def router(vcs: VersionControl) -> Router:
    """Make the routes of version control, to be mounted under the API's path."""
    return Router(
        path="/workspaces/{workspace_id:str}/git",
        route_handlers=[
            read_status,
            compare_file,
            stage,
            unstage,
            stage_text,
            discard,
            undiscard,
            commit,
            list_branches,
            create_branch,
            delete_branch,
            switch,
            read_log,
            read_commit,
            compare_committed,
            found,
        ],
        dependencies={"vcs": Provide(lambda: vcs, sync_to_thread=False)},
        request_max_body_size=_LARGEST_BODY,
        tags=["git"],
    )
