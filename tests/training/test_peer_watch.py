"""The watch over peers may fail like any part: its process hears of it."""

import socket
import time

import pytest

from mlx_muzero.training import peer_watch
from mlx_muzero.training.peer_watch import PeerWatch


def test_a_watch_that_fails_is_heard_of_at_the_next_wait(monkeypatch):
    def bug(_connection):
        raise ValueError("no such descriptor")

    monkeypatch.setattr(peer_watch, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(peer_watch, "_hung_up", bug)
    mine, theirs = socket.socketpair()
    with mine, theirs:
        watch = PeerWatch([mine], lambda: pytest.fail("nobody hung up"))
        with watch.waiting():
            time.sleep(0.1)
        with pytest.raises(ValueError, match="no such descriptor"), watch.waiting():
            pass
