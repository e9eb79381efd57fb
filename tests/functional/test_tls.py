"""HTTPS served by the coordinator itself, with a certificate authority of one's own."""
from __future__ import annotations

import http.client
import signal
import ssl
import socket
import subprocess

import pytest
from conftest import wait_until


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.certificate, self.key = directory / "ca.pem", directory / "ca.key"
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=Test CA",
                  "-addext", "basicConstraints=critical,CA:TRUE", "-out", self.certificate, "-keyout", self.key)

    def _run(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.directory)

    def issue(self, certificate, key, serial: int) -> None:
        request, extensions = self.directory / "request.pem", self.directory / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-out", request, "-keyout", key)
        self._run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", "2", "-set_serial", serial, "-extfile", extensions, "-out", certificate)


@pytest.fixture
def authority(tmp_path):
    directory = tmp_path / "authority"
    directory.mkdir()
    return Authority(directory)


@pytest.fixture
def secure(tools, authority, tmp_path):
    """A coordinator with HTTPS."""
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    authority.issue(certificate, key, 101)
    coordinator = tools.coordinator("--tls-cert", certificate, "--tls-key", key)
    coordinator.url = f"https://127.0.0.1:{coordinator.port}"
    coordinator.certificate, coordinator.key = certificate, key
    coordinator.context = ssl.create_default_context(cafile=authority.certificate)
    return coordinator


def serial(coordinator) -> int:
    with socket.create_connection(("127.0.0.1", coordinator.port)) as plain:
        with coordinator.context.wrap_socket(plain, server_hostname="localhost") as peer:
            return int(peer.getpeercert()["serialNumber"], 16)


def test_worker_and_client_with_artifacts(tools, secure, authority):
    options = ["--ca-cert", str(authority.certificate)]
    tools.worker(secure.url, *options)
    (tools.directory / "in.txt").write_text("x" * 300_000)
    done = tools.client(secure.url, *options, "groups", "attachments", "upload", "in.txt", "in.txt")
    assert done.returncode == 0, done.stderr
    done = tools.client(secure.url, *options, "tasks", "submit", "--wait", "--resources", "attachment=in.txt:in.txt", "--", "sh", "-c",
                        'wc -c < "$MITO_RESOURCE_DIR/in.txt"')
    assert (done.returncode, done.stdout.strip()) == (0, "300000"), done.stderr


def test_a_client_that_does_not_know_the_authority_refuses(tools, secure):
    done = tools.client(secure.url, "auth")
    assert done.returncode != 0 and "certificate" in done.stderr


def test_keep_alive_pipelining_and_events(secure):
    connection = http.client.HTTPSConnection("127.0.0.1", secure.port, context=secure.context, timeout=20)
    for _ in range(3):
        connection.request("GET", "/health")
        response = connection.getresponse()
        assert response.status == 200 and response.read() == b'{"status":"ok"}'
    connection.close()
    with socket.create_connection(("127.0.0.1", secure.port)) as plain, secure.context.wrap_socket(plain, server_hostname="localhost") as peer:
        peer.settimeout(20)
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := peer.recv(4096):
            data += piece
        assert data.count(b"HTTP/1.1 200 OK") == 4


def test_who_speaks_plain_http_or_nothing_is_dropped(secure):
    with socket.create_connection(("127.0.0.1", secure.port)) as peer:
        peer.settimeout(20)
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" not in peer.recv(4096)
    assert serial(secure) == 101


def test_a_new_certificate_is_read_at_sighup_and_a_bad_one_changes_nothing(secure, authority):
    assert serial(secure) == 101
    authority.issue(secure.certificate, secure.key, 102)
    secure.signal(signal.SIGHUP)
    wait_until(lambda: serial(secure) == 102, 10, "the new certificate")
    secure.certificate.write_text("nonsense")
    secure.signal(signal.SIGHUP)
    secure.wait_for_output("stays in use")
    assert serial(secure) == 102


@pytest.mark.parametrize("given,message", [
    (["--tls-cert", "server.pem"], "tls_cert and tls_key belong together"),
    (["--tls-cert", "missing.pem", "--tls-key", "missing.key"], "missing.pem cannot be used"),
])
def test_what_cannot_be_used_is_named(tools, given, message):
    done = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "d", *given, timeout=20)
    assert done.returncode == 2 and message in done.stderr + done.stdout
