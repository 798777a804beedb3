"""Settings: where they come from, what is refused, and that secrets don't show."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.sections import SettingsInvalid, what_it_takes
from codelab.settings import SECTIONS, Settings, load

NAMES = [(kind, field) for kind in SECTIONS.values() for field in msgspec.structs.fields(kind)]
MARK = "hunter2-marked-secret"


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = load({"CODELAB_DATA_DIR": str(tmp_path)})
    assert settings.data_dir == tmp_path
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'codelab.db'}"
    assert settings.stores.redis_url == ""
    assert settings.approvals.hitl_timeout_s == 300


def test_names_are_unique_over_all_sections() -> None:
    names = [field.name for _, field in NAMES]
    assert len(names) == len(set(names))
    assert {*SECTIONS, "config_file"} == set(Settings.__struct_fields__)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "codelab.toml"
    file.write_text('log_level = "debug"\nMAX_STEPS = 7\nallowed_origins = ["https://a.example"]\n')
    settings = load({"CODELAB_LOG_LEVEL": "error"}, file)
    assert settings.logs.log_level == "error"
    assert settings.turns.max_steps == 7
    assert settings.web.allowed_origins == ("https://a.example",)


def test_lists_are_comma_separated() -> None:
    settings = load({"CODELAB_TRUSTED_PROXIES": " 10.0.0.0/8, ,192.0.2.1 ,"})
    assert settings.web.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")
    assert load({"CODELAB_ALLOWED_HIDDEN": ""}).projects.allowed_hidden == ()


@pytest.mark.parametrize(("kind", "field"), NAMES, ids=lambda each: getattr(each, "name", ""))
def test_what_is_empty_is_not_set(
    kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo
) -> None:
    if isinstance(field.default, tuple):
        return
    section = next(name for name, each in SECTIONS.items() if each is kind)
    settings = load({f"CODELAB_{field.name.upper()}": ""})
    assert getattr(getattr(settings, section), field.name) == field.default


@pytest.mark.parametrize(
    ("name", "near"),
    [("CODELAB_DATABSE_URL", "CODELAB_DATABASE_URL"), ("CODELAB_SERVERS", None)],
)
def test_unknown_names_are_refused_with_a_hint(name: str, near: str | None) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        load({name: MARK})
    assert name in refused.value.message
    assert near is None or near in refused.value.message
    assert MARK not in refused.value.message


def test_what_belongs_to_the_client_and_the_tests_is_not_ours() -> None:
    theirs = ("CODELAB_USERNAME", "CODELAB_PASSWORD", "CODELAB_SERVER", "CODELAB_TEST_ANYTHING")
    assert load(dict.fromkeys(theirs, "x")) == load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HITL_TIMEOUT_S", "soon"),
        ("HITL_TIMEOUT_S", "0"),
        ("HITL_TIMEOUT_S", "nan"),
        ("HITL_TIMEOUT_S", "inf"),
        ("MAX_STEPS", "1.5"),
        ("MAX_STEPS", "-1"),
        ("DATABASE_POOL_SIZE", "100000"),
        ("CONTEXT_TOKENS", "12"),
        ("SANDBOX", "docker"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "postgres://codelab:hunter2@db/codelab"),
        ("REDIS_URL", "db:6379"),
    ],
)
def test_wrong_values_are_refused_by_name_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        load({f"CODELAB_{name}": value})
    message = refused.value.message
    assert message.startswith(f"CODELAB_{name} ")
    assert value in ("0", "-1") or value not in message
    assert "hunter2" not in message


@pytest.mark.parametrize("value", ["hunter2-marked-secret", "auto"])
def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path: Path, value: str) -> None:
    file = tmp_path / "codelab.toml"
    file.write_text(f'sandbox = ["{value}"]\n')
    with pytest.raises(SettingsInvalid, match="CODELAB_SANDBOX"):
        load({}, file)
    if value == MARK:
        with pytest.raises(SettingsInvalid) as refused:
            load({"CODELAB_SANDBOX": value})
        assert MARK not in refused.value.message


@pytest.mark.parametrize(
    "content",
    [
        b'secret_key = "hunter2-marked-secret',
        b"secret_key = hunter2-marked-secret",
        b"\xff\xfe",
        b"secret_key = '1'\nsecret_key = '2'",
        b'[secrets]\nsecret_key = "hunter2-marked-secret"',
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_without_its_content(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "codelab.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsInvalid) as refused:
        load({}, file)
    assert MARK not in refused.value.message
    assert "\n" not in refused.value.message


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        load({}, tmp_path / "nowhere.toml")


def test_secrets_do_not_show() -> None:
    settings = load(
        {
            "CODELAB_SECRET_KEY": MARK,
            "CODELAB_SECRET_KEYS_PREVIOUS": MARK,
            "CODELAB_INTERNAL_SECRET": MARK,
            "CODELAB_DATABASE_URL": f"postgresql+asyncpg://codelab:{MARK}@db/codelab",
            "CODELAB_REDIS_URL": f"redis://:{MARK}@redis/0",
        }
    )
    assert settings.secrets.secret_key == MARK
    assert MARK not in repr(settings)
    assert MARK not in f"{settings.secrets} {settings.stores!r}"


@pytest.mark.parametrize(("kind", "field"), NAMES, ids=lambda each: getattr(each, "name", ""))
def test_every_setting_says_what_it_is_and_takes(
    kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo
) -> None:
    _, components = msgspec.json.schema_components([kind])
    about = components[kind.__name__]["properties"][field.name]["description"]
    assert about.endswith(".")
    assert what_it_takes(kind, field.name)


@given(st.dictionaries(st.sampled_from([f.name for _, f in NAMES]), st.text(max_size=30)))
def test_any_values_give_settings_or_one_complaint(values: dict[str, str]) -> None:
    try:
        load({f"CODELAB_{name.upper()}": value for name, value in values.items()})
    except SettingsInvalid as refused:
        named = refused.message.split()[0].removeprefix("CODELAB_").lower()
        assert named in values
