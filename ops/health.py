"""Ask the running product whether it is ready."""

import base64
import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from ops.errors import OpsError
from ops.ports import LOOPBACK


def wait_until(
    not_yet: Callable[[], str | None], *, seconds: float, gave_up: Callable[[], str | None]
) -> None:
    """Wait until `not_yet` has no reason any more. Raises OpsError with the reason otherwise."""
    deadline = time.monotonic() + seconds
    while (reason := not_yet()) is not None:
        hopeless = gave_up()
        if hopeless is not None:
            raise OpsError(hopeless)
        if time.monotonic() > deadline:
            raise OpsError(f"not ready after {seconds:.0f} s: {reason}")
        time.sleep(0.1)


def web_not_ready(host: str, port: int) -> str | None:
    """Say why the product is not ready: no answer, not 200, or no live decider; None if it is."""
    try:
        status, body = answer_of(host, port, "/health/ready")
    except (OSError, http.client.HTTPException) as error:
        return f"the web server does not answer: {error}"
    found = _json(body)
    if status != 200:
        return f"/health/ready answers {status}: {found or body[:200]}"
    decider = _named(found, "deciders")
    return None if decider == "ok" else f"no live decider yet ({decider})"


def readiness(host: str, port: int) -> dict[str, str] | None:
    """Return what the product names in its readiness, None where it does not answer."""
    try:
        _, body = answer_of(host, port, "/health/ready")
    except (OSError, http.client.HTTPException):
        return None
    found = _json(body)
    checks = found.get("checks") if isinstance(found, dict) else None
    return checks if isinstance(checks, dict) else None


def flower_not_ready(port: int, login: str) -> str | None:
    """Say why Flower is not ready, None if it is."""
    basic = base64.b64encode(login.encode()).decode()
    try:
        status, _ = answer_of(LOOPBACK, port, "/", {"Authorization": f"Basic {basic}"})
    except (OSError, http.client.HTTPException) as error:
        return f"Flower does not answer: {error}"
    return None if status < 400 else f"Flower answers {status}"


def answer_of(
    host: str, port: int, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Return status and body of a GET. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _named(found: Any, name: str) -> Any:
    """Return the value under a name, at whatever depth it stands."""
    if not isinstance(found, dict):
        return None
    if name in found:
        return found[name]
    return next((deep for each in found.values() if (deep := _named(each, name))), None)
