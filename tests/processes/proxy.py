"""A line between real processes that is thin, slow, cut at a byte, silent, or answered by a stranger.

with Proxy(centre.port) as line:
    node.settings["centre"] = line.url
    line.cut_after = 1_000        bytes of both directions after which a connection is reset
    line.dead_after = 50_000      bytes in all after which every connection is closed at once
    line.rate = 8_000             bytes a second and direction; 0: as fast as it goes
    line.delay = 0.3              seconds before the first byte of each connection
    line.page = b"<html>…"        what a captive portal answers to everything, with status 200
    line.silent = True            connections are taken and nothing is ever said
"""

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType

PIECE_BYTES = 4_096
QUIET_SECONDS = 0.3
LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset, as a broken line does."""


class Proxy:
    """Listens on a port of its own and passes everything on to ``port`` of this computer."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._door = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.cut_after = 0
        self.dead_after = 0
        self.rate = 0
        self.delay = 0.0
        self.page = b""
        self.silent = False
        self.passed = 0
        self.cuts = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        time.sleep(self.delay)
        if self.dead_after and self.passed >= self.dead_after:
            client.close()
        elif self.silent:
            client.recv(1)
            time.sleep(600)
        elif self.page:
            client.settimeout(QUIET_SECONDS)
            with contextlib.suppress(TimeoutError):  # all of the request, or closing would reset what is answered
                while client.recv(65_536):
                    pass
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            client.sendall(head % len(self.page) + self.page)
            client.close()
        else:
            self._carry(client, socket.create_connection(("127.0.0.1", self._target)))

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        left = [self.cut_after or 1 << 62]
        both = [threading.Thread(target=self._pump, args=(a, b, left), daemon=True) for a, b in ((client, server), (server, client))]
        for one in both:
            one.start()
        for one in both:
            one.join()
        for end in (client, server):
            end.close()

    def _pump(self, source: socket.socket, target: socket.socket, left: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(min(PIECE_BYTES, max(left[0], 1))):
                if self.rate:
                    time.sleep(len(data) / self.rate)
                target.sendall(data[: left[0]])
                self.passed += len(data)
                left[0] -= len(data)
                if left[0] <= 0:
                    self.cuts += 1
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                if left[0] <= 0:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                end.shutdown(socket.SHUT_RDWR)
