"""The coordinator on an S3 server: artifacts and attachments go there and back by presigned URLs, and nothing through the coordinator."""
from __future__ import annotations

import http.client
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import threading
import urllib.parse
import uuid as uuids

import pytest

from conftest import wait_until
from s3_server import S3Server, need, own_s3_server, s3_server  # noqa: F401 (fixtures)
from tcp_gate import Gate
from test_operation import metric

_numbers = itertools.count(1)


def fetch(method: str, url: str, body: bytes | None = None, headers: dict | None = None) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture
def suffix():
    """Buckets of the test's own."""
    return f"-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def coordinator(tools, s3_server, suffix):  # noqa: F811
    return tools.coordinator(*s3_server.arguments(suffix))


@pytest.fixture
def admin(coordinator):
    return coordinator.api.login()


def make_old(coordinator) -> None:
    script = pathlib.Path(__file__).with_name("recorded_database.py")
    subprocess.run([sys.executable, str(script), str(coordinator.data / "mitosis.db"), "age"], check=True)


def test_artifacts_of_our_worker(tools, coordinator, admin, s3_server, suffix):  # noqa: F811
    tools.worker(coordinator.url)
    uuid = coordinator.api.submit(admin, ["sh", "-c", "echo seen; echo kept > $MITO_RESULT_DIR/file"], terminal_output=True)
    coordinator.api.wait_for_result(admin, uuid)
    names = s3_server.names(f"mitosis-artifacts{suffix}")
    assert {f"{uuid}/result.tar.gz", f"{uuid}/std-log.tar.gz"} <= names
    assert not (coordinator.data / "objects").exists(), "nothing is kept on the coordinator's disk"
    answer = coordinator.api.call("GET", f"/tasks/{uuid}/download/artifacts/result", token=admin)
    assert answer["url"].startswith(f"{s3_server.url}/mitosis-artifacts{suffix}/{uuid}/result.tar.gz?x-id=GetObject&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    status, body = fetch("GET", answer["url"])
    assert status == 200 and answer["size"] == len(body)
    assert any(member.name.endswith("file") for member in tarfile.open(fileobj=io.BytesIO(body)))


def test_a_task_gets_its_inputs(tools, coordinator, admin):
    coordinator_file = tools.directory / "in.txt"
    coordinator_file.write_text("from the store")
    assert tools.client(coordinator.url, "groups", "attachments", "upload", str(coordinator_file), "in.txt").returncode == 0
    tools.worker(coordinator.url)
    uuid = coordinator.api.submit(admin, ["sh", "-c", "cat $MITO_RESOURCE_DIR/copy.txt"], terminal_output=True,
                                  spec={"resources": [{"remote_file": {"Attachment": {"key": "in.txt"}}, "local_path": "copy.txt"}]})
    coordinator.api.wait_for_result(admin, uuid)
    answer = coordinator.api.call("GET", f"/tasks/{uuid}/download/artifacts/std-log", token=admin)
    archive = tarfile.open(fileobj=io.BytesIO(fetch("GET", answer["url"])[1]))
    (log,) = [member for member in archive if member.name.endswith("stdout.log")]
    assert archive.extractfile(log).read() == b"from the store"


def test_attachments_of_our_client(tools, coordinator, admin, s3_server, suffix):  # noqa: F811
    original = tools.directory / "data.bin"
    original.write_bytes(os.urandom(300_000))
    assert tools.client(coordinator.url, "groups", "attachments", "upload", str(original), "dir/a b+&.bin").returncode == 0
    assert s3_server.names(f"mitosis-attachments{suffix}") == {"mitosis_admin/dir/a b+&.bin"}
    copy = tools.directory / "copy.bin"
    done = tools.client(coordinator.url, "groups", "attachments", "download", "dir/a b+&.bin", "-o", str(copy))
    assert done.returncode == 0, done.stdout + done.stderr
    assert copy.read_bytes() == original.read_bytes()
    key = urllib.parse.quote("dir/a b+&.bin")
    status, _, body = coordinator.api.request("DELETE", f"/groups/mitosis_admin/attachments/{key}", token=admin)
    assert status == 400 and b"last hour" in body
    make_old(coordinator)
    coordinator.api.call("DELETE", f"/groups/mitosis_admin/attachments/{key}", token=admin)
    assert s3_server.names(f"mitosis-attachments{suffix}") == set()


def test_the_quota_counts_and_a_batch_is_removed(coordinator, admin, s3_server, suffix):  # noqa: F811
    for number in range(5):
        answer = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": f"many/{number}", "content_length": 10}, admin)
        assert fetch("PUT", answer["url"], b"0123456789")[0] == 200
    assert coordinator.api.call("GET", "/groups/mitosis_admin", token=admin)["storage_used"] == 50
    make_old(coordinator)
    answer = coordinator.api.call("POST", "/groups/mitosis_admin/delete/attachments/list", {"keys": [f"many/{number}" for number in range(5)]}, admin)
    assert answer["deleted_count"] == 5
    assert coordinator.api.call("GET", "/groups/mitosis_admin", token=admin)["storage_used"] == 0
    assert s3_server.names(f"mitosis-attachments{suffix}") == set()


def test_an_upload_url_takes_the_announced_bytes_only(coordinator, admin):
    answer = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 3}, admin)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer["url"]).query)
    assert query["X-Amz-Expires"] == ["3600"] and query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert fetch("PUT", answer["url"], b"four")[0] == 403
    assert fetch("PUT", answer["url"], b"abc", {"Content-Type": "text/plain"})[0] == 200
    assert fetch("PUT", answer["url"].replace("/k?", "/other?"), b"abc")[0] == 403
    status, _, body = coordinator.api.request("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 2**63}, admin)
    assert (status, body) == (400, b'{"msg":"Invalid content length -9223372036854775808"}')


def test_addresses_for_others(tools, s3_server, suffix):  # noqa: F811
    arguments = [*s3_server.arguments(suffix), "--s3-public-url", "https://files.example:8443"]
    coordinator = tools.coordinator(*arguments)
    answer = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 3}, coordinator.api.login())
    assert answer["url"].startswith(f"https://mitosis-attachments{suffix}.files.example:8443/mitosis_admin/k?x-id=PutObject&")
    assert "only this machine reaches it" not in coordinator.output()
    coordinator.stop()
    path_style = tools.coordinator(*arguments, "--s3-force-path-style")
    answer = path_style.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 3}, path_style.api.login())
    assert answer["url"].startswith(f"https://files.example:8443/mitosis-attachments{suffix}/mitosis_admin/k?")
    path_style.stop()
    open_to_all = tools.coordinator(*s3_server.arguments(suffix), "--bind", "0.0.0.0:0", "--admin-password", "secret")
    assert "s3_url is handed to workers and clients, and only this machine reaches it: set s3_public_url" in open_to_all.output()


def test_a_start_says_what_is_wrong(tools, s3_server, suffix):  # noqa: F811
    def start(*arguments):
        done = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "refused", *arguments)
        assert done.returncode != 0
        return done.stdout + done.stderr

    arguments = s3_server.arguments(suffix)
    wrong = [*arguments]
    wrong[wrong.index("--s3-secret-key") + 1] = "wrong_secret"
    assert "Check s3_access_key and s3_secret_key." in start(*wrong)
    assert "s3_url is `nowhere`: it must be http://" in start("--s3", "nowhere")
    checked = tools.run("coordinator", "--check", "--data-dir", tools.directory / "refused", *wrong)
    assert checked.returncode == 1 and "Check s3_access_key and s3_secret_key." in checked.stdout
    checked = tools.run("coordinator", "--check", "--data-dir", tools.directory / "refused", *arguments)
    assert checked.returncode == 0 and "the next start creates it" in checked.stdout, checked.stdout


def test_another_object_store_is_refused(tools, s3_server, suffix):  # noqa: F811
    tools.coordinator(*s3_server.arguments(suffix)).stop()
    data = tools.directory / "coordinator-data"
    refused = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", data)
    assert refused.returncode != 0 and "The database's objects are in another store" in refused.stdout + refused.stderr
    tools.coordinator("--accept-object-store").stop()
    tools.coordinator().stop()


def test_an_object_that_cannot_be_removed_now_does_not_hold_the_answer_for_ever(tools, own_s3_server):  # noqa: F811
    coordinator = tools.coordinator(*own_s3_server.arguments())
    token = coordinator.api.login()
    answer = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 1}, token)
    assert fetch("PUT", answer["url"], b"x")[0] == 200
    make_old(coordinator)
    own_s3_server.kill()
    coordinator.api.call("DELETE", "/groups/mitosis_admin/attachments/k", token=token)
    wait_until(lambda: "could not be removed" in coordinator.output(), what="the note of what is left")
    assert coordinator.api.call("GET", "/groups/mitosis_admin", token=token)["storage_used"] == 0


# -- objects that no row names ---------------------------------------------------------------------------

OLD = 1_000_000_000
SWEEP = ["--sweep-interval", "50ms", "--orphan-age", "1h"]


def store(api, token: str, key: str, data: bytes) -> None:
    answer = api.call("POST", "/groups/mitosis_admin/attachments", {"key": key, "content_length": len(data)}, token)
    assert fetch("PUT", answer["url"], data)[0] == 200


def place(server, bucket: str, key: str, old: bool = True) -> str:
    """An object that nobody announced."""
    path = server.objects / bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    if old:
        os.utime(path, (OLD, OLD))
    return key


def test_objects_that_no_row_names_are_removed_when_they_are_old(tools, own_s3_server):  # noqa: F811
    server = own_s3_server
    first = tools.coordinator(*server.arguments())
    admin = first.api.login()
    worker = tools.worker(first.url)
    task = first.api.submit(admin, ["true"], terminal_output=True)
    first.api.wait_for_result(admin, task)
    worker.stop()
    store(first.api, admin, "dir/kept", b"kept")
    artifacts, attachments = "mitosis-artifacts", "mitosis-attachments"
    named = {artifacts: server.names(artifacts), attachments: server.names(attachments)}
    assert named[artifacts] and named[attachments] == {"mitosis_admin/dir/kept"}
    for bucket, names in named.items():
        for name in names:
            os.utime(server.objects / bucket / name, (OLD, OLD))
    unknown = str(uuids.uuid4())
    orphans = [place(server, artifacts, f"{unknown}/result.tar.gz"), place(server, artifacts, f"{unknown}/std-log.tar.gz"),
               place(server, attachments, "mitosis_admin/a b <&>+"), *(place(server, attachments, f"mitosis_admin/many/{number}") for number in range(20))]
    place(server, artifacts, f"{unknown}/exec-log.tar.gz", old=False)
    # What no row of ours could name is another's, and stays.
    foreign = {artifacts: [f"{unknown}/notes.txt", f"{unknown.upper()}/result.tar.gz", "result.tar.gz", "backup/result.tar.gz"],
               attachments: ["readme", "no_such_group/file"]}
    for bucket, names in foreign.items():
        for name in names:
            place(server, bucket, name)
    first.stop()
    server.restart()

    again = tools.coordinator(*server.arguments(), *SWEEP)
    wait_until(lambda: metric(again, "orphan_objects_removed_total") >= len(orphans), 60, "the removal")
    kept = {artifacts: {*named[artifacts], *foreign[artifacts], f"{unknown}/exec-log.tar.gz", "mitosis-owner"},
            attachments: {*named[attachments], *foreign[attachments], "mitosis-owner"}}
    assert {bucket: server.names(bucket) for bucket in kept} == kept
    store(again.api, again.api.login(), "many/1", b"anew")
    again.stop()
    os.utime(server.objects / attachments / "mitosis_admin/many/1", (OLD, OLD))
    later = place(server, attachments, "mitosis_admin/many/2")
    server.restart()
    again = tools.coordinator(*server.arguments(), *SWEEP)
    wait_until(lambda: later not in server.names(attachments), 30, "the next round")
    assert "mitosis_admin/many/1" in server.names(attachments)
    again.stop()

    # A database of its own with the same buckets: what it does not know may belong to the other one.
    elsewhere = tools.directory / "elsewhere"
    elsewhere.mkdir()
    other = tools.coordinator(*server.arguments(), *SWEEP, directory=elsewhere)
    wait_until(lambda: "another database uses it, too" in other.output(), 30, "the warning")
    assert {bucket: server.names(bucket) for bucket in kept} == {**kept, attachments: {*kept[attachments], "mitosis_admin/many/1"}}


def test_a_removal_on_its_way_never_takes_what_is_uploaded_later(tools, own_s3_server):  # noqa: F811
    gate = Gate(own_s3_server.port)
    arguments = own_s3_server.arguments()
    arguments[arguments.index(own_s3_server.url)] = f"http://127.0.0.1:{gate.port}"
    coordinator = tools.coordinator(*arguments, "--s3-public-url", own_s3_server.url)
    admin = coordinator.api.login()
    store(coordinator.api, admin, "k", b"old")
    make_old(coordinator)
    gate.stall()
    removal = threading.Thread(target=coordinator.api.request, args=("DELETE", "/groups/mitosis_admin/attachments/k"), kwargs={"token": admin, "timeout": 120})
    removal.start()
    try:
        wait_until(lambda: coordinator.api.request("GET", "/groups/mitosis_admin/attachments/k", token=admin)[0] == 404, 20, "the end of the row")
        # The request to remove the object stands in the gate. A link to upload it anew comes when that request counts no more.
        status, _, body = coordinator.api.request("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 3}, admin, timeout=120)
        assert status == 200, body
        assert fetch("PUT", json.loads(body)["url"], b"new")[0] == 200
        gate.open()
        removal.join(120)
        assert not removal.is_alive()
        # The server has had what stood in the gate when it answers what came behind it.
        store(coordinator.api, admin, "other", b"x")
        make_old(coordinator)
        coordinator.api.call("DELETE", "/groups/mitosis_admin/attachments/other", token=admin)
        answer = coordinator.api.call("GET", "/groups/mitosis_admin/download/attachments/k", token=admin)
        assert fetch("GET", answer["url"]) == (200, b"new")
        assert own_s3_server.names("mitosis-attachments") == {"mitosis_admin/k"}
        assert coordinator.api.call("GET", "/groups/mitosis_admin", token=admin)["storage_used"] == 3
    finally:
        gate.open()
        removal.join(120)
        gate.end()
