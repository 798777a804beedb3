"""Which files are sources of the product itself; pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SOURCES = """
    .c .cc .cjs .cpp .cs .cts .cxx .dart .go .h .hpp .java .js .jsx .kt .mjs .mts .php .py .pyi
    .rb .rs .scala .svelte .swift .ts .tsx .vue
"""
_SOURCE = frozenset(_SOURCES.split())
# Folders and names of what is no source of the product itself: tests, documents, copies.
_OTHER_FOLDER = re.compile(
    r"t|tests?|test[-_]?(?:data|utils?|helpers)|testing|testsuite.*|tests-.*|specs?|e2e|fixtures?"
    r"|__(?:tests|mocks|snapshots)__|playground|bench(?:es|marks?)?|microbench|stress-test"
    r"|examples?|docs?|docs_src|documentation|website|book|vendor|third_party|node_modules"
    r"|dist|generated|packages-private|template-.*",
    re.IGNORECASE,
)
_OTHER_NAME = re.compile(
    r"test_.*|(?:conftest|tests?|test_util.*|setup)\.\w+|.*_test\.\w+|.*_pb2(?:_grpc)?\.py"
    r"|.*\.(?:spec|test|bench|test-d|pb|gen|generated|min|g|d|config)\.\w+"
    r"|.*(?:Tests?|TestCase|Benchmark|IT)\.(?:java|kt)"
)


def is_source(path: str) -> bool:
    """Tell whether a file is a source of the product: no test, document, example or copy."""
    place = PurePosixPath(path)
    return (
        place.suffix.lower() in _SOURCE
        and not any(_OTHER_FOLDER.fullmatch(folder) for folder in place.parts[:-1])
        and not _OTHER_NAME.fullmatch(place.name)
    )
