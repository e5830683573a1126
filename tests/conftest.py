"""What every test run needs first: a database of its own, then the shared fixtures."""

import pytest

from tests.isolation import isolate

isolate()

# Imported by pytest after this file: what it imports reads the environment.
pytest_plugins = ["tests.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_doorbell: ring for decisions over the broker")
