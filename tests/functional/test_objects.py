"""Object bytes through the coordinator: signed URLs, exact lengths, ranges, durability, bounded memory."""
from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import socket
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from conftest import Api, wait_until

GROUP = "/groups/mitosis_admin"


def announce(api, token, key: str, length: int) -> str:
    return api.call("POST", f"{GROUP}/attachments", {"key": key, "content_length": length}, token)["url"]


def link(api, token, key: str) -> str:
    return api.call("GET", f"{GROUP}/download/attachments/{key}", token=token)["url"]


def transfer(url: str, method: str, body=None, headers=None):
    """(status, headers, bytes)"""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        headers = headers or {}
        connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers, encode_chunked="Transfer-Encoding" in headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


@pytest.fixture
def stored(coordinator, admin):
    """A download URL of ten bytes."""
    assert transfer(announce(coordinator.api, admin, "ten", 10), "PUT", b"0123456789")[0] == 200
    return link(coordinator.api, admin, "ten")


def test_round_trip(stored):
    status, headers, body = transfer(stored, "GET")
    assert (status, body) == (200, b"0123456789")
    assert headers["content-length"] == "10" and headers["accept-ranges"] == "bytes"
    status, headers, body = transfer(stored, "HEAD")
    assert (status, headers["content-length"], body) == (200, "10", b"")


@pytest.mark.parametrize("asked, status, content_range, body", [
    ("bytes=0-3", 206, "bytes 0-3/10", b"0123"), ("bytes=4-", 206, "bytes 4-9/10", b"456789"), ("bytes=-2", 206, "bytes 8-9/10", b"89"),
    ("bytes=8-100", 206, "bytes 8-9/10", b"89"), ("bytes=10-", 416, "bytes */10", b""), ("bytes=0-1,4-5", 200, None, b"0123456789"),
    ("bytes=x", 200, None, b"0123456789"),
])
def test_ranges(stored, asked, status, content_range, body):
    answer = transfer(stored, "GET", headers={"Range": asked})
    assert (answer[0], answer[1].get("content-range"), answer[2]) == (status, content_range, body)


def test_empty_object(coordinator, admin):
    assert transfer(announce(coordinator.api, admin, "empty", 0), "PUT", b"")[0] == 200
    assert transfer(link(coordinator.api, admin, "empty"), "GET")[::2] == (200, b"")


@pytest.mark.parametrize("key", ["a/b", "a", "dir/..", "dir/.", "a b+&%?#", "\u00e4\u65e5", "x" * 900, "-", "'\"`$(id)"])
def test_keys_of_all_kinds(coordinator, admin, key):
    content = hashlib.sha256(key.encode()).digest()
    assert transfer(announce(coordinator.api, admin, key, len(content)), "PUT", content)[0] == 200
    answer = coordinator.api.call("POST", f"{GROUP}/download/attachments/list", {"keys": [key]}, admin)
    assert transfer(answer["downloads"][0]["url"], "GET")[2] == content


def test_length_must_be_the_announced_one(coordinator, admin):
    url = announce(coordinator.api, admin, "exact", 5)
    assert transfer(url, "PUT", b"1234")[0] == 400
    status, _, body = transfer(url, "PUT", b"123456")
    assert status == 400 and b"6 bytes, 5 were announced" in body
    for parts in ([b"123", b"4567"], [b"12", b"3"]):
        assert transfer(url, "PUT", iter(parts), {"Transfer-Encoding": "chunked"})[0] == 400
    assert transfer(link(coordinator.api, admin, "exact"), "GET")[0] == 404
    assert transfer(url, "PUT", iter([b"12", b"345"]), {"Transfer-Encoding": "chunked"})[0] == 200
    assert transfer(link(coordinator.api, admin, "exact"), "GET")[2] == b"12345"


def test_signature_binds_method_key_length_and_time(coordinator, admin, stored):
    put = announce(coordinator.api, admin, "bound", 5)
    assert transfer(put, "GET")[0] == 403
    assert transfer(stored, "PUT", b"0123456789")[0] == 403
    assert transfer(stored, "DELETE")[0] == 405
    assert transfer(stored.replace("/ten", "/bound"), "GET")[0] == 403
    for url in (put, stored):
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        for position, (name, value) in enumerate(pairs):
            changed = list(pairs)
            other = str(int(value) + 1) if value.isdigit() else ("0" if value[:1] != "0" else "1") + value[1:]
            changed[position] = (name, other)
            method = "PUT" if url is put else "GET"
            status, _, body = transfer(parts._replace(query=urlencode(changed)).geturl(), method, b"12345" if method == "PUT" else None)
            assert status == 403, (name, body)
            del changed[position]
            assert transfer(parts._replace(query=urlencode(changed)).geturl(), method, b"12345" if method == "PUT" else None)[0] == 403, name
    assert transfer(put.split("?")[0], "PUT", b"12345")[0] == 403
    assert transfer(put, "PUT", b"12345")[0] == 200


def test_object_that_was_never_sent(coordinator, admin):
    announce(coordinator.api, admin, "ghost", 5)
    assert transfer(link(coordinator.api, admin, "ghost"), "GET")[0] == 404


def test_broken_upload_is_never_visible(coordinator, admin):
    size = 3_000_000
    url = announce(coordinator.api, admin, "broken", size)
    parts = urlsplit(url)
    before = {path for path in (coordinator.data / "objects").rglob("*") if path.is_file()}
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode() + b"x" * 1_000_000)
        wait_until(lambda: {path for path in (coordinator.data / "objects").rglob("*") if path.is_file()} - before, what="the begun upload")
        assert transfer(link(coordinator.api, admin, "broken"), "GET")[0] == 404
    wait_until(lambda: {path for path in (coordinator.data / "objects").rglob("*") if path.is_file()} == before,
               what="the end of the temporary file")
    assert transfer(link(coordinator.api, admin, "broken"), "GET")[0] == 404


def test_upload_broken_by_a_kill_is_never_visible(tools):
    coordinator = tools.coordinator()
    admin = coordinator.api.login()
    parts = urlsplit(announce(coordinator.api, admin, "killed", 1000))
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n".encode() + b"x" * 500)
    wait_until(lambda: [path for path in (coordinator.data / "objects").rglob("*") if path.is_file()], what="the begun upload")
    coordinator.kill()
    connection.close()
    second = tools.coordinator()
    assert transfer(link(second.api, admin, "killed"), "GET")[0] == 404
    assert not [path for path in (second.data / "objects").rglob("*") if path.is_file()], "the temporary file is removed at the start"


def test_replaced_while_it_is_read(coordinator, admin):
    size = 20_000_000
    url = announce(coordinator.api, admin, "replaced", size)
    assert transfer(url, "PUT", b"a" * size)[0] == 200
    parts = urlsplit(link(coordinator.api, admin, "replaced"))
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    first = response.read(1000)
    assert transfer(url, "PUT", b"b" * size)[0] == 200
    rest = response.read()
    connection.close()
    assert first + rest == b"a" * size
    assert transfer(link(coordinator.api, admin, "replaced"), "GET")[2] == b"b" * size


def resident_kib(pid: int) -> int:
    return int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{pid}/status").read()).group(1))


def test_large_objects_do_not_grow_memory(coordinator, admin):
    """Several transfers of 150 MB side by side, both ways."""
    size = 150_000_000
    piece = os.urandom(1_000_000)
    expected = hashlib.sha256(piece * (size // len(piece))).hexdigest()
    assert transfer(announce(coordinator.api, admin, "warm", 10), "PUT", b"0123456789")[0] == 200
    before = resident_kib(coordinator.pid)
    failures = []

    def work(number: int) -> None:
        try:
            url = announce(coordinator.api, admin, f"large{number}", size)
            body = (piece for _ in range(size // len(piece)))
            status, _, text = transfer(url, "PUT", body, {"Content-Length": str(size)})
            assert status == 200, text
            parts = urlsplit(link(coordinator.api, admin, f"large{number}"))
            connection = http.client.HTTPConnection(parts.netloc, timeout=120)
            connection.request("GET", f"{parts.path}?{parts.query}")
            response = connection.getresponse()
            digest = hashlib.sha256()
            while data := response.read(1 << 20):
                digest.update(data)
            connection.close()
            assert digest.hexdigest() == expected
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    grown = resident_kib(coordinator.pid) - before
    assert grown < 32 * 1024, f"{grown} KiB more for 450 MB each way"


def test_slow_reader_does_not_make_it_buffer(coordinator, admin):
    size = 60_000_000
    assert transfer(announce(coordinator.api, admin, "slow", size), "PUT", b"z" * size)[0] == 200
    before = resident_kib(coordinator.pid)
    parts = urlsplit(link(coordinator.api, admin, "slow"))
    connections = []
    for _ in range(20):
        connection = socket.create_connection((parts.hostname, parts.port))
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        assert connection.recv(1)
        connections.append(connection)
    assert coordinator.api.call("GET", "/health") == {"status": "ok"}
    for connection in connections:
        connection.close()
    assert resident_kib(coordinator.pid) - before < 32 * 1024


def test_full_volume_is_refused(tools):
    coordinator = tools.coordinator("--min-free", "1EB")
    admin = coordinator.api.login()
    status, _, body = transfer(announce(coordinator.api, admin, "k", 10), "PUT", b"0123456789")
    assert status == 507, body
    assert transfer(link(coordinator.api, admin, "k"), "GET")[0] == 404
    assert not [path for path in (coordinator.data / "objects").rglob("*") if path.is_file()]


def test_address_of_the_urls(tools):
    coordinator = tools.coordinator("--trusted-proxies", "127.0.0.1")
    admin = coordinator.api.login()

    def base(**headers) -> str:
        status, _, body = coordinator.api.request("POST", f"{GROUP}/attachments", {"key": "k", "content_length": 1}, admin, headers)
        assert status == 200
        parts = urlsplit(json.loads(body)["url"])
        return f"{parts.scheme}://{parts.netloc}"

    assert base() == coordinator.url
    assert base(Host="mito.example:8080") == "http://mito.example:8080"
    assert base(**{"Host": "inner", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "mito.example"}) == "https://mito.example"
    assert base(Host="bad/host") == coordinator.url
    assert base(**{"Host": "a.example", "X-Forwarded-Host": "evil/x?"}) == "http://a.example"


def test_forwarded_headers_of_strangers_do_not_count(coordinator, admin):
    body = {"key": "k", "content_length": 1}
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    answer = coordinator.api.request("POST", f"{GROUP}/attachments", body, admin, headers)
    assert b"evil" not in answer[2] and coordinator.url.encode() in answer[2]


def test_public_url(tools):
    coordinator = tools.coordinator("--public-url", "https://mito.example/sub")
    admin = coordinator.api.login()
    assert announce(coordinator.api, admin, "k", 1).startswith("https://mito.example/sub/objects/")


def test_removed_object_is_gone(coordinator, admin, stored):
    coordinator.api.call("DELETE", f"/admin{GROUP}/attachments/ten", token=admin)
    assert transfer(stored, "GET")[0] == 404
    assert coordinator.api.call("GET", GROUP, token=admin)["storage_used"] == 0
    assert transfer(announce(coordinator.api, admin, "ten", 3), "PUT", b"new")[0] == 200
    assert transfer(link(coordinator.api, admin, "ten"), "GET")[2] == b"new"


def test_accounting_does_not_lose_updates(coordinator, admin):
    """Many uploads announced at once: what the group uses is their sum."""
    failures = []

    def work(number: int) -> None:
        for part in range(10):
            try:
                announce(Api(coordinator.port), admin, f"{number}/{part}", 7)
            except AssertionError as error:
                failures.append(error)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert coordinator.api.call("GET", GROUP, token=admin)["storage_used"] == 8 * 10 * 7
    assert coordinator.api.call("POST", f"{GROUP}/attachments/query", {"count": True}, admin)["count"] == 80
