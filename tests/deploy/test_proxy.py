"""The proxy for real: deploy/nginx.conf before gunicorn, and before webs that misbehave."""

import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.orm import Session

from models import Status
from ops.ports import free_port
from tests.api.asking import bearer, url_of
from tests.deploy.proxy import NGINX, Names, Proxy, proxy
from tests.factories import make_booking
from tests.races.meeting import wait_until
from tests.workers.processes import web_server

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx)")

THREADS, MANY = 12, 500
CALLS_A_MINUTE = 3
TOKEN = "a-token-for-the-metrics"
SLOW_HEADER = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"
SLOW_BODY = (
    b"POST /api/v1/bookings HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A web process as `run web` starts it, with few threads; gives its port."""
    with web_server(
        tmp_path_factory.mktemp("web") / "web.log",
        HOLDFAST_BASE_URL="https://localhost",
        HOLDFAST_TRUSTED_PROXIES="127.0.0.0/8",
        HOLDFAST_RATE_LIMIT_EXEMPT="",
        HOLDFAST_API_CALLS_PER_MINUTE=str(CALLS_A_MINUTE),
        HOLDFAST_METRICS_TOKEN=TOKEN,
        HOLDFAST_WEB_WORKERS="1",
        HOLDFAST_WEB_THREADS=str(THREADS),
        HOLDFAST_WEB_WAITERS="4",
    ) as address:
        yield urlsplit(address).port or 0


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    made = Names(web=["127.0.0.1"])
    yield made
    made.close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, web: int, names: Names) -> Iterator[Proxy]:
    """The proxy before that web."""
    with proxy(tmp_path_factory.mktemp("proxy"), names, web_port=web) as made:
        yield made


def test_tls_ends_at_the_proxy_and_the_application_knows(front: Proxy) -> None:
    status, headers, body = front.ask("/health/live")

    assert (status, json.loads(body)) == (200, {"status": "ok"})
    # The application sends it only where it believes that the caller came by HTTPS.
    assert "strict-transport-security" in headers
    assert headers["server"] == "nginx"


def test_plain_http_is_sent_to_https(front: Proxy) -> None:
    connection = HTTPConnection("127.0.0.1", front.http, timeout=5)
    connection.request("POST", "/api/v1/bookings?a=b", headers={"Host": "localhost"})
    answer = connection.getresponse()

    assert answer.status == 308
    assert answer.headers["Location"] == "https://localhost/api/v1/bookings?a=b"


def test_the_caller_s_address_arrives(front: Proxy) -> None:
    asked = [front.ask("/api/v1/venues", source="127.9.0.1")[0] for _ in range(CALLS_A_MINUTE + 1)]

    assert asked == [200] * CALLS_A_MINUTE + [429]
    assert front.ask("/api/v1/venues", source="127.9.0.2")[0] == 200


def test_a_forged_address_counts_for_nothing(front: Proxy) -> None:
    asked = [_ask_with_forged_address(front, "127.9.0.3", number) for number in range(5)]

    assert asked == [200] * CALLS_A_MINUTE + [429] * (5 - CALLS_A_MINUTE)


def test_a_proxy_that_appends_would_let_it_count(web: int, names: Names, tmp_path: Path) -> None:
    appends = (("$remote_addr;", "$proxy_add_x_forwarded_for;"),)

    with proxy(tmp_path / "proxy", names, web_port=web, changed=appends) as careless:
        asked = [_ask_with_forged_address(careless, "127.9.0.4", number) for number in range(5)]

    assert asked == [200] * 5


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/%6detrics",
        "//metrics",
        "/x/../metrics",
        "/flower/metrics",
        "/flower//metrics",
        "/flower/healthcheck",
        "/flower/%68ealthcheck",
    ],
)
def test_what_is_for_inside_is_not_shown_outside(front: Proxy, web: int, path: str) -> None:
    outside, _, _ = front.ask(path, Authorization=f"Bearer {TOKEN}")
    inside = HTTPConnection("127.0.0.1", web, timeout=5)
    inside.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert outside == 404
    assert inside.getresponse().status == 200


def test_a_foreign_host_name_is_refused(front: Proxy) -> None:
    assert front.ask("/health/live", Host="evil.example")[0] == 400


def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_api(front: Proxy) -> None:
    refused = [
        front.ask(
            "/api/v1/bookings",
            method="POST",
            body=b" " * size,
            Content_Type="application/json",
            source="127.9.0.5",
        )
        for size in (100_000, 400_000)
    ]

    assert [status for status, _, _ in refused] == [413, 413]
    assert {json.loads(body)["code"] for _, _, body in refused} == {"body_too_large"}
    assert {headers["content-type"] for _, headers, _ in refused} == {"application/problem+json"}


def test_a_stream_of_events_begins_at_once(front: Proxy, committed_db: Session) -> None:
    booking = make_booking(status=Status.PENDING)
    path, headers = url_of(booking, "events"), bearer(booking)
    committed_db.commit()

    assert b"event: booking" in _first_of_stream(front, path, headers)


def test_a_proxy_that_buffers_events_would_keep_them_back(
    web: int, names: Names, tmp_path: Path, committed_db: Session
) -> None:
    booking = make_booking(status=Status.PENDING)
    path, headers = url_of(booking, "events"), bearer(booking)
    committed_db.commit()
    buffers = (("proxy_buffering on;", "proxy_ignore_headers X-Accel-Buffering;"),)

    with (
        proxy(tmp_path / "proxy", names, web_port=web, changed=buffers) as deaf,
        pytest.raises(TimeoutError),
    ):
        _first_of_stream(deaf, path, headers)


@pytest.mark.parametrize("slow", [SLOW_HEADER, SLOW_BODY], ids=["header", "body"])
def test_slow_connections_stop_nobody(front: Proxy, slow: bytes) -> None:
    with _many_slow(front.https, slow, MANY, trust=front.trust):
        began = time.monotonic()
        statuses = [front.ask("/health/live", seconds=5)[0] for _ in range(10)]

    assert statuses == [200] * 10
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("slow", [SLOW_HEADER, SLOW_BODY], ids=["header", "body"])
def test_without_the_proxy_they_would_stop_everybody(web: int, slow: bytes) -> None:
    with _many_slow(web, slow, 2 * THREADS):
        wait_until(lambda: not _answers(web), "the web server has no thread left", seconds=10)

    wait_until(lambda: _answers(web), "the web server answers again", seconds=10)


def test_a_web_that_is_added_gets_its_share(tmp_path: Path) -> None:
    port = free_port(set())
    names = Names(web=["127.0.0.2"])
    with (
        _stub("127.0.0.2", port) as first,
        _stub("127.0.0.3", port) as second,
        proxy(tmp_path / "proxy", names, web_port=port) as front,
    ):
        assert front.ask("/")[0] == 200
        alone = second.total()
        names.answers["web"] = ["127.0.0.2", "127.0.0.3"]
        wait_until(lambda: min(_shares(front, first, second)) >= 5, "both are asked", seconds=15)
    names.close()

    assert alone == 0


def test_a_web_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    port = free_port(set())
    names = Names(web=["127.0.0.2", "127.0.0.3"])
    with (
        _stub("127.0.0.2", port) as alive,
        proxy(tmp_path / "proxy", names, web_port=port) as front,
    ):
        statuses = Counter(front.ask("/", method=method)[0] for method in ["GET", "POST"] * 10)
    names.close()

    assert statuses == {200: 20}
    assert alive.methods == {"GET": 10, "POST": 10}


def test_what_was_broken_off_is_asked_again_only_where_that_does_no_harm(tmp_path: Path) -> None:
    port = free_port(set())
    names = Names(web=["127.0.0.2", "127.0.0.3"])
    with (
        _stub("127.0.0.2", port) as alive,
        _stub("127.0.0.3", port, breaks_off=True) as broken,
        proxy(tmp_path / "proxy", names, web_port=port) as front,
    ):
        reads = Counter(front.ask("/")[0] for _ in range(20))
        writes = Counter(front.ask("/", method="POST", body=b"{}")[0] for _ in range(20))
    names.close()

    assert reads == {200: 20}
    assert broken.methods["GET"] > 0
    assert broken.methods["POST"] > 0
    # Each was sent to one web and no other: what was broken off is the client's to repeat.
    assert writes == {200: alive.methods["POST"], 503: broken.methods["POST"]}
    assert alive.methods["POST"] + broken.methods["POST"] == 20


def test_without_any_web_the_answer_says_when_to_try_again(tmp_path: Path) -> None:
    names = Names()
    with proxy(tmp_path / "proxy", names, web_port=free_port(set())) as front:
        status, headers, body = front.ask("/api/v1/venues")
    names.close()

    assert (status, headers["retry-after"]) == (503, "2")
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "unavailable"


def _shares(front: Proxy, *webs: "_Stub") -> list[int]:
    """Ask twenty times; return how often each of the webs was asked."""
    before = [each.total() for each in webs]
    for _ in range(20):
        front.ask("/")
    return [each.total() - count for each, count in zip(webs, before, strict=True)]


def _ask_with_forged_address(front: Proxy, source: str, number: int) -> int:
    forged = f"198.51.100.{number}"
    return front.ask(
        "/api/v1/venues",
        source=source,
        X_Forwarded_For=forged,
        X_Real_IP=forged,
        Forwarded=f"for={forged}",
    )[0]


def _first_of_stream(front: Proxy, path: str, headers: dict[str, str]) -> bytes:
    """Return what a stream says within two seconds. Raises TimeoutError when that is nothing."""
    connection = front.connection(source="127.9.0.6", seconds=2)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return b"".join(answer.readline() for _ in range(5))
    finally:
        connection.close()


@contextmanager
def _many_slow(
    port: int, begun: bytes, count: int, trust: ssl.SSLContext | None = None
) -> Iterator[None]:
    """Keep connections open that have sent so much and neither send nor read any more."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            plain = socket.socket()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.settimeout(5)
            plain.connect(("127.0.0.1", port))
            opened.append(trust.wrap_socket(plain, server_hostname="localhost") if trust else plain)
            opened[-1].sendall(begun)
        yield
    finally:
        for each in opened:
            each.close()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class _Stub:
    """A web that only counts, or that breaks off whatever is asked of it."""

    def __init__(self, address: str, port: int, *, breaks_off: bool) -> None:
        self.methods: Counter[str] = Counter()
        self._server = ThreadingHTTPServer((address, port), self._handler(breaks_off))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def total(self) -> int:
        return self.methods.total()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, breaks_off: bool) -> type[BaseHTTPRequestHandler]:
        counted = self.methods

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                counted[self.command] += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if breaks_off:
                    with suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST: Callable[[], None] = do_GET  # type: ignore[assignment]

            def log_message(self, *_: object) -> None: ...

        return Handler


@contextmanager
def _stub(address: str, port: int, *, breaks_off: bool = False) -> Iterator[_Stub]:
    made = _Stub(address, port, breaks_off=breaks_off)
    try:
        yield made
    finally:
        made.close()
