"""The models file is followed by a running server, as its clients see it."""

from __future__ import annotations

from typing import Any

from tests.flows.harness import Client, CodeLab, Frame
from tests.llm.layer import eventually

WITHIN_S = 10.0


async def offered(client: Client) -> Frame:
    """Ask what models there are."""
    url = f"{client.server.url}/api/v1/models"
    async with client.http.get(url, headers=client.headers) as response:
        assert response.status == 200
        answer: Frame = await response.json()
    return answer


async def test_a_change_shows_and_a_mistake_is_named_until_it_is_mended(
    codelab: CodeLab, client: Client, models_yaml: str
) -> None:
    file = codelab.folder / "models.yaml"

    async def becomes(names: list[str], advice: str) -> None:
        async def holds() -> bool:
            found = await offered(client)
            said: Any = found["advice"]
            shown = [model["name"] for model in found["models"]]
            return shown == names and (advice in said if advice else not said)

        await eventually(holds, within_s=WITHIN_S)

    await becomes(["scripted"], "")
    renamed = models_yaml.replace("model_name: scripted", "model_name: other")
    file.write_text(renamed)
    await becomes(["other"], "")
    file.write_text(renamed.replace("litellm_params", "litellm_parms"))
    await becomes(["other"], "models.yaml, line 2: model_list[0]")
    fresh = file.with_suffix(".new")
    fresh.write_text(models_yaml)
    fresh.replace(file)
    await becomes(["scripted"], "")
