"""Which git commands run, and with which settings; pure."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.workspace.errors import CommandRefused
from codelab.workspace.sandbox.box import Access

_READING = frozenset(
    {
        *("cat-file", "check-attr", "diff", "for-each-ref", "hash-object", "log", "ls-files"),
        "merge-base",
        *("merge-tree", "rev-parse", "show", "status", "version"),
    }
)
_HISTORY = frozenset({"symbolic-ref", "update-index", "update-ref"})
_STORING = ("hash-object", "-w")
_CHANGING = frozenset({"add", "commit", "merge", "restore", "rm", "switch"})
_REACHING = frozenset({"fetch", "ls-remote", "push"})
_SHOWING = frozenset({"diff", "log", "show"})
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv")
# What a repository may ask git to run, switched off; the box holds what cannot be named here.
_SETTINGS = (
    "checkout.guess=false",
    "color.ui=never",
    "commit.gpgSign=false",
    "core.alternateRefsCommand=true",
    "core.askPass=true",
    "core.attributesFile=/dev/null",
    "core.editor=false",
    "core.excludesFile=/dev/null",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "core.safecrlf=false",
    "core.sshCommand=false",
    "core.untrackedCache=false",
    "core.warnAmbiguousRefs=false",
    "gc.auto=0",
    "gpg.program=false",
    "i18n.commitEncoding=UTF-8",
    "log.showRoot=true",
    "log.showSignature=false",
    "maintenance.auto=false",
    "merge.autoStash=false",
    # The base between both sides tells what each of them meant.
    "merge.conflictStyle=diff3",
    "merge.verifySignatures=false",
    "protocol.allow=never",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.pushOption=",
    # Resolutions that somebody planted would be taken for what a human decided.
    "rerere.enabled=false",
    # Files of the project that look like a repository without a work tree are none.
    "safe.bareRepository=explicit",
    # In the box the folder may seem to belong to somebody else.
    "safe.directory=*",
    "submodule.recurse=false",
    "user.email=codelab@localhost",
    "user.name=CodeLab",
)
_ENVIRONMENT = (
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_EDITOR=false",
    "GIT_GRAFT_FILE=/dev/null/none",
    # What is shown is what others get: no object stands for another one.
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_OPTIONAL_LOCKS=0",
    # Over whatever core.worktree names.
    "GIT_WORK_TREE=.",
)
# A merge that is only tried out keeps what it makes in the box's own scratch folder.
_TRYING_OUT = 'export GIT_OBJECT_DIRECTORY="$TMPDIR" GIT_ALTERNATE_OBJECT_DIRECTORIES=.git/objects'
# Programs whose settings have names that only the repository knows: over each that is found there,
# a setting with the same name is put. What merges files then is git's own merge.
_NAMED_PROGRAMS = (
    r"^(filter\..*\.(clean|smudge|process|required)|merge\..*\.driver"
    r"|branch\..*\.mergeoptions)$"
)
_SCRIPT = f"""
listed() {{
  git -c "safe.directory=*" -c safe.bareRepository=explicit \\
    config --name-only --get-regexp '{_NAMED_PROGRAMS}'
}}
keys=$(listed 2>/dev/null)
if [ $? -gt 1 ]; then
  # It says why its settings cannot be read; without them, nothing is known to be off.
  listed >/dev/null
  exit 128
fi
n=0
while IFS= read -r key; do
  case "$key" in
    "") continue ;;
    *.driver) value="git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B" ;;
    *.mergeoptions) value="--no-edit" ;;
    *.required) value=false ;;
    *) value= ;;
  esac
  export "GIT_CONFIG_KEY_$n=$key" "GIT_CONFIG_VALUE_$n=$value"
  n=$((n + 1))
done <<EOF
$keys
EOF
export GIT_CONFIG_COUNT=$n
exec git "$@"
"""


def access_of(arguments: Sequence[str]) -> Access:
    """Tell what a git command that reaches no remote needs to change.

    Raises:
        CommandRefused: It is none of those that CodeLab runs.
    """
    name = arguments[0] if arguments else ""
    if tuple(arguments[:2]) == _STORING:
        return Access.HISTORY
    if name in _READING or tuple(arguments[:2]) == ("remote", "get-url"):
        return Access.READ
    if name in _HISTORY:
        return Access.HISTORY
    if name in _CHANGING:
        return Access.COMMIT
    raise CommandRefused(f"CodeLab does not run `git {name}` here.", field="command")


def git_command(arguments: Sequence[str]) -> list[str]:
    """Return the whole command line of a git command with safe settings.

    Raises:
        CommandRefused: An argument would be cut short.
    """
    if any("\0" in word for word in arguments):
        raise CommandRefused("What git is told must hold no NUL character.", field="command")
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    name, *others = arguments
    plain = _PLAIN_DIFF if name in _SHOWING else ()
    words = ["--no-pager", *settings, name, *plain, *others]
    if name in _REACHING:
        # The repository's settings are not read at all then; whoever gives network gives others.
        return ["env", *_ENVIRONMENT, "git", *words]
    script = _TRYING_OUT + _SCRIPT if name == "merge-tree" else _SCRIPT
    return ["env", *_ENVIRONMENT, "GIT_ALLOW_PROTOCOL=", "/bin/sh", "-c", script, "git", *words]
