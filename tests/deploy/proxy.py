"""The proxy of docker-compose.yml on loopback: nginx with its own configuration, a name server.

Only what names the container's own places is replaced: ports, folders, the address of the name
server. Where a replacement finds nothing, the test fails: the file has changed.
"""

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset

from ops.deployment import make_secrets
from ops.identity import leashed
from ops.ports import free_port
from tests.races.meeting import wait_until

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Names:
    """A name server for one test: says whatever `answers` says at the moment."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asked, caller = self._socket.recvfrom(4096)
            except OSError:  # closed
                return
            question = dns.message.from_wire(asked)
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            [wanted] = question.question
            addresses = self.answers.get(str(wanted.name).rstrip("."))
            if addresses:
                answer.answer.append(dns.rrset.from_text(wanted.name, 0, "IN", "A", *addresses))
            else:
                answer.set_rcode(3)
            self._socket.sendto(answer.to_wire(), caller)

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its ports, and what a client needs to trust it."""

    http: int
    https: int
    trust: ssl.SSLContext = field(repr=False)

    def connection(self, *, source: str = "127.0.0.1", seconds: float = 10) -> HTTPSConnection:
        return HTTPSConnection(
            "localhost",
            self.https,
            timeout=seconds,
            context=self.trust,
            source_address=(source, 0),
        )

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        source: str = "127.0.0.1",
        seconds: float = 10,
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body; header names are given with underscores for dashes."""
        connection = self.connection(source=source, seconds=seconds)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()


@contextmanager
def proxy(
    folder: Path,
    names: Names,
    *,
    web_port: int,
    flower_port: int = 5555,
    changed: tuple[tuple[str, str], ...] = (),
) -> Iterator[Proxy]:
    """Run nginx as the container does; `changed` takes a protection out of its configuration."""
    assert NGINX is not None
    folder.mkdir(exist_ok=True)
    make_secrets(folder / "secrets", host="localhost")
    ports = [free_port(set())]
    for _ in range(2):
        ports.append(free_port(set(ports)))
    health, http, https = ports
    text = CONFIGURATION.read_text()
    replaced = (
        *changed,
        ("/tmp/nginx", f"{folder}/nginx"),
        ("/run/secrets", f"{folder}/secrets"),
        ("/etc/nginx/mime.types", str(_mime_types())),
        ("resolver 127.0.0.11 ", f"resolver 127.0.0.1:{names.port} "),
        ("listen 127.0.0.1:8081", f"listen 127.0.0.1:{health}"),
        ("listen 8080", f"listen 127.0.0.1:{http}"),
        ("listen 8443", f"listen 127.0.0.1:{https}"),
        ("web:8000", f"web:{web_port}"),
        ("flower:5555", f"flower:{flower_port}"),
        # Enough for the tests, and no more than an ordinary user may have.
        ("worker_rlimit_nofile 20000", "worker_rlimit_nofile 4096"),
        ("worker_connections 8192", "worker_connections 2048"),
    )
    for old, new in replaced:
        assert old in text, f"deploy/nginx.conf has no {old!r} any more"
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    log = folder / "nginx.log"
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    with log.open("ab") as out:
        process = subprocess.Popen(
            leashed([NGINX, "-p", str(folder), "-c", "nginx.conf", "-g", directives]),
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(
            lambda: _is_healthy(health) or process.poll() is not None, "nginx answers", seconds=10
        )
        assert process.poll() is None, log.read_text()
        certificate = folder / "secrets" / "tls_certificate"
        yield Proxy(http, https, ssl.create_default_context(cafile=str(certificate)))
    finally:
        process.terminate()
        process.wait(10)


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthy")
        return connection.getresponse().status == 204
    except OSError:
        return False
    finally:
        connection.close()


def _mime_types() -> Path:
    """Return the table that came with this nginx, wherever it was unpacked."""
    assert NGINX is not None
    beside = Path(NGINX).resolve().parents[2] / "etc/nginx/mime.types"
    return beside if beside.exists() else Path("/etc/nginx/mime.types")
