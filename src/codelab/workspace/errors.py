"""What can go wrong in a project folder; every sentence is fit for a model and for a human."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError, Conflict, Forbidden, InvalidInput, NotFound


class PathRefused(Forbidden):
    """The path leads outside, is hidden or excluded, or is not written as it should be."""

    code = "path_refused"
    title = "This path cannot be used"


class FileMissing(NotFound):
    """There is no such file or folder."""

    code = "file_not_found"
    title = "No such file"


class NotRegular(Forbidden):
    """The path names a folder, a pipe, a device or a socket where a file is needed."""

    code = "not_a_file"
    title = "Not a regular file"


class FileTooLarge(CodeLabError):
    """The file or the content is larger than CodeLab handles."""

    code = "file_too_large"
    title = "Too large"
    status = 413


class NotText(CodeLabError):
    """The file is binary or not in an encoding that CodeLab reads."""

    code = "not_text"
    title = "Not a text file"
    status = 415


class MaskWritten(CodeLabError):
    """The content holds a mask where a secret was, and writing it would destroy the secret."""

    code = "mask_written"
    title = "A secret would be lost"
    status = 422


class FileChanged(Conflict):
    """Somebody changed the file since it was looked at.

    Args:
        message: What to do.
        field: What was wrong.
        digest: What the file is now, where that is known: clients get it as the ETag.
    """

    code = "file_changed"
    title = "The file changed meanwhile"
    status = 412

    def __init__(self, message: str, *, field: str | None = None, digest: str = "") -> None:
        super().__init__(message, field=field)
        self.headers = {"ETag": f'"{digest}"'} if digest else {}


class FileReadOnly(Forbidden):
    """Nobody has the permission to write to the file; whoever wants to gives it back first."""

    code = "file_read_only"
    title = "The file is write-protected"


class NameTaken(Conflict):
    """Something has this name already, and nothing is ever replaced."""

    code = "name_taken"
    title = "The name is taken"


class FolderNotEmpty(Conflict):
    """The folder holds something, and only the folder itself was to be deleted."""

    code = "folder_not_empty"
    title = "The folder is not empty"


class NoImage(CodeLabError):
    """The file is no image of a kind that browsers show."""

    code = "no_image"
    title = "Not an image"
    status = 415


class DiskFull(CodeLabError):
    """There is no space left; the original file is whole."""

    code = "disk_full"
    title = "The disk is full"
    status = 507


class FileNotWritten(CodeLabError):
    """The operating system refused the change; the original file is whole."""

    code = "file_not_written"
    title = "The file could not be changed"
    status = 409


class WorkspaceGone(CodeLabError):
    """The workspace's folder does not exist any more."""

    code = "workspace_gone"
    title = "The workspace's folder is gone"
    status = 410


class WorkspaceRefused(InvalidInput):
    """This folder cannot become a workspace."""

    code = "workspace_refused"
    title = "This folder cannot be a workspace"


class PatternInvalid(InvalidInput):
    """The search pattern is not a valid regular expression of linear time."""

    code = "pattern_invalid"
    title = "The pattern is not valid"


class SearchFailed(CodeLabError):
    """The search could not be finished."""

    code = "search_failed"
    title = "The search failed"


class CommandRefused(InvalidInput):
    """The command line or its limits are not acceptable."""

    code = "command_refused"
    title = "The command is not acceptable"


class SandboxUnavailable(CodeLabError):
    """Commands are off, because nothing here can keep them in a box."""

    code = "sandbox_unavailable"
    title = "Commands are off"
    status = 503


class TerminalRefused(Forbidden):
    """This user may have no terminal here."""

    code = "terminal_refused"
    title = "Terminals are off"


class TerminalLimitReached(Conflict):
    """The user has as many terminals as they may."""

    code = "terminal_limit"
    title = "Too many terminals"


class CheckpointFailed(CodeLabError):
    """The state of a project could not be kept, or not be read again."""

    code = "checkpoint_failed"
    title = "The checkpoint failed"
    status = 503


class RemoteRefused(Forbidden):
    """This remote repository may not be reached from here, or not in this way."""

    code = "remote_refused"
    title = "This remote cannot be reached"


class NoRepository(Conflict):
    """The folder is no git repository, or one that CodeLab does not follow."""

    code = "no_repository"
    title = "No git repository"


class GitBusy(Conflict):
    """Another git process works in this repository."""

    code = "git_busy"
    title = "git is busy here"
    retryable = True


class GitRefused(Conflict):
    """git, or a rule of CodeLab's for it, stands against this; nothing was lost."""

    code = "git_refused"
    title = "git did not do this"
