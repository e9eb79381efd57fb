"""Logging in and sending calls: what every client of this package is built on."""

from __future__ import annotations

import logging
import os
import pathlib
import threading
from typing import Optional, TypeVar

from . import credentials
from .address import Address
from .call import Call
from .connection import Answer, ConnectionPool
from .endpoints import Endpoints
from .errors import ConnectionFailed, InvalidValue, LoginRequired, NotLoggedIn, ServerError
from .schemas import UserLoginArgs, UserLoginReq

T = TypeVar("T")
DEFAULT_ADDRESS = "http://127.0.0.1:5000"


class Session(Endpoints):
    """A coordinator and who we are there. Any thread."""

    def __init__(self, coordinator_addr: Optional[str] = None, *, timeout: float = 60.0, ca_file: Optional[str] = None):
        """`coordinator_addr`: default MITO_COORDINATOR_ADDR, else http://127.0.0.1:5000. `timeout`: seconds without any
        sign of an answer. `ca_file`: certificates (PEM) to trust; default MITO_CA_FILE, else the system's."""
        if timeout <= 0:
            raise InvalidValue("timeout must be more than 0 seconds")
        self._address = Address.parse(coordinator_addr or os.environ.get("MITO_COORDINATOR_ADDR") or DEFAULT_ADDRESS)
        self._pool = ConnectionPool(timeout, ca_file)
        self._extensions: Optional[bool] = None
        self._login_lock = threading.Lock()
        self.url = self._address.url
        self.timeout = timeout
        self.credential = ""
        self.credential_path: Optional[pathlib.Path] = None
        self.username: Optional[str] = None
        self.logger = logging.getLogger("netmito")

    def close(self) -> None:
        """Gives up the kept connections. The client can still be used."""
        self._pool.close()

    def connect(
        self,
        credential_path: Optional[pathlib.Path] = None,
        user: Optional[str] = None,
        password: Optional[str] = None,
        retain: bool = False,
    ) -> str:
        """Logs in with the token of the credential file if it is good, else with `user` and `password` (default:
        MITO_USER and MITO_PASSWORD), and answers the user's name. Never asks at the terminal: `LoginRequired`.
        `retain` keeps the user's other sessions when it has to log in."""
        user = user or os.environ.get("MITO_USER") or None
        password = password or os.environ.get("MITO_PASSWORD") or None
        chosen = pathlib.Path(credential_path) if credential_path is not None else credentials.default_path()
        found = credentials.find(chosen, user)
        self.credential_path = chosen
        if found and self._is_good(*found):
            return found[0]
        if user is None or password is None:
            raise LoginRequired(
                f"no valid credential {'of ' + user + ' ' if user else ''}in {chosen}: "
                "give connect() a user and a password, or log in with `mito client login`"
            )
        self.login(user, password, retain=retain)
        return user

    def login(self, user: str, password: str, *, retain: bool = True) -> None:
        """A new token for this client, stored in the credential file of `connect`, if there was one. Other sessions of
        the user go on unless `retain` is False."""
        token = self._login(UserLoginArgs(username=user, password=password, retain=retain).to_req()).token
        self.credential, self.username = token, user
        self._store_credential()

    def user_login(self, req: UserLoginReq) -> None:
        """Logs in with a prepared request."""
        self.credential = self._login(req).token
        self.username = req.username
        self._store_credential()

    def has_extensions(self) -> bool:
        """Whether the coordinator is Mitosis in C++ (and not the original): asked once."""
        if self._extensions is None:
            answer = self._send(Call("openapi", "GET", "/openapi.json", lambda body: body, repeatable=True, token=""))
            self._extensions = answer.status == 200
        return self._extensions

    def group_or_own(self, group: Optional[str]) -> str:
        """`group`, else the user's own."""
        chosen = group or self.username
        if chosen is None:
            raise LoginRequired("name a group, or connect() first: then the user's own group is meant")
        return chosen

    def _is_good(self, user: str, token: str) -> bool:
        self.credential, self.username = token, user
        try:
            if self.user_auth() == user:
                return True
        except ServerError:
            raise
        except NotLoggedIn:
            pass
        self.credential, self.username = "", None
        return False

    def _store_credential(self) -> None:
        if self.credential_path is not None and self.username is not None:
            credentials.store(self.credential_path, self.username, self.credential)

    def _call(self, call: Call[T]) -> T:
        answer = self._send(call)
        return call.result(answer.status, answer.body, answer.headers.get("Retry-After"))

    def _send(self, call: Call[T]) -> Answer:
        headers = {"Accept": "application/json"}
        content = call.content()
        if content is not None:
            headers["Content-Type"] = "application/json"
        token = self.credential if call.token is None else call.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            return self._pool.request(
                self._address,
                call.method,
                call.target,
                headers,
                content,
                repeatable=call.repeatable,
                timeout=self.timeout + call.waits,
            )
        except ConnectionFailed as error:
            self.logger.debug("%s: %s", call.operation, error)
            raise
