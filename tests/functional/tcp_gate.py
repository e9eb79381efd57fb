"""A TCP gate between a program and a server, which can be shut, stalled, and made to break a connection at a given moment."""
from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Gate:
    """Listens on `port` and passes everything on to `target`, until told otherwise."""

    def __init__(self, target: int):
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._open = threading.Event()
        self._open.set()
        self._refuse = False
        self._break_after: bytes | None = None
        self._shut_when_broken = False
        self._break_before: bytes | None = None
        self._break_within = (0, 0)
        self._hold_at = 0
        self._released = threading.Event()
        self.held = False  # The connection of hold_within() stands still.
        self.broken = 0  # Connections that were cut as asked for.
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuse:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        swallow = False
        sent = 0
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(1 << 16)
                    self._open.wait()
                    if not data:
                        return self._close(client, server)
                    if key.fileobj is client:
                        sent += len(data)
                        if 0 < self._hold_at <= sent:
                            self._hold_at = 0
                            self.held = True
                            self._released.wait()
                        size, times = self._break_within
                        if times > 0 and sent >= size:
                            self._break_within = (size, times - 1)
                            self.broken += 1
                            return self._close(client, server)
                        if self._break_before and self._break_before in data:
                            self._break_before = None
                            self.broken += 1
                            return self._close(client, server)
                        if self._break_after and self._break_after in data:
                            self._break_after = None
                            swallow = True
                    elif swallow:
                        self._refuse = self._shut_when_broken
                        self.broken += 1
                        return self._close(client, server)
                    key.data.sendall(data)
        self._close(client, server)

    def _close(self, *pair: socket.socket) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.close()

    def break_before(self, text: bytes) -> None:
        """The next connection that sends this is cut; the server never sees it."""
        self._break_before = text

    def break_after(self, text: bytes, then_shut: bool = False) -> None:
        """The server gets it, its answer is lost with the connection; `then_shut` refuses what follows, until open()."""
        self._shut_when_broken = then_shut
        self._break_after = text

    def break_within(self, size: int, times: int = 1) -> None:
        """The next connections whose clients have sent so many bytes are cut in their midst."""
        self._break_within = (size, times)

    def hold_within(self, size: int) -> None:
        """The next connection whose client has sent so many bytes stands still until release(); the others go on."""
        self._released.clear()
        self._hold_at = size

    def release(self) -> None:
        self._released.set()

    def cut(self) -> None:
        """All connections that stand."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        """Cuts, and refuses new connections until open()."""
        self._refuse = True
        self.cut()

    def stall(self) -> None:
        """Connections stay, and nothing passes until open()."""
        self._open.clear()

    def open(self) -> None:
        self._refuse = False
        self._open.set()

    def end(self) -> None:
        self._listener.close()
        self.open()
        self.release()
        self.cut()
