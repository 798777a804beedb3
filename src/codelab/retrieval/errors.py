"""What can go wrong with an index; each error names its condition."""

from codelab.kit.errors import CodeLabError, Conflict, Unavailable


class IndexBroken(CodeLabError):
    """The files of an index cannot be read; it has to be made anew."""

    code = "index_broken"


class IndexOutdated(IndexBroken):
    """The index was made by another release, or for another engine."""

    code = "index_outdated"


class IndexLocked(CodeLabError):
    """Another process writes this index; reading it goes on."""

    code = "index_locked"
    retryable = True


class IndexOff(Conflict):
    """This server makes no indexes."""

    code = "index_off"
    title = "No index is made here"


class IndexUnwritable(CodeLabError):
    """The disk is full, or does not take what is written; the index stays as it was."""

    code = "index_unwritable"
    retryable = True


class DimensionsDiffer(CodeLabError):
    """Vectors of another length than those that are kept."""

    code = "dimensions_differ"


class TextRefused(CodeLabError):
    """The model that makes vectors answers, but never takes one of these texts."""

    code = "text_refused"


class VectorsUnavailable(Unavailable):
    """The store of vectors cannot be used now; says what it lacks."""

    code = "vectors_unavailable"


class EncoderUnavailable(Unavailable):
    """The model that makes vectors does not answer."""

    code = "encoder_unavailable"


class IndexerFailed(CodeLabError):
    """The process that writes indexes is not to be had."""

    code = "indexer_failed"
    retryable = True


class RerankFailed(CodeLabError):
    """The model that is to put findings into order was of no help."""

    code = "rerank_failed"
