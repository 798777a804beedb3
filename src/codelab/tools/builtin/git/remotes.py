"""Where a remote is, and what the repository last saw of it."""

from __future__ import annotations

import msgspec

from codelab.sdk import ToolContext, ToolError
from codelab.tools.builtin.git.asking import asked, commit_of
from codelab.tools.builtin.git.names import branch_name, remote_address, remote_name


class RemoteBranch(msgspec.Struct, frozen=True):
    """A branch of a remote.

    Args:
        remote: The remote's name.
        address: Where that is, with all of the repository's rewriting done.
        branch: The branch.
        commit: Where it was when it was last seen; empty when it was never.
    """

    remote: str
    address: str
    branch: str
    commit: str

    @property
    def title(self) -> str:
        """Name it as git does."""
        return f"{self.remote}/{self.branch}"

    @property
    def tracking(self) -> str:
        """Name the reference that remembers it."""
        return f"refs/remotes/{self.title}"


async def remote_branch(
    context: ToolContext, remote: str, branch: str, *, to_push: bool = False
) -> RemoteBranch:
    """Find out where a branch of a remote is.

    Raises:
        ToolError: There is no such remote, or none that CodeLab reaches.
    """
    name, branch = remote_name(remote), branch_name(branch)
    words = ("remote", "get-url", "--all", *(("--push",) if to_push else ()), name)
    addresses = (await asked(context, *words)).splitlines()
    if len(addresses) != 1:
        raise ToolError(f"{name} has {len(addresses)} addresses; CodeLab reaches one at a time.")
    address = remote_address(addresses[0])
    commit = await commit_of(context, f"refs/remotes/{name}/{branch}")
    return RemoteBranch(name, address, branch, commit)
