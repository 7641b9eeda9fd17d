"""The pass-through between the demo's device and its hub: whole, cut, mended, and gone."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from kioskd.cli.demo_cable import Cable

PATIENCE = 5.0


@contextmanager
def echo() -> Iterator[int]:
    """A server that says what it hears; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                came, _ = listening.accept()
            except OSError:
                return
            with came:
                while data := heard(came):
                    came.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(PATIENCE)


def heard(end: socket.socket) -> bytes:
    """Some bytes; none when the other end hung up, however."""
    try:
        return end.recv(1 << 20)
    except ConnectionError:
        return b""


def connected(cable: Cable) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cable.port), PATIENCE)


def said(end: socket.socket, data: bytes) -> bytes:
    """What comes back, as much as was said, or less when the other end hung up."""
    try:
        end.sendall(data)
    except ConnectionError:
        return b""
    found = b""
    while len(found) < len(data) and (more := heard(end)):
        found += more
    return found


def test_what_is_said_goes_through_both_ways() -> None:
    with echo() as port, Cable() as cable:
        cable.lead_to(port)
        for data in (b"a", bytes(range(256)) * 2000):
            with closing(connected(cable)) as end:
                assert said(end, data) == data


def test_a_cut_ends_what_is_under_way_and_what_comes_after() -> None:
    with echo() as port, Cable() as cable:
        cable.lead_to(port)
        with closing(connected(cable)) as before:
            assert said(before, b"before") == b"before"
            cable.cut()
            assert not cable.whole
            assert heard(before) == b""
        with closing(connected(cable)) as meanwhile:
            assert said(meanwhile, b"meanwhile") == b""
        near = cable.port
        cable.mend()
        with closing(connected(cable)) as after:
            assert said(after, b"after") == b"after"
        assert cable.port == near


def test_an_end_that_nobody_serves_is_hung_up_on() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    with Cable() as cable:
        cable.lead_to(port)
        with closing(connected(cable)) as end:
            assert said(end, b"anybody") == b""


def test_a_far_end_that_hangs_up_is_told_to_the_near_one() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, Cable() as cable:
        cable.lead_to(server.getsockname()[1])
        with closing(connected(cable)) as end:
            end.sendall(b"hello")
            came, _ = server.accept()
            with came:
                assert came.recv(100) == b"hello"
            assert heard(end) == b""


def test_its_end_is_the_end_of_everything_on_it() -> None:
    before = threading.active_count()
    with echo() as port:
        with Cable() as cable:
            cable.lead_to(port)
            end = connected(cable)
            assert said(end, b"x") == b"x"
        with closing(end):
            assert heard(end) == b""
        with pytest.raises(ConnectionRefusedError):
            connected(cable)
    assert threading.active_count() == before
