"""HTTP over kept-alive connections, for threads."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Protocol, Union

from .address import Address, tls_context
from .errors import ConnectionFailed, RequestTimeout

_KEPT_PER_ADDRESS = 16


class Readable(Protocol):
    """A body that is read while it is sent."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class ConnectionPool:
    """Connections to any number of addresses. Any thread; after a fork the child starts with none."""

    def __init__(self, timeout: float, ca_file: Optional[str]):
        self.timeout = timeout
        self._ca_file = ca_file
        self._tls: Optional[ssl.SSLContext] = None
        self._lock = threading.Lock()
        self._idle: dict[Address, list[http.client.HTTPConnection]] = {}
        self._owner = os.getpid()

    def request(
        self,
        address: Address,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Optional[bytes],
        *,
        repeatable: bool,
        timeout: Optional[float] = None,
    ) -> Answer:
        """The whole answer. A kept connection that turns out dead is replaced, once, if `repeatable`."""
        with self.open(address, method, target, headers, body, repeatable=repeatable, timeout=timeout) as response:
            with _failures(address):
                return Answer(response.status, response.headers, response.read())

    @contextlib.contextmanager
    def open(
        self,
        address: Address,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Union[bytes, Readable, None],
        *,
        repeatable: bool,
        timeout: Optional[float] = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer with its body unread. The connection is kept when the body was read to its end."""
        connection, kept = self._take(address)
        response: Optional[http.client.HTTPResponse] = None
        try:
            with _failures(address):
                try:
                    response = self._send(connection, address, method, target, headers, body, timeout)
                except (ConnectionError, http.client.BadStatusLine):
                    connection.close()
                    if not (kept and repeatable):
                        raise
                    connection = self._make(address)
                    response = self._send(connection, address, method, target, headers, body, timeout)
            yield response
        finally:
            if response is not None and response.isclosed() and not response.will_close:
                self._give_back(address, connection)
            else:
                connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _send(
        self,
        connection: http.client.HTTPConnection,
        address: Address,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Union[bytes, Readable, None],
        timeout: Optional[float],
    ) -> http.client.HTTPResponse:
        connection.timeout = timeout or self.timeout
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        if address.scheme == "http" and address.proxy():
            target = address.url + target
        connection.request(method, target, body=body, headers={"Host": address.authority, **headers})
        return connection.getresponse()

    def _take(self, address: Address) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._idle = os.getpid(), {}
            idle = self._idle.get(address, [])
            while idle:
                connection = idle.pop()
                if not _readable(connection):
                    return connection, True
                connection.close()
        return self._make(address), False

    def _give_back(self, address: Address, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(address, [])
            if len(idle) < _KEPT_PER_ADDRESS:
                idle.append(connection)
                return
        connection.close()

    def _make(self, address: Address) -> http.client.HTTPConnection:
        proxy = address.proxy()
        first = proxy or address
        if address.scheme == "http":
            return http.client.HTTPConnection(first.host, first.port, timeout=self.timeout)
        if self._tls is None:
            self._tls = tls_context(self._ca_file)
        connection = http.client.HTTPSConnection(first.host, first.port, timeout=self.timeout, context=self._tls)
        if proxy:
            connection.set_tunnel(address.host, address.port)
        return connection


def _readable(connection: http.client.HTTPConnection) -> bool:
    """Whether something came in between requests: that can only be its end."""
    if connection.sock is None:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([connection.sock], [], [], 0)[0])
    poller = select.poll()
    poller.register(connection.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))


@contextlib.contextmanager
def _failures(address: Address) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, socket.timeout) as error:  # two classes before Python 3.10
        raise RequestTimeout(f"no answer from {address.url} in time: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionFailed(f"cannot reach {address.url}: {error or type(error).__name__}") from error
