"""compose.yaml keeps its promises: nothing runs with more rights or room than it needs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from codelab.settings import PREFIX, load
from tests.deploy.proxy import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / "deploy" / "compose.env.example").read_text("utf-8")
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|AUTH")


def variables() -> dict[str, str]:
    """Return the variables that compose.yaml reads, with what stands behind the name."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    return {match[1]: match[2] or "" for match in _VARIABLE.finditer(text)}


def test_these_are_the_services() -> None:
    assert set(SERVICES) == {"nginx", "codelab", "migrate", "postgres", "redis", "ollama"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "pid", "network_mode", "devices"} & service.keys()
    assert not any("docker.sock" in volume for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_and_a_bounded_log(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_watched(name: str) -> None:
    service = SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert check.keys() >= {"interval", "timeout", "retries"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert image
    assert re.match(r"\d+\.\d+", tag), "a tag such as latest moves by itself"


@pytest.mark.parametrize("name", ["nginx", "postgres", "redis"])
def test_a_service_does_not_run_as_root(name: str) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", SERVICES[name]["user"])


def test_only_nginx_can_be_reached_from_outside() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["nginx"]


def test_stores_are_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["back"]
    assert "back" not in SERVICES["nginx"]["networks"]


def test_codelab_trusts_the_address_of_nginx_alone() -> None:
    address = SERVICES["nginx"]["networks"]["front"]["ipv4_address"]
    assert SERVICES["codelab"]["environment"]["CODELAB_TRUSTED_PROXIES"] == address
    subnet = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert address.rpartition(".")[0] == subnet.partition("/")[0].rpartition(".")[0]


def test_replicas_start_after_the_migration_and_stop_gently() -> None:
    codelab = SERVICES["codelab"]
    assert codelab["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert codelab["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["migrate"]["image"] == codelab["image"]
    assert int(codelab["stop_grace_period"].removesuffix("s")) > 30


def test_secrets_come_from_outside() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if _SECRET_NAME.search(name) or "://" in (value or ""):
                literal = _VARIABLE.sub("", value or "")
                assert not re.search(r":[^/@]+@", literal), name
                assert not _SECRET_NAME.search(name) or literal == "", name
    defaults = {name: rest for name, rest in variables().items() if _SECRET_NAME.search(name)}
    assert defaults
    assert all(rest.startswith(":?") or rest == ":-" for rest in defaults.values())


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    example = dict(re.findall(r"^#?(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    environment = SERVICES["codelab"]["environment"]
    handed_on = {name for name, value in environment.items() if value is None}
    assert example.keys() == variables().keys() | handed_on
    assert not any(value for name, value in example.items() if _SECRET_NAME.search(name))


def test_the_settings_are_accepted() -> None:
    given = {
        name: _VARIABLE.sub(lambda match: filled(match[1], match[2] or ""), value)
        for name, value in SERVICES["codelab"]["environment"].items()
        if name.startswith(PREFIX)
    }
    settings = load(given)
    assert settings.database_url == "postgresql+asyncpg://codelab:value1@postgres/codelab"
    assert settings.stores.redis_url == "redis://:value1@redis:6379/0"
    assert settings.web.allowed_origins == ("https://value1",)
    assert settings.secrets.secret_keys_previous == ()


def filled(name: str, rest: str) -> str:
    """Return a variable's value: a required one has some, the others their defaults."""
    return "value1" if rest.startswith(":?") else rest.removeprefix(":-")


def test_files_that_are_mounted_exist() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    files = [volume.split(":")[0] for volume in mounted if volume.startswith("./")]
    assert files == ["./deploy/nginx.conf"]
    assert (ROOT / files[0]).is_file()
    named = {volume.split(":")[0] for volume in mounted if re.match(r"[a-z]", volume)}
    assert named == COMPOSE["volumes"].keys()


def test_the_sandbox_override_changes_security_options_only() -> None:
    override = yaml.safe_load((ROOT / "deploy" / "compose.sandbox.yaml").read_text("utf-8"))
    assert override["services"].keys() == {"codelab"}
    assert override["services"]["codelab"].keys() == {"security_opt"}
