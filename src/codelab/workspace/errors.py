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
    """Somebody changed the file since it was looked at."""

    code = "file_changed"
    title = "The file changed meanwhile"
    status = 412


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
