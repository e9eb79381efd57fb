"""What can go wrong. Everything the SDK raises on purpose is a `MitoError`."""

from __future__ import annotations

from typing import Optional


class MitoError(Exception):
    """Base of all errors of this package."""


class InvalidValue(MitoError, ValueError):
    """A value that does not fit its field: an argument of yours, or an answer that is no answer of a coordinator."""


class ConnectionFailed(MitoError, ConnectionError):
    """No answer: the coordinator is not there, or the connection broke. Nothing is known about the request's effect."""


class RequestTimeout(ConnectionFailed, TimeoutError):
    """No answer within the time allowed for one request."""


class HttpError(MitoError):
    """The coordinator refused. `status` is the HTTP status, `message` its words."""

    def __init__(self, status: int, message: str, operation: str = ""):
        self.status = status
        self.message = message
        self.operation = operation
        what = f"{operation} failed" if operation else "the request failed"
        super().__init__(f"{what}, status code: {status}, error: {message}")


class InvalidRequest(HttpError):
    """400, 413, 415, 422: what was sent is not acceptable; sending it again will not help."""


class NotLoggedIn(HttpError):
    """401: no token, an expired one, or a wrong user name or password. `connect()` logs in."""


class PermissionDenied(HttpError):
    """403: the user may not do this."""


class NotFound(HttpError):
    """404: no such user, group, task, worker, artifact or attachment."""


class Conflict(HttpError):
    """409: the name is taken."""


class Busy(HttpError):
    """429, 503: refused for load; try again after `retry_after` seconds."""

    def __init__(self, status: int, message: str, operation: str = "", retry_after: Optional[float] = None):
        super().__init__(status, message, operation)
        self.retry_after = retry_after


class ServerError(HttpError):
    """Any other 5xx: a fault of the coordinator or of something between."""


class LoginRequired(MitoError):
    """There is no usable credential and no user name and password to log in with."""


class WaitTimeout(MitoError, TimeoutError):
    """The task (or tasks) did not end in time. They go on; wait again whenever you like."""


class TransferFailed(MitoError):
    """A file could not be moved completely: refused, cut off, or of another size than announced."""


class SubmissionFailed(MitoError):
    """Some tasks of a batch were refused. `errors` has the reason for each index of the batch."""

    def __init__(self, errors: dict[int, str]):
        self.errors = errors
        index, reason = next(iter(errors.items()))
        super().__init__(f"{len(errors)} tasks were refused; the first, number {index}: {reason}")


def error_of(status: int, message: str, operation: str, retry_after: Optional[float] = None) -> HttpError:
    """The exception that stands for an answer."""
    if status == 401:
        return NotLoggedIn(status, message, operation)
    if status == 403:
        return PermissionDenied(status, message, operation)
    if status == 404:
        return NotFound(status, message, operation)
    if status == 409:
        return Conflict(status, message, operation)
    if status in (429, 503):
        return Busy(status, message, operation, retry_after)
    if status >= 500:
        return ServerError(status, message, operation)
    return InvalidRequest(status, message, operation)
