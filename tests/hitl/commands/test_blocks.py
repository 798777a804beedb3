import pytest

from codelab.hitl.commands.blocks import refuse_command, refuse_paths
from codelab.hitl.commands.wrappers import understand

ROOT = "/srv/work/project"


def refusal(text: str, folder: str = "", root: str | None = ROOT) -> str:
    return refuse_command(understand(text).steps, root, folder)


@pytest.mark.parametrize(
    "text",
    [
        *("rm -rf /", "rm -fr /", "rm -r -f /", "rm -R /", "rm --recursive /", "rm --rec -f /"),
        *("rm / -rf", "rm -f -- / -r; rm -rf -- /", "rm -rfv //", "rm -rf /.", "rm -rf /usr/.."),
        *("rm -rf /etc", "rm -rf /usr/", "rm -rf /home", "rm -rf /home/ann", "rm -rf /root"),
        *("rm -rf ~", "rm -rf ~/", "rm -rf ~ann", "rm -rf $HOME", 'rm -rf "$HOME"/'),
        *('rm -rf "${HOME}"', "rm -rf ${HOME:?}/", "rm -rf ~/../ann", "rm -rf ~/*", "rm -rf ~+"),
        *("rm -rf .", "rm -rf ./", "rm -rf ..", "rm -rf ../..", "rm -rf src/..", "rm -rf $PWD"),
        *(f"rm -rf {ROOT}", f"rm -rf {ROOT}/", "rm -rf /srv/work", "rm -rf ../project"),
        *(f"rm -rf {ROOT}/src/../*", "rm -rf *", "rm -rf ./*", "rm -rf .*", "rm -rf {*,.*}"),
        *("rm -rf * .[!.]*", "rm -rf /*", "rm -rf /*/*", "rm -rf */", "rm -rf {.,x}"),
        *("rm -rf x .", "rm -f{r,} .", "r\\m -rf /", "'rm' -rf /", '"r"m -r"f" /', "rm -rf '/'"),
        *("/bin/rm -rf /", "sudo rm -rf /", "xargs rm -rf /", "timeout 5 rm -rf /"),
        *("A=b rm -rf /", "busybox rm -rf /", "sh -c 'rm -rf /'", "eval 'rm -rf /'"),
        *("sudo -u x env A=b sh -c 'cd /; rm -fr *'", "echo $(rm -rf /)", "echo `rm -rf /`"),
        *("if x; then rm -rf /; fi", "(rm -rf /)", "{ rm -rf /; }", "> x rm -rf /", "rm -rf / >x"),
        *("ls\nrm -rf /", "ls & rm -rf /", "ls |& rm -rf /", "rm -rf / \\", "rm -rf / 'x"),
        *("cd / && rm -rf *", "cd /; rm -rf *", "cd / || rm -rf *", "cd .. && rm -rf project"),
        *("cd build; rm -rf *", "cd build || rm -rf *", "true || cd build && rm -rf *"),
        *("! cd build && rm -rf *", "cd build && cd .. && rm -rf *", "cd && rm -rf *"),
        *("(cd build && ls); rm -rf *", "sh -c 'cd build' && rm -rf *", "cd build | rm -rf *"),
        *("eval 'cd /' && rm -rf *", "command cd / && rm -rf *", "env -C / rm -rf *"),
        *("cd -P -- / && rm -rf *", "pushd / && rm -rf *", "cd $x; rm -rf *", "rm -rf $HOME/."),
        *("find . -delete", "find -delete", "find . -type f -delete", "find / -name x -delete"),
        *("find . -name '*' -delete", "find . ! -name x -delete", "find ~ -name x -delete"),
        *("find . -name x -o -delete", "find . -exec rm -rf '{}' +", "find src .. -delete"),
        *("find . -type f -exec sh -c 'rm \"$1\"' x '{}' ';'", "find -L . -execdir rm '{}' +"),
    ],
)
def test_a_root_a_home_and_the_workspace_are_never_deleted(text: str) -> None:
    assert refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("rm -rf build", "rm -rf ./build/", "rm -rf build/*", "rm -rf src/../build", "rm x"),
        *("rm -f *", "rm /", "rm -f -- -r /", "rm -rf -- -x", "rm -rf /srv/work/project2"),
        *(f"rm -rf {ROOT}/build", "rm -rf /home/ann/x", "rm -rf ~/x", "rm -rf $HOME/x/y"),
        *("rm -rf '*'", "rm -rf '~'", "rm -rf '$HOME'", "rm -rf \\*", "rm -rf *.o", "rm -rf $x"),
        *("rm -rf src/*/*", "rm -rf '{*,.*}'", "rm -rf {a,b}", "echo rm -rf /", "rm -rf -- '/x/y'"),
        *("cd build && rm -rf *", "cd build && make && rm -rf *", "(cd build && rm -rf *)"),
        *("cd $x && rm -rf *", "cd - && rm -rf *", "env -C build rm -rf *", "ls # rm -rf /"),
        *("find . -name '*.pyc' -delete", "find build -delete", "find . -name x -exec rm '{}' +"),
        *("find . -name a -o -name b -delete", "find . -type f", "find . -exec grep x '{}' +"),
        *("git rm -r x", "rmdir /", "echo 'rm -rf /'", ""),
    ],
)
def test_what_may_be_asked_about_is_not_blocked(text: str) -> None:
    assert refusal(text) == ""


def test_the_folder_in_which_the_command_runs_counts() -> None:
    assert refusal("rm -rf *", folder="build") == ""
    assert refusal("rm -rf ..", folder="build")
    assert refusal("rm -rf ../*", folder="build")
    assert refusal("rm -rf ../lib", folder="build") == ""


def test_an_unknown_workspace_is_not_deleted_either() -> None:
    assert refusal("rm -rf .", root=None)
    assert refusal("rm -rf ..", root=None)
    assert refusal("rm -rf x", root=None) == ""
    assert refusal(f"rm -rf {ROOT}", root=None) == ""


@pytest.mark.parametrize("path", ["", ".", "./", "sub/..", "..", "../..", "/", "/etc", ROOT])
def test_a_tool_that_deletes_may_not_delete_the_workspace(path: str) -> None:
    assert refuse_paths("delete_file", ("a", path), ROOT)
    assert refuse_paths("write_file", (path,), ROOT) == ""


@pytest.mark.parametrize("path", ["a", "a/..b", "~", "*", "a/../b"])
def test_a_tool_may_delete_what_is_inside(path: str) -> None:
    assert refuse_paths("delete_file", (path,), ROOT) == ""
    assert refuse_paths("delete_file", (path,), None) == ""


def test_too_many_folders_are_not_followed() -> None:
    assert refusal("; ".join(f"cd d{number}" for number in range(200)) + "; rm -rf x")
