"""What other modules may call: a stream from a model, and what models there are."""

from codelab.llm.accounting.calls import Attribution
from codelab.llm.accounting.caps import Caps
from codelab.llm.accounting.repository import UsageFilter, UsageGroup, UsageRecord, UsageSum
from codelab.llm.accounting.standing import Standing
from codelab.llm.answering import CatalogueAnswers
from codelab.llm.catalog.added_models import AddedModels
from codelab.llm.catalog.overview import ModelLine, Overview
from codelab.llm.circuits import RestingModel
from codelab.llm.embedding import CatalogueEmbeddings
from codelab.llm.fallback import RetryPolicy, Waiting
from codelab.llm.health import ModelsHealth
from codelab.llm.providers.addresses import parse_allowed
from codelab.llm.providers.embeddings import embedding_request
from codelab.llm.response_cache import ResponseCache
from codelab.llm.service import Models
from codelab.llm.settings import LlmSettings
from codelab.llm.time_limits import TimeLimits

__all__ = [
    "AddedModels",
    "Attribution",
    "Caps",
    "CatalogueAnswers",
    "CatalogueEmbeddings",
    "LlmSettings",
    "ModelLine",
    "Models",
    "ModelsHealth",
    "Overview",
    "ResponseCache",
    "RestingModel",
    "RetryPolicy",
    "Standing",
    "TimeLimits",
    "UsageFilter",
    "UsageGroup",
    "UsageRecord",
    "UsageSum",
    "Waiting",
    "embedding_request",
    "parse_allowed",
]
