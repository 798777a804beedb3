"""What other modules may call: a stream from a model, and what models there are."""

from codelab.llm.accounting.calls import Attribution
from codelab.llm.accounting.repository import UsageGroup, UsageRecord, UsageSum
from codelab.llm.response_cache import ResponseCache
from codelab.llm.service import Models, ModelsHealth
from codelab.llm.settings import LlmSettings

__all__ = [
    "Attribution",
    "LlmSettings",
    "Models",
    "ModelsHealth",
    "ResponseCache",
    "UsageGroup",
    "UsageRecord",
    "UsageSum",
]
