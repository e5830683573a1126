"""What `up` learns of the product from its readiness."""

from ops.health import readiness, web_not_ready
from ops.ports import LOOPBACK, free_port


def test_who_does_not_answer_is_not_ready() -> None:
    port = free_port(set())

    assert readiness(LOOPBACK, port) is None
    assert "does not answer" in (web_not_ready(LOOPBACK, port) or "")
