"""What other modules may call."""

from codelab.retrieval.encoders.opening import EncoderChoice
from codelab.retrieval.figures import IndexFigures
from codelab.retrieval.index.entries import Coverage
from codelab.retrieval.ranking.question import terms_of
from codelab.retrieval.reranking import Reranker
from codelab.retrieval.searches import Searches
from codelab.retrieval.service import IndexStatus, Retrieval, VectorStatus
from codelab.retrieval.settings import IndexingSettings, RerankSettings
from codelab.retrieval.vectors.opening import StoreChoice

__all__ = [
    "Coverage",
    "EncoderChoice",
    "IndexFigures",
    "IndexStatus",
    "IndexingSettings",
    "RerankSettings",
    "Reranker",
    "Retrieval",
    "Searches",
    "StoreChoice",
    "VectorStatus",
    "terms_of",
]
