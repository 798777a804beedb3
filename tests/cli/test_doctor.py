"""`codelab doctor` and `codelab models` on a real installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelab.cli.checks import Finding
from codelab.cli.doctor import check_secret, report
from codelab.kit.secret_key import new_key
from codelab.settings import Secrets, Settings, Stores
from tests.cli.installed import Installation

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "OLLAMA_HOST")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    for name in KEYS:
        made.environment.pop(name, None)
    # Where nothing listens, so that an Ollama of the machine's own is not found.
    made.environment["OLLAMA_HOST"] = "127.0.0.1:1"
    return made


def test_a_fresh_machine_lacks_nothing_that_is_needed(installation: Installation) -> None:
    done = installation.run("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in (
        "Python",
        "SQLite",
        "database",
        "Redis",
        "secret",
        "models",
        "sandbox",
        "git",
        "ripgrep",
        "index",
        "disk",
        "clock",
    ):
        assert f" {name}: " in done.stdout
    assert "codelab migrate" in done.stdout
    assert "OPENAI_API_KEY" in done.stdout


def test_what_is_missing_is_exit_code_1_with_advice(installation: Installation) -> None:
    url = "postgresql+asyncpg://ann:hunter2@127.0.0.1:1/x"
    done = installation.run("doctor", environment={"CODELAB_DATABASE_URL": url})
    assert done.returncode == 1
    assert "✗ database: " in done.stdout and "CODELAB_DATABASE_URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_without_models_it_is_said_what_to_set(installation: Installation) -> None:
    done = installation.run("models")
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stdout


def test_a_model_that_does_not_answer_is_named(installation: Installation) -> None:
    models = installation.home / "models.yaml"
    models.write_text(
        "model_list:\n"
        "  - model_name: nearby\n"
        "    litellm_params:\n"
        "      model: openai/nearby\n"
        "      api_base: http://127.0.0.1:1/v1\n"
        "      api_key: sk-none-of-this-is-real\n"
    )
    files = {"CODELAB_MODELS_FILE": str(models)}
    listed = installation.run("models", environment=files)
    assert listed.returncode == 0, listed.stderr
    assert "nearby" in listed.stdout and "coding: nearby" in listed.stdout
    checked = installation.run("models", "--check", environment=files)
    assert checked.returncode == 1
    assert "nearby: " in checked.stdout
    assert "sk-none" not in checked.stdout + checked.stderr


def test_a_key_that_others_may_read_is_weak(tmp_path: Path) -> None:
    settings = Settings(stores=Stores(data_dir=str(tmp_path)))
    assert check_secret(settings).level == "ok"
    key = tmp_path / "secret.key"
    key.write_text(new_key())
    key.chmod(0o600)
    assert check_secret(settings).level == "ok"
    key.chmod(0o644)
    found = check_secret(settings)
    assert found.level == "weak" and "chmod 600" in found.mend


def test_a_placeholder_for_a_key_is_as_good_as_none() -> None:
    assert check_secret(Settings(secrets=Secrets(secret_key="changeme" * 8))).level == "missing"
    assert check_secret(Settings(secrets=Secrets(secret_key=new_key()))).level == "ok"


def test_advice_stands_below_its_finding() -> None:
    finding = Finding(name="git", level="weak", text="not installed", mend="Install git.")
    assert report(finding) == "! git: not installed\n    Install git."
