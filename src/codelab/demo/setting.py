"""Where the tour takes place: a folder for the sample, and settings without any other model."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from codelab.demo.sample import create_sample
from codelab.settings import Settings

_MODELS = "demo-models.yaml"
_NO_MODELS = "# The demo's own: the scripted model is all there is.\nmodel_list: []\n"


async def prepare_demo(settings: Settings) -> tuple[Settings, Path]:
    """Make the sample project.

    Returns:
        Settings under which no other model is found, so that the tour costs nothing and reaches
        nobody; and the sample's folder.

    Raises:
        OSError: There is no place for it.
    """
    folder = await asyncio.to_thread(_make_folder, settings.data_dir)
    await create_sample(folder)
    models_file = settings.data_dir / _MODELS
    await asyncio.to_thread(models_file.write_text, _NO_MODELS, "utf-8")
    models = msgspec.structs.replace(settings.models, models_file=str(models_file))
    return msgspec.structs.replace(settings, models=models), folder


def _make_folder(data_dir: Path) -> Path:
    problem = OSError()
    for place in _places(data_dir):
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            # Somebody else's folder of that name is not for us to write to.
            if place.stat().st_uid == os.geteuid() and not place.is_symlink():
                return place
        except OSError as error:
            problem = error
    raise problem


def _places(data_dir: Path) -> Iterator[Path]:
    # Beside the data folder and not in it: no command ever sees the data folder.
    yield data_dir.with_name(f"{data_dir.name}-demo")
    yield Path(tempfile.gettempdir()) / f"codelab-demo-{os.geteuid()}"
