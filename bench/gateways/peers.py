"""The servers that are compared with CodeLab's, each a process of its own on one core."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import machine
from bench.gateways import peer
from tests.deploy.proxy import NGINX, free_port, wait_for

PROXY_KEY = "sk-bench"
_ROOT = Path(__file__).parents[2]
_START_S = 120.0


@contextmanager
def process(
    command: Sequence[str], port: int, core: int, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a server on one core until the end of the block; gives its process id."""
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", **(env or {})}
    with ExitStack() as stack:
        out = stack.enter_context(log.open("ab"))
        with machine.on_core(core):
            running = subprocess.Popen(command, cwd=_ROOT, stdout=out, stderr=out, env=environment)
        stack.callback(running.wait)
        stack.callback(running.terminate)
        until = time.monotonic() + _START_S
        while running.poll() is None and time.monotonic() < until:
            try:
                wait_for(port)
                break
            except TimeoutError:
                continue
        else:
            raise SystemExit(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
        yield running.pid


@contextmanager
def nginx(folder: Path, upstream: str, core: int) -> Iterator[tuple[str, int]]:
    """Run nginx as a plain proxy with one worker; gives its address and process."""
    if NGINX is None:
        raise SystemExit("nginx is not installed; on Debian and Ubuntu: apt-get install nginx")
    port = free_port()
    server = upstream.removeprefix("http://").partition("/")[0]
    temporary = "".join(
        f"{name}_temp_path {folder}/{name}; "
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream models {{ server {server}; keepalive 256; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://models;\n"
        "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; } } }\n"
    )
    user = "user root; " if os.geteuid() == 0 else ""
    command = [NGINX, "-p", str(folder), "-c", str(path), "-g", f"{user}daemon off;"]
    with process(command, port, core, folder / "nginx.log") as pid:
        yield f"http://127.0.0.1:{port}/v1/chat/completions", pid


@contextmanager
def litellm_library(folder: Path, upstream: str, core: int) -> Iterator[tuple[str, int]]:
    """Run litellm as a library behind a bare server; gives its address and process."""
    port = free_port()
    application = "bench.gateways.litellm_library:app"
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning", "--lifespan", "off"]
    env = {"BENCH_UPSTREAM": upstream, "LITELLM_LOG": "ERROR"}
    with process(command, port, core, folder / "litellm-library.log", env) as pid:
        yield f"http://127.0.0.1:{port}/", pid


@contextmanager
def litellm_proxy(
    folder: Path, upstream: str, models: Sequence[str], core: int
) -> Iterator[tuple[str, int]]:
    """Run the LiteLLM proxy without a database, with one worker; gives its address and process."""
    port = free_port()
    path = folder / "litellm-proxy.yaml"
    entries = "".join(
        f"  - model_name: {model}\n    litellm_params:\n      model: openai/{model}\n"
        f"      api_base: {upstream}\n      api_key: bench\n"
        for model in models
    )
    path.write_text(f"model_list:\n{entries}general_settings:\n  master_key: {PROXY_KEY}\n")
    command = [str(peer.installed() / "litellm"), "--config", str(path), "--num_workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with process(
        command, port, core, folder / "litellm-proxy.log", {"LITELLM_LOG": "ERROR"}
    ) as pid:
        yield f"http://127.0.0.1:{port}/v1/chat/completions", pid
