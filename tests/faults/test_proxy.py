"""The proxy of the faults: it passes on, holds back, rewrites, and cuts after the words arrived."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ops.faults.proxy import Proxy
from ops.ports import LOOPBACK, free_port
from tests.races.meeting import wait_until


class Echo:
    """A server that keeps what it hears and says it again."""

    def __init__(self) -> None:
        self.heard = b""
        self._listening = socket.create_server((LOOPBACK, free_port(set())))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[client], daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while words := client.recv(1000):
                self.heard += words
                client.sendall(words)


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    made = Proxy(free_port({echo.port}), echo.port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, proxy.port), timeout=10) as made:
        made.sendall(b"hello")
        assert made.recv(100) == b"hello"
        yield made


def test_what_clients_say_can_be_rewritten(proxy: Proxy, echo: Echo, client: socket.socket):
    proxy.rewrite = lambda words: words.replace(b"lock", b"    ")

    client.sendall(b"a lock")

    assert client.recv(100) == b"a     "


def test_words_that_are_held_back_come_later(proxy: Proxy, echo: Echo, client: socket.socket):
    proxy.hold_back()
    client.sendall(b"later")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(100)

    proxy.pass_on()

    client.settimeout(10)
    assert client.recv(100) == b"later"


def test_after_a_cut_the_server_has_heard_what_nobody_answers(
    proxy: Proxy, echo: Echo, client: socket.socket
):
    proxy.cuts_after = lambda words: b"COMMIT" in words

    client.sendall(b"COMMIT")

    with pytest.raises(ConnectionError):
        client.recv(100)
    wait_until(lambda: echo.heard.endswith(b"COMMIT"), "the server has heard it")
    assert proxy.cut_count == 1


def test_only_the_chosen_are_cut(proxy: Proxy, client: socket.socket):
    with socket.create_connection((LOOPBACK, proxy.port), timeout=10) as other:
        other.sendall(b"x")
        other.recv(1)

        assert proxy.cut({client.getsockname()[1]}) == 1

        with pytest.raises(ConnectionError):
            client.recv(100)
        other.sendall(b"still here")
        assert other.recv(100) == b"still here"
