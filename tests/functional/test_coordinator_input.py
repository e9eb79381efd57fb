"""Bad input of every kind gets a clear answer, and nothing of it hurts the coordinator."""
from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading

import pytest

from conftest import wait_until

JSON = {"Content-Type": "application/json"}
NIL = "00000000-0000-0000-0000-000000000000"


def md5(text: str) -> list:
    return list(hashlib.md5(text.encode()).digest())


@pytest.fixture
def coordinator(coordinator):
    """Whatever was sent, the coordinator goes on."""
    yield coordinator
    assert coordinator.api.call("GET", "/health") == {"status": "ok"}


def message(coordinator, method, path, body=None, token=None, status=400, headers=None):
    answer = coordinator.api.request(method, path, body, token, headers)
    assert answer[0] == status, answer
    try:
        return json.loads(answer[2])["msg"]
    except ValueError:
        return answer[2].decode()


def test_wrong_password_and_unknown_user(coordinator):
    for name in ("mitosis_admin", "nobody", "", "x" * 5000):
        body = {"username": name, "md5_password": md5("wrong")}
        assert message(coordinator, "POST", "/login", body, status=401) == "Authentication error: Wrong credentials"


def test_unknown_things_are_named(coordinator, admin):
    assert message(coordinator, "GET", f"/tasks/{NIL}", token=admin, status=404) == f"Task with uuid {NIL} not found"
    assert message(coordinator, "GET", "/groups/none", token=admin, status=404) == "Group none not found"
    assert message(coordinator, "GET", f"/workers/{NIL}", token=admin, status=404) == f"Worker {NIL} not found"


@pytest.mark.parametrize("body, status, words", [
    ("", 400, "EOF while parsing a value at line 1 column 0"),
    ("{", 400, "EOF while parsing an object at line 1 column 1"),
    ('{"username":"a"', 400, "EOF"),
    ("[" * 200_000, 422, "[0]: invalid type: sequence, expected a string"),
    ('{"username":' + "[" * 200_000, 422, "username: invalid type: sequence, expected a string"),
    ('{"x":' + "[" * 200_000, 400, "EOF while parsing a list"),
    ('{"x":' * 200_000, 400, "EOF while parsing"),
    ('{"username":5,"md5_password":[]}', 422, "username: invalid type: integer `5`, expected a string at line 1 column 13"),
    ('{"username":"a","md5_password":[1,2]}', 422, "md5_password"),
    ('{"username":"a","username":"b"}', 422, "duplicate field `username`"),
    ('{"username":"\\ud800","md5_password":[]}', 400, "username"),
    (b'{"username":"\xff\xfe"}', 400, "username"),
    ("null", 422, "Failed to deserialize the JSON body into the target type"),
    ("1e999", 400, "number out of range"),
], ids=[  # some of the bodies are too long for a name
    "empty", "open object", "cut off", "deep list", "deep list in a field", "deep list in an unknown field", "deep objects", "number for a string",
    "short digest", "field twice", "lone surrogate", "not UTF-8", "null", "number out of range"])
def test_malformed_json(coordinator, body, status, words):
    answer = coordinator.api.request("POST", "/login", body, headers=JSON)
    assert answer[0] == status, answer
    assert words in answer[2].decode(), answer


def test_body_too_large(coordinator, admin):
    body = b'{"group_name":"' + b"x" * (2 << 20) + b'"}'
    status, _, data = coordinator.api.request("POST", "/groups", body, admin, JSON)
    assert status == 413
    assert data == b"Failed to buffer the request body: length limit exceeded"


def test_texts_that_cannot_be_kept(coordinator, admin):
    task = {"group_name": "mitosis_admin", "tags": ["a\0b"], "labels": [], "timeout": "1s", "priority": 0, "task_spec": {"args": []}}
    assert message(coordinator, "POST", "/tasks", task, admin, 500) == "Internal server error"
    task.update(tags=[], labels=["\0"])
    assert message(coordinator, "POST", "/tasks", task, admin, 500) == "Internal server error"
    task.update(labels=[], task_spec={"args": ["a\0b"]})
    uuid = coordinator.api.call("POST", "/tasks", task, admin)["uuid"]
    assert coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]["spec"]["args"] == ["a\0b"]
    attachment = {"key": "a\0", "content_length": 1}
    assert message(coordinator, "POST", "/groups/mitosis_admin/attachments", attachment, admin, 500) == "Internal server error"


NAME = "a\0b"
LOOKED_UP = [  # method, path, body; W and T are a worker and a task
    ("POST", "/login", {"username": NAME, "md5_password": [0] * 16, "retain": True}),
    ("GET", "/groups/a%00b", None),
    ("PUT", "/groups/a%00b/users", {"relations": {"x": "Read"}}),
    ("PUT", "/groups/mitosis_admin/users", {"relations": {NAME: "Read"}}),
    ("DELETE", "/groups/a%00b/users?users=x", None),
    ("DELETE", "/groups/mitosis_admin/users?users=a%00b", None),
    ("GET", "/groups/a%00b/attachments/k", None),
    ("GET", "/groups/mitosis_admin/attachments/a%00b", None),
    ("GET", "/groups/a%00b/download/attachments/k", None),
    ("GET", "/groups/mitosis_admin/download/attachments/a%00b", None),
    ("DELETE", "/groups/a%00b/attachments/k", None),
    ("DELETE", "/groups/mitosis_admin/attachments/a%00b", None),
    ("POST", "/groups/a%00b/attachments", {"key": "k", "content_length": 1}),
    ("POST", "/groups/a%00b/attachments/query", {"count": False}),
    ("POST", "/groups/mitosis_admin/attachments/query", {"key": NAME, "count": False}),
    ("POST", "/groups/mitosis_admin/attachments/query", {"key": NAME, "count": True}),
    ("POST", "/groups/mitosis_admin/download/attachments", {"key": NAME}),
    ("POST", "/groups/mitosis_admin/download/attachments/list", {"keys": [NAME]}),
    ("POST", "/groups/mitosis_admin/delete/attachments", {"key": NAME}),
    ("POST", "/groups/mitosis_admin/delete/attachments/list", {"keys": [NAME]}),
    ("POST", "/tasks", {"group_name": NAME, "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"], "terminal_output": False}}),
    ("POST", "/tasks/query", {"group_name": NAME, "count": False}),
    ("POST", "/tasks/query", {"creator_usernames": [NAME], "count": False}),
    ("POST", "/tasks/query", {"tags": [NAME], "count": False}),
    ("POST", "/tasks/query", {"labels": [NAME], "count": True}),
    ("POST", "/tasks/cancel", {"group_name": NAME}),
    ("POST", "/tasks/cancel", {"tags": [NAME]}),
    ("POST", "/workers", {"tags": [], "labels": [], "groups": [NAME], "lifetime": None}),
    ("POST", "/workers/query", {"group_name": NAME, "count": False}),
    ("POST", "/workers/query", {"creator_username": NAME, "count": False}),
    ("POST", "/workers/query", {"tags": [NAME], "count": False}),
    ("POST", "/workers/query", {"labels": [NAME], "count": False}),
    ("PUT", "/workers/W/groups", {"relations": {NAME: "Read"}}),
    ("DELETE", "/workers/W/groups?groups=a%00b", None),
    ("DELETE", "/admin/users/a%00b", None),
    ("POST", "/admin/users/a%00b/password", {"new_md5_password": [0] * 16}),
    ("POST", "/admin/users/a%00b/state", {"state": "Active"}),
    ("POST", "/admin/users/a%00b/group-quota", {"group_quota": "+1"}),
    ("POST", "/admin/groups/a%00b/storage-quota", {"storage_quota": "+1"}),
    ("DELETE", "/admin/groups/a%00b/attachments/k", None),
    ("DELETE", "/admin/groups/mitosis_admin/attachments/a%00b", None),
]


def test_names_with_a_zero_that_are_looked_up(coordinator, admin):
    """As the original answers them: its database refuses the question. Each was sent to a running one."""
    worker = coordinator.api.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["mitosis_admin"], "lifetime": None}, admin)["worker_id"]
    for method, path, body in LOOKED_UP:
        status, _, data = coordinator.api.request(method, path.replace("W", worker), body, admin)
        assert (status, data) == (500, b'{"msg":"Internal server error"}'), (method, path, body, status, data)
    batch = [{"group_name": name, "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"], "terminal_output": False}}
             for name in (NAME, "mitosis_admin")]
    refused, taken = coordinator.api.call("POST", "/tasks/submit", {"tasks": batch}, admin)["results"]
    assert refused == {"Err": {"msg": "Internal server error"}} and "Ok" in taken
    # Where a rule for names is looked at first, it is the rule that refuses.
    for path, body in (("/groups", {"group_name": NAME}), ("/admin/users", {"username": NAME, "md5_password": [0] * 16, "admin": False})):
        assert message(coordinator, "POST", path, body, admin, 400).startswith("Process request error: Invalid ")


def forge(token: str, change) -> str:
    head, claims, signature = base64.b64decode(token).decode().split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    changed = json.dumps(change(decoded), separators=(",", ":")).encode()
    claims = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    return base64.b64encode(f"{head}.{claims}.{signature}".encode()).decode()


def test_forged_tokens(coordinator, admin):
    assert coordinator.api.call("GET", "/auth", token=admin) == "mitosis_admin"
    for bad in (forge(admin, lambda claims: {**claims, "exp": claims["exp"] + 1}), forge(admin, lambda claims: claims | {"sub": "x"}),
                admin[:-4], admin[:-2] + "AA", "A" * 10_000, base64.b64encode(b"a.b.c").decode(), base64.b64encode(b"...").decode()):
        assert message(coordinator, "GET", "/auth", token=bad, status=401) == "Authentication error: Invalid token"


def test_expired_token(tools):
    coordinator = tools.coordinator("--access-token-expires-in", "1s")
    token = coordinator.api.login()

    def refused():
        return coordinator.api.request("GET", "/auth", token=token)[0] == 401
    wait_until(refused, 5, "the end of the token")


def test_names_in_paths(coordinator, admin):
    for name in ("%2e%2e", "a%2fb", "x" * 3000, "%f0%9f%98%80"):
        status, _, _ = coordinator.api.request("GET", f"/groups/{name}", token=admin)
        assert status == 404, name
    assert message(coordinator, "GET", "/groups/%ff", token=admin).startswith("Invalid URL: Invalid UTF-8")
    assert coordinator.api.request("GET", "/" + "x" * 70_000)[0] == 414


def test_half_requests_and_garbage(coordinator):
    for data in (b"\r\n\r\n", b"GET", b"nonsense\r\n\r\n", b"POST /login HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
                 b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
                 b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{",
                 b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                 bytes(range(256)) * 100):
        with socket.create_connection(("127.0.0.1", coordinator.port), timeout=5) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(65536):
                received += part
            assert not received or received.startswith(b"HTTP/1.1 400") or received.startswith(b"HTTP/1.1 431"), (data, received)


def test_many_wrong_passwords_at_once_are_answered(tools):
    coordinator = tools.coordinator("--max-queued-passwords", "4", "--password-threads", "1")
    statuses = []

    def attempt():
        body = {"username": "mitosis_admin", "md5_password": md5("wrong")}
        statuses.append(coordinator.api.request("POST", "/login", body)[0])
    threads = [threading.Thread(target=attempt) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {401, 429} and 401 in statuses and 429 in statuses, statuses
    assert coordinator.api.login()


def test_metrics_are_for_this_machine_or_a_token(tools):
    coordinator = tools.coordinator("--metrics-token", "abc")
    assert coordinator.api.request("GET", "/metrics")[0] == 403
    assert coordinator.api.request("GET", "/metrics", token="abd")[0] == 403
    text = coordinator.api.call("GET", "/metrics", token="abc")
    assert "mito_requests_total" in text and "mito_tasks_queued 0" in text
    for line in text.splitlines():
        assert line.startswith("# ") or line.split(" ")[0].startswith("mito_"), line
