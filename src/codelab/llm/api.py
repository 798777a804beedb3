"""What other modules may call: a stream from a model, and what models there are."""

from codelab.llm.calls import Attribution
from codelab.llm.repository import UsageGroup, UsageRecord, UsageSum
from codelab.llm.service import LlmSettings, Models, ModelsHealth

__all__ = [
    "Attribution",
    "LlmSettings",
    "Models",
    "ModelsHealth",
    "UsageGroup",
    "UsageRecord",
    "UsageSum",
]
