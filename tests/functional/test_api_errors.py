"""Every failure that the API documents, provoked: what the framework refuses for all operations, then each operation's own error bodies.

`test_every_documented_failure_is_provoked` compares with the OpenAPI document: a failure that is documented and not provoked here fails it.
"""
from __future__ import annotations

import json
import re

import pytest

pytest.importorskip("jsonschema_rs")

from api_document import CheckedApi  # noqa: E402
from api_world import NIL, SECRET, World, md5  # noqa: E402
from conftest import Tools  # noqa: E402
from recorded_database import main as change_database  # noqa: E402

JSON = {"Content-Type": "application/json"}
BIG = b'{"x":"' + b"x" * (2 << 20) + b'"}'
SUBMISSION = {"group_name": "grp", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}}
UNSAFE = {"args": [], "resources": [{"remote_file": {"Attachment": {"key": "a"}}, "local_path": "../a"}]}
DENIED = "Authentication error: Permission denied"
WRONG = "Authentication error: Wrong credentials"
QUOTA = "Resource quota exceeded"
PROCESS = "Process request error: "
KEY_RULE = PROCESS + 'Invalid attachment key. Should be a relative path pointing to a single location without "./" or "../"'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("errors"))
    coordinator = tools.coordinator("--shutdown-secret", SECRET)
    world = World(CheckedApi(coordinator.port))
    world.database = coordinator.data / "mitosis.db"
    yield world
    tools.end()


def operations(world):
    """(id, operation, method, path with values, token of its kind) of every operation but those of signed URLs."""
    values = {"uuid": NIL, "content_type": "result", "group_name": "grp", "username": "ann", "key": "a", "page": "settings"}
    tokens = {"user": world.owner, "admin": world.root, "worker": world.worker}
    for path, item in world.api.document.document["paths"].items():
        if path.startswith("/objects/"):
            continue
        for method, operation in item.items():
            kinds = [kind for scheme in operation["security"] for kind in scheme]
            yield operation["operationId"], operation, method.upper(), path.format(**values), tokens[kinds[0]] if kinds else None


def test_tokens_are_asked_for_before_anything_else(world):
    """Missing and malformed headers are 400 with text, tokens that do not verify 401; bad values elsewhere in the request do not matter yet."""
    for name, operation, method, path, token in operations(world):
        for headers, status, text in (({}, 400, b"Header of type `authorization` was missing"),
                                      ({"Authorization": "Basic x"}, 400, b"invalid HTTP header (authorization)"),
                                      ({"Authorization": "Bearer"}, 400, b"invalid HTTP header (authorization)"),
                                      ({"Authorization": "Bearer abc"}, 401, b'{"msg":"Authentication error: Invalid token"}')):
            answer = world.api.request(method, path.replace(NIL, "bad"), b"{", None, headers)
            if token is None:
                assert answer[0] in (200, 400, 403, 415), name
            else:
                assert (answer[0], answer[2]) == (status, text), name


def test_wrong_methods_are_answered_behind_the_token(world):
    """405 with Allow and an empty body; without a token the refusal names the methods as well. Every path answers OPTIONS to anybody."""
    for path, item in world.api.document.document["paths"].items():
        target = path.format(uuid=NIL, content_type="result", group_name="grp", username="ann", key="a", bucket="b", page="settings")
        status, headers, body = world.api.request("OPTIONS", target)
        assert (status, body) == (200, b"") and headers["access-control-allow-methods"] == "*"
        allowed = headers["allow"].split(",")
        documented = {method.upper() for method in item}
        assert set(allowed) - {"HEAD"} == documented and ("HEAD" in allowed) == ("GET" in documented), path
        for method in ("GET", "PUT", "PATCH", "post", "BREW"):
            if method in allowed:
                continue
            token = world.worker if path.startswith("/workers/tasks") or path == "/workers/heartbeat" else world.root
            status, headers, body = world.api.request(method, target, token=token)
            assert (status, body, headers["allow"]) == (405, b"", ",".join(allowed)), (method, path)
            status, headers, _ = world.api.request(method, target)
            assert headers["allow"] == ",".join(allowed) and status == (405 if not item[next(iter(item))]["security"] else 400), (method, path)


@pytest.mark.parametrize("path", ["/nothing", "/", "/groups/", "/health/", "/tasks/x/y/z", "//health", "/admin", "/docs/", "/openapi.yaml"])
def test_unknown_paths(world, path):
    for method in ("GET", "POST", "DELETE"):
        status, headers, body = world.api.request(method, path)
        assert (status, body) == (404, b"") and "allow" not in headers


def test_values_in_paths_come_before_query_and_body(world):
    for name, operation, method, path, token in operations(world):
        if NIL in path:
            status, _, body = world.api.request(method, path.replace(NIL, "abc") + "?op=bad", b"{", token)
            assert status == 400, name
            assert body.startswith(b"Invalid URL: Cannot parse `uuid` with value `abc`: UUID parsing failed: "), name
        if path.endswith("/result"):
            status, _, body = world.api.request(method, path[:-6] + "nonsense", b"{", token)
            assert status == 400 and body.startswith(b"Invalid URL: unknown variant `nonsense`, expected one of "), name
        if "/grp" in path:
            status, _, body = world.api.request(method, path.replace("/grp", "/%ff"), b"{", token)
            assert (status, body) == (400, b"Invalid URL: Invalid UTF-8 in `group_name`"), name


@pytest.mark.parametrize("path, token, text", [
    ("/workers/{machine}?op=now", "owner", "op: unknown variant `now`, expected one of `Graceful`, `graceful`, `Force`, `force`"),
    ("/workers/{machine}?op", "owner", "op: unknown variant ``, expected one of `Graceful`, `graceful`, `Force`, `force`"),
    ("/workers/{machine}?op=Force&op=Force", "owner", "duplicate field `op`"),
    ("/admin/workers/{machine}?op=now", "root", "op: unknown variant `now`, expected one of `Graceful`, `graceful`, `Force`, `force`"),
])
def test_queries_that_cannot_be_read(world, path, token, text):
    status, _, body = world.api.request("DELETE", world.fill(path), token=world.tokens[token])
    assert (status, body.decode()) == (400, "Failed to deserialize query string: " + text)


def test_a_stale_op_force_is_tolerated_everywhere(world):
    """The original's client carries `?op=force` along after one forced shutdown."""
    for name, operation, method, path, token in operations(world):
        if name in ("shutdown_worker", "admin_shutdown_worker", "unregister_worker", "admin_delete_user", "events"):
            continue
        with_query = world.api.request(method, path + "?op=force&unknown=%ff", token=token)[0]
        assert with_query == world.api.request(method, path, token=token)[0], name


def test_bodies_that_cannot_be_read(world):
    """Content type (415), size (413), syntax (400) and shape (422) in this order, for every operation that takes JSON."""
    tried = 0
    for name, operation, method, path, token in operations(world):
        if "requestBody" not in operation:
            continue
        tried += 1
        send = lambda body, headers=JSON: world.api.request(method, path, body, token, headers)[::2]
        for kind in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json ; charset=utf-8"}):
            assert send(BIG if not kind else b"{", kind) == (415, b"Expected request with `Content-Type: application/json`"), name
        assert send(BIG) == (413, b"Failed to buffer the request body: length limit exceeded"), name
        for kind in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"):
            status, body = send(b"{", {"Content-Type": kind})
            assert status == 400 and body == b"Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1", name
        for text in (b"", b"{]", b"nonsense", b"{\"a\":1} x", b"\xff"):
            assert send(text)[0] in (400, 422), (name, text)
        for text in (b"5", b"null", b'"text"', b"true"):
            status, body = send(text)
            assert status == 422 and body.startswith(b"Failed to deserialize the JSON body into the target type: invalid type: "), (name, text, body)
    assert tried > 40


def test_order_of_members_and_errors_in_bodies(world):
    """The first error in the text wins; unknown members do not matter, members given twice do; aliases of enums are read."""
    send = lambda body: world.api.request("POST", "/tasks", body, world.owner, JSON)[::2]
    prefix = "Failed to deserialize the JSON body into the target type: "
    for body, text in (
            ('{"group_name":"grp","group_name":"grp"}', "duplicate field `group_name` at line 1 column 32"),
            ('{"group_name":5,"tags":5}', "group_name: invalid type: integer `5`, expected a string at line 1 column 15"),
            ('{"tags":["a",5]}', "tags[1]: invalid type: integer `5`, expected a string at line 1 column 14"),
            ('{"unknown":{"a":[1,{}]},"unknown":1}', "missing field `group_name` at line 1 column 36"),
            ('{"timeout":90}', "timeout: invalid type: integer `90`, expected a duration at line 1 column 13"),
            ('{"timeout":"5"}', 'timeout: invalid value: string "5", expected a duration at line 1 column 14'),
            ('{"priority":1.0}', "priority: invalid type: floating point `1.0`, expected i32 at line 1 column 15"),
            ('{"priority":2147483648}', "priority: invalid value: integer `2147483648`, expected i32 at line 1 column 22"),
            ('{"task_spec":{"args":[],"resources":[{"remote_file":{"Attachment":{"key":1}}}]}}',
             "task_spec.resources[0].remote_file.Attachment.key: invalid type: integer `1`, expected a string at line 1 column 74")):
        assert send(body) == (422, (prefix + text).encode())
    role = lambda spelling: world.api.request("PUT", "/groups/grp/users", {"relations": {"rea": spelling}}, world.owner)[0]
    assert [role(spelling) for spelling in ("READ", "read", "Read", "rEAD")] == [200, 200, 200, 422]


# Each line: operation, caller, method, path, body, status, message (test_api_permissions.py has who may what). `{…}` are fresh things.
TABLE = [
    ("guide_page", None, "GET", "/docs/guide/none", None, 404, "Page none of the guide not found"),
    ("login", None, "POST", "/login", {"username": "nobody", "md5_password": md5("x")}, 401, WRONG),
    ("login", None, "POST", "/login", {"username": "ann", "md5_password": md5("x")}, 401, WRONG),
    ("change_password", "owner", "POST", "/users/rea/password", {"old_md5_password": md5("rea"), "new_md5_password": md5("x")}, 401, WRONG),
    ("create_group", "owner", "POST", "/groups", {"group_name": "a b"}, 400, PROCESS + "Invalid group name"),
    ("create_group", "owner", "POST", "/groups", {"group_name": ""}, 400, PROCESS + "Invalid group name"),
    ("create_group", "owner", "POST", "/groups", {"group_name": "x" * 256}, 400, PROCESS + "Invalid group name"),
    ("create_group", "owner", "POST", "/groups", {"group_name": "grp"}, 409, "User or group with same name grp already exists"),
    ("create_group", "owner", "POST", "/groups", {"group_name": "rea"}, 409, "User or group with same name rea already exists"),
    ("get_group", "owner", "GET", "/groups/none", None, 404, "Group none not found"),
    ("get_group", "stranger", "GET", "/groups/grp", None, 403, DENIED),
    ("update_group_users", "owner", "PUT", "/groups/none/users", {"relations": {}}, 400, PROCESS + "Empty group relations"),
    ("update_group_users", "owner", "PUT", "/groups/none/users", {"relations": {"x": "Read"}}, 404, "Group none not found"),
    ("update_group_users", "write", "PUT", "/groups/grp/users", {"relations": {"x": "Read"}}, 403, DENIED),
    ("update_group_users", "owner", "PUT", "/groups/grp/users", {"relations": {"x": "Read", "rea": "Read"}}, 400, PROCESS + "Some users do not exist"),
    ("remove_group_users", "owner", "DELETE", "/groups/none/users", None, 400, PROCESS + "Empty group relations"),
    ("remove_group_users", "owner", "DELETE", "/groups/none/users?users=x", None, 404, "Group none not found"),
    ("remove_group_users", "read", "DELETE", "/groups/grp/users?users=x", None, 403, DENIED),
    ("remove_group_users", "owner", "DELETE", "/groups/grp/users?users=x&users=rea", None, 400, PROCESS + "Some users do not exist"),
    ("remove_group_users", "owner", "DELETE", "/groups/grp/users?users=rea,wri", None, 400, PROCESS + "Some users do not exist"),
    ("remove_group_users_by_body", "owner", "POST", "/groups/none/users/remove", {"users": []}, 400, PROCESS + "Empty group relations"),
    ("remove_group_users_by_body", "owner", "POST", "/groups/none/users/remove", {"users": ["x"]}, 404, "Group none not found"),
    ("remove_group_users_by_body", "read", "POST", "/groups/grp/users/remove", {"users": ["x"]}, 403, DENIED),
    ("remove_group_users_by_body", "owner", "POST", "/groups/grp/users/remove", {"users": ["x"]}, 400, PROCESS + "Some users do not exist"),

    ("upload_attachment", "owner", "POST", "/groups/none/attachments", {"key": "a//b", "content_length": 1}, 400, KEY_RULE),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "/a", "content_length": 1}, 400, KEY_RULE),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "a/../b", "content_length": 1}, 400, KEY_RULE),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "a/./b", "content_length": 1}, 400, KEY_RULE),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "x" * 1020, "content_length": 1}, 400, KEY_RULE),
    ("upload_attachment", "owner", "POST", "/groups/none/attachments", {"key": "a", "content_length": 1}, 404, "Group none not found"),
    ("upload_attachment", "read", "POST", "/groups/grp/attachments", {"key": "a", "content_length": 1}, 403, DENIED),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "a", "content_length": 16_000_000_001}, 403, QUOTA),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "a", "content_length": 2**63}, 400, "Invalid content length -9223372036854775808"),
    ("upload_attachment", "owner", "POST", "/groups/grp/attachments", {"key": "a", "content_length": 2**64 - 1}, 400, "Invalid content length -1"),
    *[(operation, caller, method, f"/groups/{group}{path}", None, status, text) for operation, method, path in (
        ("get_attachment", "GET", "/attachments/no/ne"), ("download_attachment", "GET", "/download/attachments/no/ne"), ("delete_attachment", "DELETE", "/attachments/no/ne"))
      for caller, group, status, text in (("owner", "none", 404, "Attachment of group none and key no/ne not found"), ("stranger", "grp", 403, DENIED),
                                          ("owner", "grp", 404, "Attachment of group grp and key no/ne not found"))],
    ("delete_attachment", "owner", "DELETE", "/groups/grp/attachments/{key}", None, 400, PROCESS + "Cannot delete attachment that has been updated in the last hour"),
    *[(operation, "stranger", "POST", f"/groups/grp{path}", body, 400, PROCESS + "Group with name grp not found or user is not in the group") for operation, path, body in (
        ("query_attachments", "/attachments/query", {"count": False}), ("download_attachments_by_filter", "/download/attachments", {}),
        ("download_attachments_by_keys", "/download/attachments/list", {"keys": []}), ("delete_attachments_by_filter", "/delete/attachments", {}),
        ("delete_attachments_by_keys", "/delete/attachments/list", {"keys": []}))],
    ("download_attachments_by_keys", "read", "POST", "/groups/grp/download/attachments/list", {"keys": []}, 400, PROCESS + "Keys list cannot be empty"),
    ("delete_attachments_by_filter", "read", "POST", "/groups/grp/delete/attachments", {}, 403, DENIED),
    ("delete_attachments_by_keys", "read", "POST", "/groups/grp/delete/attachments/list", {"keys": []}, 400, PROCESS + "Keys list cannot be empty"),
    ("delete_attachments_by_keys", "read", "POST", "/groups/grp/delete/attachments/list", {"keys": ["a"]}, 403, DENIED),

    ("submit_task", "owner", "POST", "/tasks", {**SUBMISSION, "group_name": "none", "task_spec": UNSAFE}, 404, "User or group with name none not found"),
    ("submit_task", "read", "POST", "/tasks", {**SUBMISSION, "task_spec": UNSAFE}, 403, DENIED),
    ("submit_task", "owner", "POST", "/tasks", {**SUBMISSION, "task_spec": UNSAFE}, 400, PROCESS + "Resource local path is absolute or contains `..`"),
    ("submit_tasks", "owner", "POST", "/tasks/submit", {"tasks": []}, 400, PROCESS + "Tasks list cannot be empty"),
    ("get_task", "owner", "GET", f"/tasks/{NIL}", None, 404, f"Task with uuid {NIL} not found"),
    ("get_task", "stranger", "GET", "/tasks/{task}", None, 403, DENIED),
    ("change_task", "owner", "PUT", f"/tasks/{NIL}", {"timeout": None}, 400, PROCESS + "No change specified"),
    ("change_task", "owner", "PUT", f"/tasks/{NIL}", {"timeout": None, "priority": 1}, 404, f"Task with uuid {NIL} not found"),
    ("change_task", "stranger", "PUT", "/tasks/{task}", {"timeout": "1s"}, 400, PROCESS + "User is not in the group"),
    ("change_task", "read", "PUT", "/tasks/{task}", {"timeout": "1s"}, 403, DENIED),
    ("change_task", "owner", "PUT", "/tasks/{task}", {"timeout": None, "task_spec": UNSAFE}, 400, PROCESS + "Resource local path is absolute or contains `..`"),
    ("cancel_task", "owner", "DELETE", f"/tasks/{NIL}", None, 404, f"Task with uuid {NIL} not found"),
    ("cancel_task", "stranger", "DELETE", "/tasks/{task}", None, 400, PROCESS + "User is not in the group"),
    ("cancel_task", "read", "DELETE", "/tasks/{task}", None, 403, DENIED),
    ("update_task_labels", "owner", "PUT", f"/tasks/{NIL}/labels", {"labels": []}, 404, f"Task with uuid {NIL} not found"),
    ("update_task_labels", "stranger", "PUT", "/tasks/{task}/labels", {"labels": []}, 400, PROCESS + "User is not in the group"),
    ("update_task_labels", "read", "PUT", "/tasks/{task}/labels", {"labels": []}, 403, DENIED),
    *[(operation, "owner", "POST", path, {**more, **body}, 400, PROCESS + text) for operation, path, more in (
        ("query_tasks", "/tasks/query", {"count": False}), ("cancel_tasks_by_filter", "/tasks/cancel", {}),
        ("download_artifacts_by_filter", "/tasks/download/artifacts", {"content_type": "result"}),
        ("delete_artifacts_by_filter", "/tasks/delete/artifacts", {"content_type": "result"})) for body, text in (
        ({"tags": [], "labels": [], "group_name": "none"}, "Tags cannot be empty if specified"),
        ({"labels": [], "creator_usernames": []}, "Labels cannot be empty if specified"),
        ({"creator_usernames": [], "states": []}, "Creator username cannot be empty if specified"),
        ({"group_name": "none", "exit_status": "x"}, "Group with name none not found or user is not in the group"),
        ({"exit_status": ">=x", "priority": "y"}, "Failed to parse number from x: invalid digit found in string"),
        ({"priority": "!="}, "Failed to parse number from : cannot parse integer from empty string"),
        ({"priority": "<2147483648"}, "Failed to parse number from 2147483648: number too large to fit in target type"),
        ({"priority": "-2147483649"}, "Failed to parse number from -2147483649: number too small to fit in target type"),
        ({"priority": "= 1"}, "Failed to parse number from  1: invalid digit found in string"))],
    *[(operation, "owner", "POST", path, {"states": [], "group_name": "none", "count": False, "content_type": "result"}, 400, PROCESS + "State cannot be empty if specified")
      for operation, path in (("query_tasks", "/tasks/query"), ("download_artifacts_by_filter", "/tasks/download/artifacts"),
                              ("delete_artifacts_by_filter", "/tasks/delete/artifacts"))],
    ("cancel_tasks_by_filter", "owner", "POST", "/tasks/cancel", {"states": [], "group_name": "none"}, 400, PROCESS + "Group with name none not found or user is not in the group"),
    ("cancel_tasks_by_filter", "read", "POST", "/tasks/cancel", {"group_name": "grp", "priority": "x"}, 403, DENIED),
    ("cancel_tasks_by_uuids", "owner", "POST", "/tasks/cancel/list", {"uuids": []}, 400, PROCESS + "UUIDs list cannot be empty"),
    ("events", "stranger", "GET", "/events?group=grp", None, 400, PROCESS + "Group with name grp not found or user is not in the group"),

    ("upload_artifact", "owner", "POST", f"/tasks/{NIL}/artifacts", {"content_type": "result", "content_length": 1}, 404, f"Task {NIL} not found not found"),
    ("upload_artifact", "read", "POST", "/tasks/{task}/artifacts", {"content_type": "result", "content_length": 1}, 403, DENIED),
    ("upload_artifact", "owner", "POST", "/tasks/{task}/artifacts", {"content_type": "result", "content_length": 2**62}, 403, QUOTA),
    ("upload_artifact", "owner", "POST", "/tasks/{task}/artifacts", {"content_type": "result", "content_length": 2**63}, 400, "Invalid content length -9223372036854775808"),
    ("download_artifact", "owner", "GET", f"/tasks/{NIL}/download/artifacts/EXEC", None, 404, f"Artifact with uuid {NIL} and content type exec-log.tar.gz not found"),
    ("download_artifact", "owner", "GET", f"/tasks/{NIL}/download/artifacts/result", None, 404, f"Artifact with uuid {NIL} and content type result.tar.gz not found"),
    ("download_artifact", "stranger", "GET", "/tasks/{artifact}/download/artifacts/result", None, 403, DENIED),
    ("delete_artifact", "owner", "DELETE", f"/tasks/{NIL}/artifacts/result", None, 404, f"Task {NIL} not found not found"),
    ("delete_artifact", "read", "DELETE", "/tasks/{artifact}/artifacts/result", None, 403, DENIED),
    ("delete_artifact", "owner", "DELETE", "/tasks/{task}/artifacts/result", None, 404, "Artifact with uuid {task} and content type result.tar.gz not found not found"),
    ("delete_artifact", "owner", "DELETE", "/tasks/{artifact}/artifacts/result", None, 400, PROCESS + "Cannot delete artifact that has been updated in the last hour"),
    ("download_artifacts_by_uuids", "owner", "POST", "/tasks/download/artifacts/list", {"uuids": [], "content_type": "result"}, 400, PROCESS + "UUIDs list cannot be empty"),
    ("delete_artifacts_by_uuids", "owner", "POST", "/tasks/delete/artifacts/list", {"uuids": [], "content_type": "result"}, 400, PROCESS + "UUIDs list cannot be empty"),

    ("register_worker", "owner", "POST", "/workers", {"tags": [], "labels": [], "groups": ["grp"], "lifetime": "9000years"}, 400, PROCESS + "Invalid lifetime 9000years"),
    ("register_worker", "stranger", "POST", "/workers", {"tags": [], "labels": [], "groups": ["grp:read"]}, 403, DENIED),
    ("register_worker", "owner", "POST", "/workers", {"tags": [], "labels": [], "groups": [], "lease": "0s"}, 400, PROCESS + "lease is 0s: it must be between 1s and 1day"),
    ("register_worker", "owner", "POST", "/workers", {"tags": [], "labels": [], "groups": [], "info": {"x": "x" * 20000}}, 400, PROCESS + "info is larger than 16 KiB"),
    ("get_worker", "owner", "GET", f"/workers/{NIL}", None, 404, f"Worker {NIL} not found"),
    ("shutdown_worker", "owner", "DELETE", f"/workers/{NIL}", None, 404, f"Worker {NIL} not found not found"),
    ("shutdown_worker", "write", "DELETE", "/workers/{machine}", None, 403, DENIED),
    *[row for what in ("tags", "labels") for row in (
        (f"replace_worker_{what}", "owner", "PUT", f"/workers/{NIL}/{what}", {what: []}, 400, f"{PROCESS}Empty {what}"),
        (f"replace_worker_{what}", "owner", "PUT", f"/workers/{NIL}/{what}", {what: ["a"]}, 404, f"Worker {NIL} not found not found"),
        (f"replace_worker_{what}", "read", "PUT", "/workers/{machine}/" + what, {what: ["a"]}, 403, DENIED))],
    ("update_worker_groups", "owner", "PUT", f"/workers/{NIL}/groups", {"relations": {}}, 400, PROCESS + "Empty group relations"),
    ("update_worker_groups", "owner", "PUT", f"/workers/{NIL}/groups", {"relations": {"x": "Read"}}, 404, f"Worker {NIL} not found not found"),
    ("update_worker_groups", "write", "PUT", "/workers/{machine}/groups", {"relations": {"none": "Read"}}, 403, DENIED),
    ("update_worker_groups", "owner", "PUT", "/workers/{machine}/groups", {"relations": {"none": "Read", "grp": "Read"}}, 400, PROCESS + "Some groups do not exist"),
    ("update_worker_groups", "owner", "PUT", "/workers/{machine}/groups", {"relations": {"out": "Write"}}, 403, DENIED),
    *[row for operation, path, body in (("remove_worker_groups", "/groups?groups=none", None), ("remove_worker_groups_by_body", "/groups/remove", {"groups": ["none"]})) for row in (
        (operation, "owner", "DELETE", f"/workers/{NIL}" + path.partition("?")[0], body and {"groups": []}, 400, PROCESS + "Empty group names"),
        (operation, "owner", "DELETE", f"/workers/{NIL}{path}", body, 404, f"Worker {NIL} not found not found"),
        (operation, "write", "DELETE", "/workers/{machine}" + path, body, 403, DENIED),
        (operation, "owner", "DELETE", "/workers/{machine}" + path, body, 400, PROCESS + "Some groups do not exist"))],
    ("query_workers", "owner", "POST", "/workers/query", {"group_name": "none", "count": True}, 403, DENIED),
    ("shutdown_workers_by_filter", "write", "POST", "/workers/shutdown", {"group_name": "grp", "op": "Force"}, 403, DENIED),
    ("shutdown_workers_by_uuids", "owner", "POST", "/workers/shutdown/list", {"uuids": [], "op": "Force"}, 400, PROCESS + "UUIDs list cannot be empty"),

    ("worker_get_task", "worker", "GET", f"/workers/tasks/{NIL}", None, 404, f"Task with uuid {NIL} not found"),
    ("worker_download_artifact", "worker", "GET", f"/workers/tasks/{NIL}/artifacts/std", None, 404, f"Artifact with uuid {NIL} and content type std-log.tar.gz not found"),
    ("worker_download_attachment", "worker", "GET", f"/workers/tasks/{NIL}/attachments/a", None, 404, f"Task with uuid {NIL} not found"),
    ("worker_download_attachment", "worker", "GET", "/workers/tasks/{task}/attachments/no/ne", None, 404, "Attachment of group grp and key no/ne not found"),
    ("report_state", "worker", "POST", f"/workers/tasks/{NIL}/state", {"state": "Watch"}, 404, f"Task with uuid {NIL} not found"),
    ("report_tasks", "nobody", "POST", "/workers/tasks/report/list", {"reports": []}, 400, PROCESS + "The list of reports cannot be empty"),
    ("report_tasks", "nobody", "POST", "/workers/tasks/report/list", {"reports": [{"token": "t", "report": {}}] * 65}, 400,
     PROCESS + "There are 65 reports in one request: at most 64 are taken, send the others in another"),
    ("report_task", "worker", "POST", "/workers/tasks", {"id": -1, "op": {"Finish": None}}, 404, "Task -1 not found not found"),

    ("admin_create_user", "root", "POST", "/admin/users", {"username": "ä", "md5_password": md5(""), "admin": False}, 400, PROCESS + "Invalid username"),
    ("admin_create_user", "root", "POST", "/admin/users", {"username": "grp", "md5_password": md5(""), "admin": False}, 409, "User or group with same name grp already exists"),
    ("admin_delete_user", "root", "DELETE", "/admin/users/none", None, 404, "User or group with name none not found"),
    ("admin_change_user_state", "root", "POST", "/admin/users/none/state", {"state": "Active"}, 404, "User or group with name none not found"),
    ("admin_change_password", "root", "POST", "/admin/users/none/password", {"new_md5_password": md5("")}, 404, "User not found not found"),
    ("admin_change_group_quota", "root", "POST", "/admin/users/none/group-quota", {"group_quota": "1"}, 404, "User or group with name none not found"),
    ("admin_change_storage_quota", "root", "POST", "/admin/groups/none/storage-quota", {"storage_quota": "1"}, 404, "Group none not found"),
    ("admin_shutdown_worker", "root", "DELETE", f"/admin/workers/{NIL}", None, 404, f"Worker {NIL} not found not found"),
    ("admin_delete_attachment", "root", "DELETE", "/admin/groups/none/attachments/a", None, 404, "Attachment of group none and key a not found"),
    ("admin_delete_attachment", "root", "DELETE", "/admin/groups/grp/attachments/none", None, 404, "Attachment of group grp and key none not found"),
    ("admin_delete_artifact", "root", "DELETE", f"/admin/tasks/{NIL}/artifacts/result", None, 404, f"Task {NIL} not found not found"),
    ("admin_delete_artifact", "root", "DELETE", "/admin/tasks/{task}/artifacts/result", None, 404, "Artifact with uuid {task} and content type result.tar.gz not found not found"),
    ("admin_shutdown", "root", "POST", "/admin/shutdown", {"secret": "wrong"}, 403, DENIED),
    ("admin_query_workers", "root", "POST", "/admin/query/workers", {"group_name": "none"}, 404, "Group none not found"),
    ("admin_change_group_state", "root", "POST", "/admin/groups/none/state", {"state": "Active"}, 404, "Group none not found"),
    ("get_object", None, "GET", "/objects/mitosis-attachments/x?method=GET&expires=1&signature=x", None, 403,
     "The signature of this object URL is missing or wrong; ask the coordinator for a new one"),
    ("put_object", None, "PUT", "/objects/mitosis-attachments/x", "abc", 403, "The signature of this object URL is missing or wrong; ask the coordinator for a new one"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{row[5]}-{row[6]}"[:70])
def test_documented_failures(world, row):
    operation, caller, method, path, body, status, text = row
    path, body, text = world.fill([path, body, text])
    answer = world.api.request(method, path, body, caller and world.tokens[caller])
    assert answer[0] == status and json.loads(answer[2]) == {"msg": text}, answer
    assert world.api.document.operation(method, path)["operationId"] == operation


def test_failures_that_need_a_history(world):
    """Error bodies whose cause takes several steps: locked users and groups, quotas used up, reports out of order, chained tasks."""
    api, seen = world.api, []

    def expect(operation, status, text, method, path, body=None, token=None):
        answer = api.request(method, path, body, token)
        assert answer[0] == status and json.loads(answer[2]) == {"msg": text}, answer
        seen.append((operation, status, text))
    locked = world.user()
    api.call("POST", f"/admin/users/{locked}/state", {"state": "Locked"}, world.root)
    expect("login", 403, DENIED, "POST", "/login", {"username": locked, "md5_password": md5("wrong")})

    poor = world.user()
    token = api.login(poor, poor)
    api.call("POST", f"/admin/users/{poor}/group-quota", {"group_quota": "=1"}, world.root)
    expect("create_group", 403, QUOTA, "POST", "/groups", {"group_name": world.name()}, token)

    task, key = world.task_with_artifact(), world.name()
    api.call("POST", "/admin/groups/grp/state", {"state": "Locked"}, world.root)
    expect("upload_attachment", 400, PROCESS + "Group is not active", "POST", "/groups/grp/attachments", {"key": key, "content_length": 1}, world.tokens["read"])
    expect("upload_artifact", 400, PROCESS + "Group is not active", "POST", f"/tasks/{task}/artifacts", {"content_type": "result", "content_length": 1}, world.owner)
    api.call("POST", "/admin/groups/grp/state", {"state": "Active"}, world.root)

    machine = world.register(["grp"], tags=["only-here"])["token"]
    uuid = world.ready_task(tags=["only-here"])
    held = api.call("GET", "/workers/tasks", token=machine)
    assert held["uuid"] == uuid

    def report(op, status, text):
        expect("report_task", status, text, "POST", "/workers/tasks", {"id": held["id"], "op": op}, machine)
    report({"Submit": SUBMISSION}, 400, PROCESS + "Task can not spawn new tasks")
    report({"Commit": {"exit_status": 0, "msg": None}}, 400, PROCESS + "Task can not be marked as done")
    report({"Upload": {"content_type": "result", "content_length": 2**63}}, 400, "Invalid content length -9223372036854775808")
    report({"Upload": {"content_type": "result", "content_length": 2**62}}, 403, QUOTA)
    api.call("POST", "/admin/groups/grp/state", {"state": "Locked"}, world.root)
    report({"Upload": {"content_type": "result", "content_length": 1}}, 400, PROCESS + "Group is not active")
    api.call("POST", "/admin/groups/grp/state", {"state": "Active"}, world.root)
    api.call("POST", "/workers/tasks", {"id": held["id"], "op": "Finish"}, machine)
    report({"Submit": {**SUBMISSION, "group_name": "ann"}}, 400, PROCESS + "Group name mismatch: expected 'grp', got 'ann'")
    report({"Submit": {**SUBMISSION, "task_spec": UNSAFE}}, 400, PROCESS + "Resource local path is absolute or contains `..`")
    api.call("POST", "/admin/users/ann/state", {"state": "Locked"}, world.root)
    report({"Submit": SUBMISSION}, 403, DENIED)
    api.call("POST", "/admin/users/ann/state", {"state": "Active"}, world.root)

    stranger = world.register([], world.tokens["stranger"])["token"]
    for operation, path in (("worker_get_task", ""), ("worker_download_artifact", "/artifacts/result"), ("worker_download_attachment", "/attachments/a")):
        expect(operation, 403, DENIED, "GET", f"/workers/tasks/{task}{path}", None, stranger)
    for path, body, operation in ((f"/admin/users/ann/group-quota", {"group_quota": "many"}, "admin_change_group_quota"),
                                  ("/admin/groups/grp/storage-quota", {"storage_quota": "1XB"}, "admin_change_storage_quota")):
        status, _, data = api.request("POST", path, body, world.root)
        assert status == 400 and json.loads(data)["msg"].startswith(PROCESS)
        seen.append((operation, status, json.loads(data)["msg"]))

    address = api.call("GET", f"/tasks/{task}/download/artifacts/result", token=world.owner)["url"]
    expect("get_object", 404, "Object not found", "GET", "/" + address.split("/", 3)[3])
    address = api.call("POST", f"/tasks/{task}/artifacts", {"content_type": "result", "content_length": 1024}, world.owner)["url"]
    expect("put_object", 400, "The body has 5 bytes, 1024 were announced", "PUT", "/" + address.split("/", 3)[3], "12345")
    world.history = seen


# Documented, and provoked elsewhere or not at all.
ELSEWHERE = {
    ("*", 429): "test_coordinator_input.py, test_events.py and the tests of the password threads: a bound has to be reached",
    ("put_object", 507): "test_objects.py fills a volume",
    ("put_object", 404): "only coordinators that keep objects elsewhere",
    ("unregister_worker", 404): "a race: the worker is removed between the check of its token and its own removal",
    ("metrics", 403): "test_coordinator_input.py",
}


def test_every_documented_failure_is_provoked(world):
    """The tables above provoke each error body that the document lists as an operation's own."""
    if not hasattr(world, "history"):
        test_failures_that_need_a_history(world)
    provoked = [(row[0], row[5], row[6]) for row in TABLE] + world.history
    missing = []
    for name, operation in world.api.document.operations.items():
        for status, response in operation["responses"].items():
            if "$ref" in response:
                continue
            for title, example in response.get("content", {}).get("application/json", {}).get("examples", {}).items():
                if status < "400" or title in ("invalid_token", "wrong_credentials", "inactive_user", "internal", "unavailable") and operation["security"]:
                    continue
                if (name, int(status)) in ELSEWHERE or ("*", int(status)) in ELSEWHERE or status in ("500", "503"):
                    continue
                # `<…>` stands for anything.
                pattern = re.compile("".join(".*" if part.startswith("<") else re.escape(part) for part in re.split(r"(<[^>]*>)", example["value"]["msg"])))
                if not any(entry[0] == name and entry[1] == int(status) and pattern.fullmatch(entry[2]) for entry in provoked):
                    missing.append(f"{name} {status} {example['value']['msg']}")
    assert not missing, "\n".join(missing)
