"""A real git server over HTTP on loopback: git's own back end, asked as by a web server."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitServer:
    """What a test tells the server, and what it learns from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self.host = ""
        self.user = ""
        self.redirect = ""
        self.seen: list[tuple[str, str]] = []

    @property
    def pairs(self) -> set[str]:
        """The user names and passwords that came, in the clear."""
        words = [value.split() for _, value in self.seen if value]
        return {base64.b64decode(word[1]).decode() for word in words}


@contextmanager
def git_server(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[GitServer]:
    """Serve the bare repositories in a folder."""
    state = GitServer(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self, body: bytes) -> None:
            state.seen.append((self.path, self.headers.get("Authorization", "")))
            if state.redirect:
                self._send(302, {"Location": state.redirect + self.path}, b"")
            elif state.user and state.user not in state.pairs:
                self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            else:
                self._send(*answer(state.root, self, body))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.host = f"127.0.0.1:{server.server_port}"
    state.url = f"{'https' if tls else 'http'}://{state.host}/remote.git"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(
    root: Path, request: BaseHTTPRequestHandler, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Let git's back end answer."""
    path, _, query = request.path.partition("?")
    headers = request.headers
    done = subprocess.run(
        ["git", "http-backend"],
        input=body,
        capture_output=True,
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "http.receivepack",
            "GIT_CONFIG_VALUE_1": "true",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": str(request.command),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        },
    ).stdout
    head, _, content = done.partition(b"\r\n\r\n")
    found = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(found.pop("Status", "200").split()[0])
    return status, found, content
