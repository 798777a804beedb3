import pytest

from codelab.hitl.commands.guarded import guard_command, guard_paths
from codelab.hitl.commands.wrappers import understand

ROOT = "/srv/work/project"
MORE = ("conf/policy.toml",)


def reason(text: str, folder: str = "", root: str | None = ROOT) -> str:
    return guard_command(understand(text).steps, root, folder, MORE)


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".codelab",
            ".codelab/policy.toml",
            ".CodeLab/x/y",
            "src/.codelabignore",
            "AGENTS.md",
            "docs/agents.md",
        ),
        *("CLAUDE.md", "a/b/Claude.MD", "GEMINI.md", ".cursorrules", ".cursor/rules/a/b.mdc"),
        *(".github/copilot-instructions.md", ".windsurfrules", ".clinerules", ".clinerules/x"),
        *(".git/hooks/pre-commit", ".git/hooks", ".git", ".git/config", "sub/.git/hooks/x"),
        *(".git/modules/x/hooks/y", "conf/policy.toml", "conf", "./conf//policy.toml"),
        *("docs/../AGENTS.md", ".git/objects/../hooks/x", f"{ROOT}/AGENTS.md", "CONF/policy.toml"),
    ],
)
def test_files_that_steer_agents_policy_or_git_are_guarded(path: str) -> None:
    for root in (ROOT, None):
        if root or not path.startswith("/"):
            assert guard_paths(("a", path), root, MORE)


@pytest.mark.parametrize(
    "path",
    [
        *("a", "docs/agents.txt", "agents.md.txt", ".gitignore", ".github/workflows/a.yml"),
        *("hooks/pre-commit", "git/config", "conf2/policy.toml", "conf/other.toml", "policy.toml"),
        *(".cursor/x", "rules/a", ".", ""),
    ],
)
def test_other_files_are_not_guarded(path: str) -> None:
    assert guard_paths((path,), ROOT, MORE) == ""
    assert guard_paths((path,), "/data/.codelab/AGENTS.md", MORE) == ""


@pytest.mark.parametrize(
    "text",
    [
        *("cp x AGENTS.md", "cp x ./docs/../AGENTS.md", "cp x 'AGENTS'.md", "cp x a\\gents.md"),
        *("cp x .git/hooks/pre-commit", "cp x --target-directory=.git/hooks", "cp -t.git/hooks x"),
        *(
            "dd if=x of=.git/hooks/y",
            "curl -o.git/config x",
            "rm -r .git",
            f"cp x {ROOT}/CLAUDE.md",
        ),
        *(
            "python -c \"open('AGENTS.md', 'w')\"",
            "sed -i s/a/b/ GEMINI.md",
            "scp x host:.git/config",
        ),
        *("cd .github && cp x copilot-instructions.md", "cd .cursor && cp x rules/y"),
        *("cd .git && cp x hooks/y", "cd conf && cp x policy.toml", "cp x conf/policy.toml"),
        *("mv y conf", "sh -c 'cp x AGENTS.md'", "sudo cp x AGENTS.md", "timeout 5 rm .codelab"),
        *("xargs rm AGENTS.md", "git config core.hooksPath x", "git config core.HOOKSPATH x"),
        *(
            "git -c core.hooksPath=x commit",
            "git -ccore.hooksPath=x log",
            "git config alias.x '!rm'",
        ),
        *("git -c alias.x='!rm' x", "git --config-env=core.pager=X log", "git --exec-path=x y"),
        *("git -C y -c core.sshCommand=x fetch", "git config --global core.editor x"),
        *("/usr/bin/git config core.pager x", "git -c include.path=x log", "tar xf y .cursorrules"),
        *("echo $(cp x AGENTS.md)", "cat AGENTS.md", "git commit -m 'Change AGENTS.md'"),
    ],
)
def test_a_command_that_names_a_guarded_file_asks(text: str) -> None:
    assert reason(text)


@pytest.mark.parametrize(
    "text",
    [
        *("git status", "git commit -m 'Change agents'", "git -c color.ui=false log"),
        *("git -c user.name=Ann commit", "git config --get remote.origin.url", "git config --list"),
        *(
            "git config user.email a@b",
            "grep -r --exclude-dir=.git x",
            "cat .gitignore",
            "ls conf2",
        ),
        *(
            "cp x hooks/y",
            "cp x rules/y",
            "git -C sub status",
            "echo config.git",
            "cat policy.toml",
        ),
        *("git log -- src", "git -c", "git", ""),
    ],
)
def test_other_commands_do_not_ask(text: str) -> None:
    assert reason(text) == ""


def test_the_folder_in_which_a_command_runs_counts() -> None:
    assert reason("cp x policy.toml", folder="conf")
    assert reason("cp x ../AGENTS.md", folder="conf")
    assert reason("cp x policy.toml", folder="other") == ""
    assert reason("cp x conf/policy.toml", root=None)
    assert reason("ls src", root="/data/.codelab/work") == ""
