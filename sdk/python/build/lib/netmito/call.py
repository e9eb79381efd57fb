"""One request to a coordinator, as a value: what to send and how to read the answer. No I/O."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Optional, TypeVar

from .errors import InvalidValue, error_of
from .model import BaseAPIModel

T = TypeVar("T")
M = TypeVar("M", bound=BaseAPIModel)


@dataclass
class Call(Generic[T]):
    """`operation` is the operationId of the coordinator's OpenAPI document. `read` makes the result from the body of a
    200. `repeatable`: sending it twice does what sending it once does. `waits`: seconds the answer may be held back."""

    operation: str
    method: str
    path: str
    read: Callable[[bytes], T]
    body: Optional[BaseAPIModel] = None
    query: list[tuple[str, str]] = field(default_factory=list)
    raw_body: Any = None
    repeatable: bool = False
    waits: float = 0.0
    token: Optional[str] = None

    @property
    def target(self) -> str:
        """Path and query, escaped."""
        return self.path + ("?" + urllib.parse.urlencode(self.query) if self.query else "")

    def content(self) -> Optional[bytes]:
        """The body to send."""
        if self.body is not None:
            return json.dumps(self.body.to_dict()).encode()
        return None if self.raw_body is None else json.dumps(self.raw_body).encode()

    def result(self, status: int, body: bytes, retry_after: Optional[str]) -> T:
        """The result, or the exception that the answer stands for."""
        if status == 200:
            return self.read(body)
        raise error_of(status, error_text(body), self.operation, _seconds(retry_after))


def path(*parts: object) -> str:
    """`/a/b` with each part escaped; a slash within a part stays only in keys of attachments, see `key_path`."""
    return "".join("/" + urllib.parse.quote(str(part), safe="") for part in parts)


def key_path(key: str) -> str:
    """The key of an attachment as the rest of a path."""
    return "/" + urllib.parse.quote(key, safe="/")


def message(model: type[M]) -> Callable[[bytes], M]:
    """Reads a JSON message."""

    def read(body: bytes) -> M:
        return model.from_dict(document(body))

    return read


def optional_message(model: type[M]) -> Callable[[bytes], Optional[M]]:
    """Reads a JSON message or `null`."""

    def read(body: bytes) -> Optional[M]:
        value = document(body)
        return None if value is None else model.from_dict(value)

    return read


def nothing(_: bytes) -> None:
    """For answers that say nothing but yes."""


def text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise InvalidValue(f"the answer is no JSON; is this a coordinator? {body[:80]!r}") from None


def error_text(body: bytes) -> str:
    """The words of a refusal: the `msg` of its JSON, else the text."""
    try:
        value = json.loads(body)
        if isinstance(value, dict) and isinstance(value.get("msg"), str):
            return str(value["msg"])
    except ValueError:
        pass
    return text(body)[:500]


def _seconds(retry_after: Optional[str]) -> Optional[float]:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
