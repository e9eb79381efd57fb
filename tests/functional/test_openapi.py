"""The OpenAPI document is true: every operation is sent, every answer compared with its declared schema; schemathesis tries the rest."""
from __future__ import annotations

import hashlib
import http.client
import json
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jsonschema_rs")

from api_document import CheckedApi  # noqa: E402
from conftest import ROOT, clean_environment  # noqa: E402
from recorded_database import main as change_database  # noqa: E402

NIL = "00000000-0000-0000-0000-000000000000"
SECRET = "the-secret-of-the-tests"


def md5(text: str) -> list:
    return list(hashlib.md5(text.encode()).digest())


@pytest.fixture
def api(tools):
    coordinator = tools.coordinator("--shutdown-secret", SECRET)
    checked = CheckedApi(coordinator.port)
    checked.database = coordinator.data / "mitosis.db"
    return checked


def follow_one_event(api, token, group, cause):
    """The first event that `cause` makes, as the stream says it."""
    connection = http.client.HTTPConnection(api.host, api.port, timeout=20)
    connection.request("GET", f"/events?group={group}", headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    assert response.status == 200 and response.getheader("content-type") == "text/event-stream"
    assert response.readline().startswith(b":")
    cause()
    while not (line := response.readline()).startswith(b"data: "):
        assert line, "the stream ended"
    connection.close()
    schema = api.document.operations["events"]["responses"]["200"]["x-event"]
    api.document.validate(schema, json.loads(line[6:]), "an event")
    api.done.add("events")


def put(api, url: str, data: bytes) -> None:
    path = "/" + url.split("/", 3)[3]
    assert api.request("PUT", path, data)[0] == 200


def users_and_groups(api, admin):
    for name in ("ann", "bob"):
        api.call("POST", "/admin/users", {"username": name, "md5_password": md5(name), "admin": False}, admin)
    ann = api.login("ann", "ann")
    assert api.call("GET", "/auth", token=ann) == "ann"
    api.call("GET", "/redis", token=ann)
    ann = api.call("POST", "/users/ann/password", {"old_md5_password": md5("ann"), "new_md5_password": md5("new")}, ann)["token"]
    api.call("POST", "/admin/users/bob/password", {"new_md5_password": md5("other")}, admin)
    api.call("POST", "/admin/users/bob/state", {"state": "Locked"}, admin)
    api.call("DELETE", "/admin/users/bob", token=admin)
    api.call("POST", "/admin/users/bob/state", {"state": "Active"}, admin)
    api.call("POST", "/admin/users/ann/group-quota", {"group_quota": "+1"}, admin)
    api.call("POST", "/groups", {"group_name": "grp"}, ann)
    api.call("POST", "/admin/groups/grp/storage-quota", {"storage_quota": "=1GB"}, admin)
    for state in ("Locked", "Active"):
        api.call("POST", "/admin/groups/grp/state", {"state": state}, admin)
    api.call("PUT", "/groups/grp/users", {"relations": {"bob": "Read"}}, ann)
    api.call("GET", "/groups/grp", token=ann)
    api.call("GET", "/users/groups", token=ann)
    api.call("DELETE", "/groups/grp/users?users=bob", token=ann)
    api.call("POST", "/groups/grp/users/remove", {"users": ["bob"]}, ann)
    return ann


def attachments(api, admin, ann):
    for key in ("a/1", "a/2", "a/3", "b"):
        answer = api.call("POST", "/groups/grp/attachments", {"key": key, "content_length": 3}, ann)
        put(api, answer["url"], b"abc")
    api.call("GET", "/groups/grp/attachments/a/1", token=ann)
    url = api.call("GET", "/groups/grp/download/attachments/a/1", token=ann)["url"]
    path = "/" + url.split("/", 3)[3]
    assert api.request("GET", path)[2] == b"abc"
    assert api.request("GET", path, headers={"Range": "bytes=1-1"})[0] == 206
    assert api.request("GET", path, headers={"Range": "bytes=7-9"})[0] == 416
    assert api.request("GET", path + "x")[0] == 403
    for count in (False, True):
        api.call("POST", "/groups/grp/attachments/query", {"count": count, "key": "a"}, ann)
    api.call("POST", "/groups/grp/download/attachments", {"key": "a"}, ann)
    api.call("POST", "/groups/grp/download/attachments/list", {"keys": ["a/1", "none"]}, ann)
    change_database(str(api.database), "age")
    api.call("DELETE", "/groups/grp/attachments/a/1", token=ann)
    assert api.call("POST", "/groups/grp/delete/attachments", {"key": "a/2"}, ann)["deleted_count"] == 1
    assert api.call("POST", "/groups/grp/delete/attachments/list", {"keys": ["a/3", "none"]}, ann)["failed_keys"] == ["none"]
    api.call("DELETE", "/admin/groups/grp/attachments/b", token=admin)


def tasks_and_workers(api, admin, ann):
    worker = api.call("POST", "/workers", {"tags": ["t"], "labels": ["l"], "groups": ["grp:Admin"], "features": ["wait", "complete", "state", "detail"],
                                           "lease": "60s", "info": {"host": "h", "cores": 2}}, ann)
    uuid, token = worker["worker_id"], worker["token"]
    assert api.call("GET", "/workers/tasks", token=token) is None
    api.call("POST", "/workers/heartbeat", token=token)
    for path, body in (("tags", {"tags": ["t", "u"]}), ("labels", {"labels": ["m"]}), ("groups", {"relations": {"grp": "Admin"}})):
        api.call("PUT", f"/workers/{uuid}/{path}", body, ann)
    for detail in ("", "?detail=true"):
        api.call("GET", f"/workers/{uuid}{detail}", token=ann)
    for extra in ({}, {"detail": True}, {"count": True}):
        api.call("POST", "/workers/query", {"group_name": "grp", "count": False, **extra}, ann)
        api.call("POST", "/admin/query/workers", {key: value for key, value in extra.items() if key == "count"}, admin)

    first = []
    follow_one_event(api, ann, "grp", lambda: first.append(api.submit(ann, ["true"], "grp", tags=["t"])))
    first = first[0]
    api.call("PUT", f"/tasks/{first}", {"timeout": "5m", "priority": 3}, ann)
    api.call("PUT", f"/tasks/{first}/labels", {"labels": ["x"]}, ann)
    outcomes = api.call("POST", "/tasks/submit", {"tasks": [
        {"group_name": group, "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}} for group in ("grp", "grp", "none")]}, ann)
    second, third = (outcome["Ok"]["uuid"] for outcome in outcomes["results"][:2])
    task = api.call("GET", "/workers/tasks?wait=5s", token=token)
    assert task["uuid"] == first
    api.call("POST", f"/workers/tasks/{first}/state", {"state": "ExecSpawned"}, token)
    report = lambda op: api.call("POST", "/workers/tasks", {"id": task["id"], "op": op}, token)
    report("Finish")
    put(api, report({"Upload": {"content_type": "result", "content_length": 2}})["url"], b"ok")
    report({"Submit": {"group_name": "grp", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}}})
    following = report({"Commit": {"exit_status": 256, "msg": None, "next": True, "detail": {"reason": "why", "notes": ["n"], "usage": {"cpu_seconds": 0.5}}}})["next"]
    for query in ("", "?detail=true", "?after=Running&wait=1s"):
        api.call("GET", f"/tasks/{first}{query}", token=ann)
    api.call("GET", f"/workers/tasks/{first}", token=token)
    api.call("GET", f"/workers/tasks/{first}/artifacts/result", token=token)
    put(api, api.call("POST", "/groups/grp/attachments", {"key": "in", "content_length": 1}, ann)["url"], b"x")
    api.call("GET", f"/workers/tasks/{first}/attachments/in", token=token)
    api.call("POST", "/workers/tasks", {"id": following["id"], "op": {"Complete": {"exit_status": 0, "msg": None, "state": "Finished"}}}, token)
    api.call("POST", "/workers/tasks/report/list", {"reports": [{"token": bearer, "report": {"id": following["id"], "op": {"Complete": {
        "exit_status": 0, "msg": None, "state": "Finished", "next": True}}}} for bearer in (token, "none")]})
    for extra in ({}, {"detail": True}, {"count": True}, {"states": ["Finished"], "exit_status": ">0"}):
        api.call("POST", "/tasks/query", {"group_name": "grp", "count": False, **extra}, ann)
    artifacts(api, admin, ann, first)
    assert third
    api.request("DELETE", f"/tasks/{third}", token=ann)
    api.call("DELETE", f"/tasks/{api.submit(ann, ['true'], 'grp', tags=['none'])}", token=ann)
    api.submit(ann, ["true"], "grp", tags=["none"])
    assert api.call("POST", "/tasks/cancel", {"group_name": "grp", "tags": ["none"]}, ann)["cancelled_count"] == 1
    api.call("POST", "/tasks/cancel/list", {"uuids": [second, NIL]}, ann)
    api.call("DELETE", f"/workers/{uuid}/groups?groups=ann", token=ann)
    api.call("DELETE", f"/workers/{uuid}/groups/remove", {"groups": ["ann"]}, ann)
    api.call("DELETE", "/workers", token=token)
    ends(api, admin, ann)


def artifacts(api, admin, ann, task):
    for kind in ("result", "exec-log", "std-log"):
        put(api, api.call("POST", f"/tasks/{task}/artifacts", {"content_type": kind, "content_length": 1}, ann)["url"], b"x")
    api.call("GET", f"/tasks/{task}/download/artifacts/result", token=ann)
    api.call("POST", "/tasks/download/artifacts", {"group_name": "grp", "content_type": "result"}, ann)
    api.call("POST", "/tasks/download/artifacts/list", {"uuids": [task, NIL], "content_type": "result"}, ann)
    change_database(str(api.database), "age")
    api.call("DELETE", f"/tasks/{task}/artifacts/result", token=ann)
    assert api.call("POST", "/tasks/delete/artifacts", {"group_name": "grp", "content_type": "exec-log"}, ann)["deleted_count"] == 1
    assert api.call("POST", "/tasks/delete/artifacts/list", {"uuids": [task], "content_type": "std-log"}, ann)["deleted_count"] == 1
    api.call("POST", f"/tasks/{task}/artifacts", {"content_type": "result", "content_length": 1}, ann)
    api.call("DELETE", f"/admin/tasks/{task}/artifacts/result", token=admin)


def ends(api, admin, ann):
    """Every way to end a worker."""
    def register():
        return api.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["grp:Admin"]}, ann)["worker_id"]
    api.call("DELETE", f"/workers/{register()}?op=Force", token=ann)
    api.call("DELETE", f"/admin/workers/{register()}", token=admin)
    register()
    assert api.call("POST", "/workers/shutdown", {"group_name": "grp", "op": "Force"}, ann)["shutdown_count"] == 1
    assert api.call("POST", "/workers/shutdown/list", {"uuids": [register(), NIL], "op": "Graceful"}, ann)["failed_uuids"] == [NIL]


def test_every_operation_answers_what_the_document_declares(api):
    admin = api.login()
    api.call("GET", "/health")
    ann = users_and_groups(api, admin)
    attachments(api, admin, ann)
    tasks_and_workers(api, admin, ann)
    for name in ("users", "groups"):
        for count in (False, True):
            api.call("POST", f"/admin/query/{name}", {"count": count}, admin)
    for path in ("/metrics", "/docs", "/docs/guide", "/docs/guide/", "/docs/guide/sdks"):
        assert api.request("GET", path)[0] == 200
    api.call("POST", "/admin/shutdown", {"secret": SECRET}, admin)
    missing = set(api.document.operations) - api.done
    assert not missing, f"these operations were never answered 200 here: {sorted(missing)}"


def test_every_operation_is_explained(api):
    """The document names for each operation who may call it, an example of each JSON body and at least one failure."""
    for name, operation in api.document.operations.items():
        assert operation["summary"] and operation["x-permission"] and operation["tags"], name
        for body in (operation.get("requestBody"), operation["responses"]["200"]):
            for kind, media in (body or {}).get("content", {}).items():
                assert kind != "application/json" or name == "openapi" or media["examples"], name
        assert any(status >= "400" for status in operation["responses"]), name
    for name, schema in api.document.document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert described["description"] and described["examples"] != [], (name, field)


def test_examples_are_valid(api):
    """What the document shows as an example fits the schema beside it."""
    for name, operation in api.document.operations.items():
        for body in (operation.get("requestBody"), *map(api.document.resolve, operation["responses"].values())):
            for media in (body or {}).get("content", {}).values():
                for example in media.get("examples", {}).values():
                    api.document.validate(media["schema"], example["value"], f"an example of {name}")


def test_the_file_in_the_repository_is_the_document(api):
    text = (ROOT / "openapi.yaml").read_text()
    for path, item in api.document.document["paths"].items():
        assert f'\n  "{path}":' in text, path
        for operation in item.values():
            assert f"operationId: {operation['operationId']}\n" in text


def test_the_page_needs_nothing_else(api):
    status, headers, body = api.request("GET", "/docs")
    page = body.decode()
    assert status == 200 and "default-src 'none'" in headers["content-security-policy"]
    for outside in ("src=", "@import", 'rel="stylesheet"', "fetch("):
        assert outside not in page.partition('<script id="document"')[0], outside
    start = page.index(">", page.index('<script id="document"')) + 1
    assert json.loads(page[start:page.index("</script>", start)]) == api.document.document


@pytest.fixture
def tried(tools):
    """A coordinator that schemathesis may do anything to, also change the admin's password."""
    return tools.coordinator("--max-wait", "100ms")


@pytest.mark.parametrize("caller", ["user", "worker"])
def test_schemathesis_finds_no_undeclared_answer(tried, tmp_path, caller):
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    if not program.exists():
        pytest.skip("schemathesis is not installed beside this Python")
    token = tried.api.login()
    # Worker operations are called with a worker's token, everything else as the admin; what ends the coordinator or the caller is left out.
    choice = ["--exclude-tag", "Worker protocol", "--exclude-operation-id", "events", "--exclude-operation-id", "admin_shutdown"]
    if caller == "worker":
        token = tried.api.call("POST", "/workers", {"tags": [], "labels": [], "groups": []}, token)["token"]
        choice = ["--include-tag", "Worker protocol", "--exclude-operation-id", "unregister_worker"]
    result = subprocess.run(
        [str(program), "run", f"{tried.url}/openapi.json", "--url", tried.url, "--header", f"Authorization: Bearer {token}", *choice,
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
         "--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "1", "--no-shrink", "--generation-allow-x00", "false",
         "--generation-database", "none", "--max-time", "20" if caller == "user" else "8", "--warnings", "off", "--no-color", "--continue-on-failure"],
        cwd=tmp_path, env=clean_environment(tmp_path), text=True, capture_output=True, timeout=120)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert tried.api.call("GET", "/health") == {"status": "ok"}
