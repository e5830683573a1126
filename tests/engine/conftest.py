"""What only the engine's tests need."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the engine logs; many tests make it fail on purpose, and nobody reads that."""
    with capture_logs() as entries:
        yield entries
