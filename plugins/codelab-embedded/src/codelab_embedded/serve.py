"""The program that runs the model: llama.cpp's own HTTP server, in a process of its own.

It needs nothing of CodeLab. It reads one line of JSON from its standard input, says in one line
where it listens, and ends when its standard input does. So it never outlives whoever started it,
however that one ended. (A death signal would be bound to the thread that started it.)
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

_HTTP_THREADS = 4
_BATCH_TOKENS = 128
# Whoever started it goes first.
_NICENESS = 5


def parameters(llama: Any, wanted: dict[str, Any]) -> Any:
    """Describe a server that takes one thread and little memory, and listens on loopback."""
    chosen = llama.CommonParams()
    chosen.model.path = wanted["weights"]
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = 0
    chosen.api_keys = [wanted["api_key"]]
    chosen.n_ctx = wanted["context_tokens"]
    chosen.n_predict = wanted["output_tokens"]
    chosen.sampling.temp = wanted["temperature"]
    # A call that was given up ends after at most one batch, and each one is a sign of life.
    chosen.n_batch = chosen.n_ubatch = _BATCH_TOKENS
    chosen.n_parallel = 1
    chosen.cpuparams.n_threads = 1
    chosen.cpuparams_batch.n_threads = 1
    chosen.n_threads_http = _HTTP_THREADS
    chosen.cache_ram_mib = 0
    chosen.endpoint_slots = False
    chosen.warmup = False
    chosen.ui = False
    return chosen


def main() -> None:
    """Serve until standard input ends."""
    wanted = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # It ships no types.
    llama = importlib.import_module("xllamacpp")
    server = llama.Server(parameters(llama, wanted))
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    # Nobody reads on, and a full pipe would stop whatever writes to it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.stdin.read()
    # Without waiting for an answer that is being written.
    os._exit(0)


if __name__ == "__main__":
    main()
