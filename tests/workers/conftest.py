"""What the tests with real workers share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from booking import doorbell
from celery_config import app
from tests.engine.conftest import logged
from tests.workers.processes import Broker, publishing_to

__all__ = ["logged"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, running."""
    made = Broker(tmp_path / "valkey")
    made.start()
    yield made
    made.die()


@pytest.fixture
def bell(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[doorbell.Doorbell]:
    """A doorbell of its own at that broker, which holds ring as well."""
    client = Redis.from_url(broker.url, socket_timeout=0.5, socket_connect_timeout=0.5)
    monkeypatch.setattr(doorbell, "_redis", client)
    made = doorbell.Doorbell()
    monkeypatch.setattr("booking.holds.ring", made.ring)
    with publishing_to(app, broker.url):
        yield made
