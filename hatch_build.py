"""The package's build hook: a wheel and a source archive carry the built browser interface."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_EDITABLE = "editable"


class InterfaceBuildHook(BuildHookInterface[Any]):
    """Builds the interface before it is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for a Node.js where there is something to build and the machine has none."""
        builder = self._builder()
        if builder is None or builder.is_current() or builder.system_node():
            return []
        return [str(builder.NODE)]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is out of date; an installation in place serves whatever is there."""
        if version == _EDITABLE:
            return
        if builder := self._builder():
            builder.build()
        page = Path(self.root, "src", "codelab", "web", "static", "index.html")
        if not page.exists():
            raise FileNotFoundError(f"{page} is missing, and so is web/, which it is built from.")

    def _builder(self) -> ModuleType | None:
        """Load web/build.py, which is left out where only the built interface is copied to."""
        file = Path(self.root, "web", "build.py")
        spec = importlib.util.spec_from_file_location("codelab_web_build", file)
        if spec is None or spec.loader is None or not file.exists():
            return None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
