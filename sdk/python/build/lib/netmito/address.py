"""Where a coordinator is, and what the environment says about the way there."""

from __future__ import annotations

import os
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Optional

from .errors import InvalidValue


@dataclass(frozen=True)
class Address:
    """Scheme, host, port; paths in the text are ignored, as the original's programs do."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Address:
        """From `http://host:port`; `host:port` alone means http."""
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            raise InvalidValue(f"{url!r}: the port is no number from 0 to 65535") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidValue(f"{url!r} is no address: write for instance http://127.0.0.1:5000")
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def proxy(self) -> Optional[Address]:
        """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for this address."""
        proxies = urllib.request.getproxies()
        if self.scheme not in proxies or urllib.request.proxy_bypass(self.host):
            return None
        return Address.parse(proxies[self.scheme])


def tls_context(ca_file: Optional[str]) -> ssl.SSLContext:
    """Trusts `ca_file`, else MITO_CA_FILE, else what the system trusts."""
    chosen = ca_file or os.environ.get("MITO_CA_FILE") or None
    try:
        return ssl.create_default_context(cafile=chosen)
    except (OSError, ssl.SSLError) as error:
        raise InvalidValue(f"cannot read the certificates in {chosen!r}: {error}") from None
