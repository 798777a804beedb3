"""How code is found, as environment variables say it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from codelab.kit.sections import Section

_MONTH_S = 30 * 24 * 3600


class Retrieval(Section, frozen=True, kw_only=True):
    """How code is found."""

    index_dir: Annotated[
        str,
        Meta(
            description="Where indexes of projects are kept, on a disk of this machine; empty: "
            "`index` in the data folder. They can be deleted at any time and are made anew."
        ),
    ] = ""
    index_engine: Annotated[
        Literal["fts5", "tantivy", "off"],
        Meta(
            description="What searches words: SQLite's own FTS5, or tantivy, which answers faster "
            "in large projects and needs the extra `tantivy`. With `off` no index is made, and "
            "code is searched by its exact text alone."
        ),
    ] = "fts5"
    index_reconcile_s: Annotated[
        float,
        Meta(
            ge=10,
            le=_MONTH_S,
            description="Seconds after which a project in use is compared with its index again, "
            "whatever was told of changes meanwhile.",
        ),
    ] = 300
    index_rebuild_s: Annotated[
        float,
        Meta(
            ge=0,
            le=_MONTH_S,
            description="Seconds after which an index is made anew, 86400 for every day; 0: only "
            "on demand, or when it cannot be read.",
        ),
    ] = 0
    gathered_pieces: Annotated[
        int,
        Meta(
            ge=0,
            le=20,
            description="Pieces of code at most that are looked up for a message when its turn "
            "begins, and shown to the agent; 0: none.",
        ),
    ] = 6
    embedding_model: Annotated[
        str,
        Meta(
            description="What makes vectors of code: `static`, word vectors that need no network; "
            "a model of the catalogue that makes embeddings, such as `text-embedding-3-small`, "
            "which is sent all code; `local:` and a folder with a model in the form of ONNX or of "
            "sentence-transformers; `off`. Another model makes all vectors anew."
        ),
    ] = "static"
    embedding_dimensions: Annotated[
        int,
        Meta(
            ge=0,
            le=8192,
            description="How long vectors are to be, for a model of the catalogue that leaves a "
            "choice; 0: as it makes them.",
        ),
    ] = 0
    vector_store: Annotated[
        Literal["auto", "sqlite", "pgvector", "qdrant"],
        Meta(
            description="Where vectors are kept: `sqlite`, in files of each server; `pgvector`, in "
            "the PostgreSQL of CODELAB_DATABASE_URL by its extension; `qdrant`; `auto` takes "
            "pgvector where the database has it, else files."
        ),
    ] = "auto"
    qdrant_url: Annotated[
        str,
        Meta(
            pattern="^$|^https?://",
            description="The address of a Qdrant, such as `http://qdrant:6333`.",
        ),
    ] = ""
    qdrant_api_key: Annotated[str, Meta(description="The key that the Qdrant asks for.")] = ""
    rerank_model: Annotated[
        str,
        Meta(
            description="A model of the catalogue that puts the first 50 pieces of code that an "
            "agent finds by a description into order, and is sent them for it; a quick one "
            "without reasoning. Empty: they stay as they were ranked."
        ),
    ] = ""
    rerank_timeout_s: Annotated[
        float,
        Meta(ge=0.1, le=60, description="Seconds that this model is waited for."),
    ] = 5
    rerank_cost_usd: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="US dollars that one question to this model may cost, by the prices of "
            "the catalogue; it is shown less of each piece where that would be more.",
        ),
    ] = 0.01
