"""Workers and clients that reach the coordinator by another address than it is bound to: through a port of another name, and through TLS."""
from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading

import pytest

from conftest import wait_until


class Forwarder:
    """Passes connections on to a port of loopback; with a certificate it speaks TLS to those who connect."""

    def __init__(self, target: int, address: str, certificate: tuple | None = None):
        self._target = target
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pass, args=(server, client), daemon=True).start()
            self._pass(client, server)

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def certificate(tmp_path):
    """(certificate, key) for localhost."""
    paths = tmp_path / "localhost.pem", tmp_path / "localhost.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def run_with_artifacts(tools, coordinator, url: str, *options: str) -> None:
    """A task with an input and a result, by a worker and a client that know the coordinator as `url` only."""
    tools.worker(url, *options)
    (tools.directory / "input.txt").write_text("forwarded")
    done = tools.client(url, *options, "groups", "attachments", "upload", "input.txt", "in.txt")
    assert done.returncode == 0, done.stderr
    done = tools.client(url, *options, "tasks", "submit", "--wait", "--resources", "attachment=in.txt:in.txt", "--", "sh", "-c",
                        'cat "$MITO_RESOURCE_DIR/in.txt"; cp "$MITO_RESOURCE_DIR/in.txt" "$MITO_RESULT_DIR/out.txt"')
    assert (done.returncode, done.stdout) == (0, "forwarded"), done.stderr
    admin = coordinator.api.login()
    uuid = coordinator.api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"][0]["uuid"]
    done = tools.client(url, *options, "tasks", "artifacts", "download", uuid, "result", "--output", "out.tar.gz")
    assert done.returncode == 0, done.stderr
    subprocess.run(["tar", "xzf", "out.tar.gz"], cwd=tools.directory, check=True)
    assert (tools.directory / "result" / "out.txt").read_text() == "forwarded"


def test_by_another_address_than_it_is_bound_to(tools, coordinator):
    forwarder = Forwarder(coordinator.port, "127.0.0.2")
    try:
        url = f"http://127.0.0.2:{forwarder.port}"
        admin = coordinator.api.login()
        run_with_artifacts(tools, coordinator, url)
        # The object URLs name the address that was asked, so their bytes came the same way.
        uuid = coordinator.api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"][0]["uuid"]
        _, _, answer = coordinator.api.request("GET", f"/tasks/{uuid}/download/artifacts/result", token=admin, headers={"Host": f"127.0.0.2:{forwarder.port}"})
        assert f'"url":"{url}/objects/'.encode() in answer
    finally:
        forwarder.close()


def test_through_a_tls_proxy(tools, certificate):
    # The proxy's port must be known to the coordinator before it starts: it goes into the URLs of objects.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        target = probe.getsockname()[1]
    forwarder = Forwarder(target, "127.0.0.1", certificate)
    try:
        url = f"https://localhost:{forwarder.port}"
        coordinator = tools.coordinator("--public-url", url, port=target)
        run_with_artifacts(tools, coordinator, url, "--ca-cert", str(certificate[0]))
        assert forwarder.connections > 0
    finally:
        forwarder.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tools, coordinator, certificate):
    forwarder = Forwarder(coordinator.port, "127.0.0.1", certificate)
    try:
        done = tools.client(f"https://localhost:{forwarder.port}", "auth")
        assert done.returncode == 6
        assert "certificate" in done.stderr
        assert wait_until(lambda: forwarder.connections == 0)
    finally:
        forwarder.close()
