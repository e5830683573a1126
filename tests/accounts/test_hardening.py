"""Hosts, proxies, headers, compression and the size of bodies."""

import gzip
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import create_environ, run_wsgi_app

from tests.api.asking import assert_problem
from tests.hotel.conftest import ROOT, assert_refused
from webapp.hardening import BehindProxies, is_served


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example@127.0.0.1", False),
        ("127.0.0.1,evil.example", False),
        ("[::2]:80", False),
        ("[::1]evil.example", False),
        ("", False),
        ("a b", False),
    ],
)
def test_only_our_own_names_are_served(host: str, expected: bool) -> None:
    assert is_served(host) is expected


def test_names_of_the_settings_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.hardening._served", ["book.example.com", ".example.org"])

    assert is_served("Book.Example.com:443")
    assert is_served("a.example.org")
    assert not is_served("example.com")


def test_an_unknown_host_is_400_in_every_shape(db: Session, client: FlaskClient) -> None:
    host = {"Host": "evil.example"}

    assert_problem(client.get("/api/v1/venues", headers=host), 400, "bad_request")
    assert_refused(client.get(f"{ROOT}/rooms", headers=host), 400)
    page = client.get("/", headers=host)
    assert (page.status_code, page.mimetype) == (400, "text/html")
    assert "evil.example" not in page.text
    assert client.get("/admin/", headers=host).status_code == 400
    assert client.get("/health", headers=host).status_code == 400


def test_only_http_1_0_may_come_without_a_host(app: Flask) -> None:
    def status(protocol: str) -> str:
        environ = create_environ("/health")
        del environ["HTTP_HOST"]
        return run_wsgi_app(app.wsgi_app, environ | {"SERVER_PROTOCOL": protocol})[1]

    assert status("HTTP/1.0") == "200 OK"
    assert status("HTTP/1.1") == "400 BAD REQUEST"


@pytest.mark.parametrize(
    ("peer", "forwarded", "proto", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "https", ("203.0.113.9", "http")),
        ("10.0.0.1", None, None, ("10.0.0.1", "http")),
        ("10.0.0.1", "198.51.100.1", "https", ("198.51.100.1", "https")),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "https", ("198.51.100.1", "https")),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", None, ("198.51.100.1", "http")),
        ("10.0.0.1", "198.51.100.1:4711", None, ("198.51.100.1", "http")),
        ("10.0.0.1", "[2001:db8::1]:443", None, ("2001:db8::1", "http")),
        ("10.0.0.1", "2001:db8::1", None, ("2001:db8::1", "http")),
        ("10.0.0.1", "10.0.0.3", None, ("10.0.0.3", "http")),
        ("10.0.0.1", "unknown", None, ("unknown", "http")),
        ("10.0.0.1", "198.51.100.1", "gopher", ("198.51.100.1", "http")),
        ("::ffff:10.0.0.1", "198.51.100.1", None, ("198.51.100.1", "http")),
        ("", "198.51.100.1", None, ("", "http")),
    ],
)
def test_the_address_is_that_which_a_trusted_proxy_names(
    peer: str, forwarded: str | None, proto: str | None, expected: tuple[str, str]
) -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], _: object) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    environ |= {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    environ |= {"HTTP_X_FORWARDED_PROTO": proto} if proto else {}
    BehindProxies(app, ["10.0.0.0/8"])(environ, lambda *_: None)

    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == expected


def test_without_the_setting_nobody_names_another_address(app: Flask) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}

    answer = app.test_client().get("/api/v1/venues", headers=headers)

    assert "RateLimit-Limit" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/api/v1/venues", "/api/v1/nothing", "/admin/login", "/no"])
def test_every_answer_has_the_headers_of_a_careful_server(
    db: Session, client: FlaskClient, path: str
) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "geolocation=()" in headers["Permissions-Policy"]


def test_over_tls_browsers_are_told_to_stay_there(db: Session, client: FlaskClient) -> None:
    answer = client.get("/", base_url="https://localhost/")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_long_answers_are_compressed_and_short_ones_are_not(client: FlaskClient) -> None:
    path = "/openapi.json"
    plain = client.get(path)

    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    short = client.get("/health", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in short.headers


def test_pages_of_the_admin_are_left_as_they_are(db: Session, client: FlaskClient) -> None:
    """They carry secrets beside what others have typed, and their length would tell of them."""
    answer = client.get("/admin/login", headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/bookings", "/api/v1/auth/login"])
def test_a_body_beyond_64_kb_is_refused(db: Session, client: FlaskClient, path: str) -> None:
    answer = client.post(path, data="x" * 70_000, content_type="application/json")

    assert_problem(answer, 413, "body_too_large")
