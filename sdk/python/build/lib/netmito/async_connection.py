"""HTTP/1.1 over kept-alive connections, for asyncio. Proxies are not supported here; the clients for threads do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Optional

from .address import Address, tls_context
from .errors import ConnectionFailed, MitoError, RequestTimeout

_KEPT_PER_ADDRESS = 16
_LONGEST_LINE = 1 << 16
_MOST_HEADERS = 200


@dataclass
class AsyncAnswer:
    """Status and headers (lower case); the body is read with `chunks` or `whole`."""

    status: int
    headers: dict[str, str]
    _connection: _Connection
    _timeout: float
    _remaining: Optional[int] = None
    _chunked: bool = False
    finished: bool = False

    async def whole(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        if self._chunked:
            while True:
                size = _chunk_size(await self._connection.line(self._timeout))
                if size == 0:
                    while await self._connection.line(self._timeout):
                        pass
                    break
                async for piece in self._exactly(size):
                    yield piece
                await self._connection.line(self._timeout)
        elif self._remaining is not None:
            async for piece in self._exactly(self._remaining):
                yield piece
        else:
            while True:
                piece = await self._connection.some(1 << 16, self._timeout)
                if not piece:
                    break
                yield piece
        self.finished = True

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size > 0:
            piece = await self._connection.some(min(size, 1 << 18), self._timeout)
            if not piece:
                raise ConnectionFailed(f"the connection ended {size} bytes early")
            size -= len(piece)
            yield piece


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False

    async def line(self, timeout: float) -> bytes:
        try:
            line = await asyncio.wait_for(self.reader.readline(), timeout)
        except ValueError:
            raise ConnectionFailed(f"an answer with a line of more than {_LONGEST_LINE} bytes") from None
        if not line.endswith(b"\n"):
            raise ConnectionFailed(
                "the connection ended within an answer" if line else "the connection ended without an answer"
            )
        return line.rstrip(b"\r\n")

    async def some(self, most: int, timeout: float) -> bytes:
        return await asyncio.wait_for(self.reader.read(most), timeout)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.writer.close()


@dataclass
class AsyncConnectionPool:
    """Connections to any number of addresses, for one event loop."""

    timeout: float
    ca_file: Optional[str] = None
    _idle: dict[Address, list[_Connection]] = field(default_factory=dict)
    _tls: Optional[ssl.SSLContext] = None

    @contextlib.asynccontextmanager
    async def open(
        self,
        address: Address,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Optional[AsyncIterable[bytes]],
        *,
        repeatable: bool,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[AsyncAnswer]:
        """The answer with its body unread. The connection is kept when the body was read to its end."""
        patience = timeout or self.timeout
        connection = await self._take(address)
        answer: Optional[AsyncAnswer] = None
        try:
            with _failures(address):
                try:
                    answer = await self._send(connection, address, method, target, headers, body, patience)
                except (OSError, ConnectionFailed) as error:
                    connection.close()
                    if not (connection.used and repeatable) or isinstance(error, (TimeoutError, RequestTimeout)):
                        raise
                    connection = await self._make(address)
                    answer = await self._send(connection, address, method, target, headers, body, patience)
                yield answer
        finally:
            if answer is not None and answer.finished and answer.headers.get("connection", "").lower() != "close":
                self._give_back(address, connection)
            else:
                connection.close()

    async def close(self) -> None:
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    async def _send(
        self,
        connection: _Connection,
        address: Address,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Optional[AsyncIterable[bytes]],
        timeout: float,
    ) -> AsyncAnswer:
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {address.authority}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        connection.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if body is not None:
            async for piece in body:
                connection.writer.write(piece)
                await asyncio.wait_for(connection.writer.drain(), timeout)
        await asyncio.wait_for(connection.writer.drain(), timeout)
        return await _answer(connection, method, timeout)

    async def _take(self, address: Address) -> _Connection:
        idle = self._idle.get(address, [])
        while idle:
            connection = idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                connection.used = True
                return connection
            connection.close()
        with _failures(address):
            return await self._make(address)

    def _give_back(self, address: Address, connection: _Connection) -> None:
        idle = self._idle.setdefault(address, [])
        if len(idle) < _KEPT_PER_ADDRESS:
            idle.append(connection)
        else:
            connection.close()

    async def _make(self, address: Address) -> _Connection:
        context: Optional[ssl.SSLContext] = None
        if address.scheme == "https":
            if self._tls is None:
                self._tls = tls_context(self.ca_file)
            context = self._tls
        opening = asyncio.open_connection(address.host, address.port, ssl=context, limit=_LONGEST_LINE)
        return _Connection(*await asyncio.wait_for(opening, self.timeout))


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise ConnectionFailed("a chunked answer with a size that is no number") from None


async def _answer(connection: _Connection, method: str, timeout: float) -> AsyncAnswer:
    while True:
        words = (await connection.line(timeout)).split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise ConnectionFailed("what answers there does not speak HTTP/1.1")
        headers: dict[str, str] = {}
        for _ in range(_MOST_HEADERS):
            line = await connection.line(timeout)
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        else:
            raise ConnectionFailed("an answer with too many headers")
        status = int(words[1])
        if status >= 200:
            break
    answer = AsyncAnswer(status, headers, connection, timeout)
    answer._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    if method == "HEAD" or status in (204, 304):
        answer._remaining = 0
    elif "content-length" in headers and headers["content-length"].isdigit():
        answer._remaining = int(headers["content-length"])
    return answer


@contextlib.contextmanager
def _failures(address: Address) -> Iterator[None]:
    try:
        yield
    except MitoError:
        raise
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise RequestTimeout(f"no answer from {address.url} in time") from error
    except OSError as error:
        raise ConnectionFailed(f"cannot reach {address.url}: {error or type(error).__name__}") from error
