"""How this process speaks to its database."""

import os
import socket
import sys

import pytest

from models.database import connect_raw
from settings import settings

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a socket option of Linux")


@ON_LINUX
def test_a_server_that_falls_silent_is_given_up():
    """No cable can be cut here: the kernel is asked what it was told to do then."""
    with (
        connect_raw(autocommit=True) as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as found,
    ):
        unheard = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        idle, interval, count = (
            found.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )

    assert unheard == settings.transaction_timeout_ms
    assert idle + interval * count < 20
