"""What stands between the network and the app: proxies, host names, headers, compression."""

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_compress import Compress
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import host_is_trusted

from settings import settings
from webapp.requests import CONTENT_SECURITY_POLICY

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'"
_IPV6 = re.compile(r"\[([0-9a-f:.]+)\](?::[0-9]{1,5})?")
_A_YEAR = 365 * 24 * 3600

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class UnknownHost(BadRequest):
    """The request is for a host name that is not ours."""

    description = "This host name is not served here."


def init_app(app: Flask) -> None:
    """Put the guards in place, after the request has been given its id."""
    if settings.trusted_proxies:
        app.wsgi_app = BehindProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    app.config.update(
        # Pages of the admin carry secrets beside what others typed: those are left as they are.
        COMPRESS_MIMETYPES=["application/json", "application/problem+json", *_STATIC_TYPES],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_MIN_SIZE=1024,
    )
    Compress(app)
    app.before_request(_refuse_unknown_host)
    app.after_request(_add_headers)


_STATIC_TYPES = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")


class BehindProxies:
    """Take the caller's address and scheme from proxies that are trusted, and from nobody else.

    `X-Forwarded-For` is read from its end, where the nearest proxy has written: the first address
    that is no trusted proxy is the caller's. What stands before it is only what the caller says.
    """

    def __init__(self, app: WsgiApp, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve a request as it was before the proxies."""
        if self._is_proxy(environ.get("REMOTE_ADDR", "")):
            environ["REMOTE_ADDR"] = self._caller(environ)
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)

    def _caller(self, environ: dict[str, Any]) -> str:
        caller: str = environ["REMOTE_ADDR"]
        for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if not (hop := _without_port(hop.strip())):
                break
            caller = hop
            if not self._is_proxy(hop):
                break
        return caller

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._networks)


def is_served(host: str) -> bool:
    """Whether a Host header names this site; of settings that begin with a dot, all below it."""
    host = host.lower()
    if (literal := _IPV6.fullmatch(host)) is not None:
        return literal[1] in _served
    return host_is_trusted(host, _served)


def _served_hosts() -> list[str]:
    hosts = [*_LOOPBACK, *settings.hosts, urlsplit(settings.base_url).hostname or ""]
    if settings.bind not in _EVERYWHERE:
        hosts.append(settings.bind)
    return [host.lower().strip("[]") for host in hosts if host]


_served = _served_hosts()


def _refuse_unknown_host() -> None:
    """Refuse a foreign name before anything is made of it: links, redirects, cookies."""
    host = request.environ.get("HTTP_HOST")
    # HTTP/1.0 knew no Host yet, and probes speak it still; since 1.1 there has to be one.
    if host is None and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return
    if host is None or not is_served(host):
        raise UnknownHost


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    is_page = response.mimetype == "text/html"
    response.headers.setdefault(
        "Content-Security-Policy", CONTENT_SECURITY_POLICY if is_page else _NO_PAGE_POLICY
    )
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_A_YEAR}")
    return response


def _without_port(hop: str) -> str:
    """Return the address of `192.0.2.1:443` or `[2001:db8::1]:443`: some write the port too."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
