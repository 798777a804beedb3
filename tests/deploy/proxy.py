"""Runs the real nginx with deploy/nginx.conf, on loopback, in front of a real upstream."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
# Debian keeps nginx where only root's PATH looks.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
NAME = "codelab.test"

_WAIT_S = 15.0


@dataclass(frozen=True)
class Proxy:
    """A running nginx: its ports, what its clients must trust, and its log."""

    https: int
    http: int
    tls: ssl.SSLContext
    log: Path
    certificate: Path


def configuration(folder: Path, https: int, http: int, upstreams: Sequence[int]) -> Path:
    """Write the shipped configuration for this machine: other ports and folders, nothing else."""
    text = CONFIGURATION.read_text("utf-8")
    # Docker's resolver gives one name for all replicas; here they are ports.
    servers = " ".join(f"server 127.0.0.1:{port};" for port in upstreams)
    tls = folder / "tls"
    for shipped, here in {
        # First, since the other folders here may lie in one of this name.
        " /tmp/": f" {folder}/",
        "listen 8443": f"listen 127.0.0.1:{https}",
        "listen 8080": f"listen 127.0.0.1:{http}",
        "set $replicas codelab:8000": "set $replicas replicas",
        "server codelab:8000;": servers,
        "    map $http_upgrade": f"    upstream replicas {{ {servers} }}\n    map $http_upgrade",
        "/etc/nginx/tls/": f"{tls}/",
        "/dev/stdout": str(folder / "access.log"),
        "/dev/stderr": str(folder / "error.log"),
    }.items():
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    tls.mkdir()
    write_certificate(tls)
    path = folder / "nginx.conf"
    path.write_text(text, "utf-8")
    return path


def command(path: Path) -> list[str]:
    """Return how nginx is started; as root its workers would be another user, without access."""
    assert NGINX
    user = "user root; " if os.geteuid() == 0 else ""
    return [NGINX, "-p", str(path.parent), "-c", str(path), "-g", f"{user}daemon off;"]


@contextlib.contextmanager
def running(folder: Path, *upstreams: int, https: int = 0) -> Iterator[Proxy]:
    """Run nginx before these ports; the upstreams may have to know its own beforehand."""
    https, http = https or free_port(), free_port()
    path = configuration(folder, https, http, upstreams)
    certificate = folder / "tls" / "fullchain.pem"
    tls = ssl.create_default_context(cafile=str(certificate))
    with subprocess.Popen(command(path), stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(https)
            yield Proxy(https, http, tls, folder / "access.log", certificate)
        finally:
            process.terminate()


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """Run the upstream; gives its port."""
    port = free_port()
    words = ["-m", "uvicorn", "tests.deploy.upstream:app", "--port", str(port)]
    options = ["--ws", "websockets-sansio", "--log-level", "critical", "--no-proxy-headers"]
    # Also in the midst of an answer that nobody reads on.
    options += ["--timeout-graceful-shutdown", "1"]
    with subprocess.Popen([sys.executable, *words, *options], cwd=ROOT) as process:
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens on the port."""
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def write_certificate(folder: Path) -> None:
    """Write a certificate that vouches for itself, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    hosts = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, form, plain))
