"""Who may do what: one line for each operation, one column for each kind of caller (api_world.py says who they are).

A cell is the status; `200=1` also counts what was done or shown. 400 in the first column: no token. 401 in the last: a worker's token is no user's.
"""
from __future__ import annotations

import http.client

import pytest

pytest.importorskip("jsonschema_rs")

from api_document import CheckedApi  # noqa: E402
from api_world import NIL, ROLES, SECRET, World, md5  # noqa: E402
from conftest import Tools  # noqa: E402

SUBMISSION = {"group_name": "grp", "tags": ["none"], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}}
REGISTRATION = {"tags": [], "labels": [], "groups": ["grp"]}
LENGTH = {"content_type": "result", "content_length": 1}
PASSWORD = {"md5_password": md5("x"), "admin": False}

# operation, method, path, body; nobody stranger read write owner root worker
TABLE = """
health                          GET    /health
                                | 200 200 200 200 200 200 200
openapi                         GET    /openapi.json
                                | 200 200 200 200 200 200 200
docs                            GET    /docs
                                | 200 200 200 200 200 200 200
guide                           GET    /docs/guide
                                | 200 200 200 200 200 200 200
guide_index                     GET    /docs/guide/
                                | 200 200 200 200 200 200 200
guide_page                      GET    /docs/guide/sdks
                                | 200 200 200 200 200 200 200
metrics                         GET    /metrics
                                | 200 200 200 200 200 200 200
login                           POST   /login                                      {"username":"ann","md5_password":md5("ann"),"retain":True}
                                | 200 200 200 200 200 200 200
auth                            GET    /auth
                                | 400 200 200 200 200 200 401
redis                           GET    /redis
                                | 400 200 200 200 200 200 401
user_groups                     GET    /users/groups
                                | 400 200 200 200 200 200 401
change_password                 POST   /users/wri/password                         {"old_md5_password":md5("no"),"new_md5_password":md5("x")}
                                | 400 401 401 401 401 401 401

create_group                    POST   /groups                                     {"group_name":"{name}"}
                                | 400 200 200 200 200 200 401
get_group                       GET    /groups/grp
                                | 400 403 200 200 200 403 401
update_group_users              PUT    /groups/grp/users                           {"relations":{"{user}":"Read"}}
                                | 400 403 403 403 200 403 401
remove_group_users              DELETE /groups/grp/users?users={user}
                                | 400 403 403 403 200 403 401
remove_group_users_by_body      POST   /groups/grp/users/remove                    {"users":["{user}"]}
                                | 400 403 403 403 200 403 401

upload_attachment               POST   /groups/grp/attachments                     {"key":"{name}","content_length":1}
                                | 400 403 403 200 200 403 401
get_attachment                  GET    /groups/grp/attachments/{key}
                                | 400 403 200 200 200 403 401
download_attachment             GET    /groups/grp/download/attachments/{key}
                                | 400 403 200 200 200 403 401
delete_attachment               DELETE /groups/grp/attachments/{key}
                                | 400 403 403 400 400 403 401
query_attachments               POST   /groups/grp/attachments/query               {"count":True}
                                | 400 400 200 200 200 400 401
download_attachments_by_filter  POST   /groups/grp/download/attachments            {"key":"{key}"}
                                | 400 400 200=1 200=1 200=1 400 401
download_attachments_by_keys    POST   /groups/grp/download/attachments/list       {"keys":["{key}"]}
                                | 400 400 200=1 200=1 200=1 400 401
delete_attachments_by_filter    POST   /groups/grp/delete/attachments              {"key":"{key}"}
                                | 400 400 403 200=0 200=0 400 401
delete_attachments_by_keys      POST   /groups/grp/delete/attachments/list         {"keys":["{key}"]}
                                | 400 400 403 200=0 200=0 400 401

submit_task                     POST   /tasks                                      SUBMISSION
                                | 400 403 403 200 200 403 401
submit_tasks                    POST   /tasks/submit                               {"tasks":[SUBMISSION,SUBMISSION]}
                                | 400 200=0 200=0 200=2 200=2 200=0 401
get_task                        GET    /tasks/{task}
                                | 400 403 200 200 200 200 401
change_task                     PUT    /tasks/{task}                               {"timeout":None,"priority":1}
                                | 400 400 403 200 200 400 401
cancel_task                     DELETE /tasks/{task}
                                | 400 400 403 200 200 400 401
update_task_labels              PUT    /tasks/{task}/labels                        {"labels":[]}
                                | 400 400 403 200 200 400 401
query_tasks                     POST   /tasks/query                                {"group_name":"grp","count":True}
                                | 400 400 200 200 200 400 401
cancel_tasks_by_filter          POST   /tasks/cancel                               {"group_name":"grp","labels":["none"]}
                                | 400 400 403 200=0 200=0 400 401
cancel_tasks_by_uuids           POST   /tasks/cancel/list                          {"uuids":["{task}"]}
                                | 400 200=0 200=0 200=1 200=1 200=0 401
events                          GET    /events?group=grp
                                | 400 400 200 200 200 200 401

upload_artifact                 POST   /tasks/{task}/artifacts                     LENGTH
                                | 400 403 403 200 200 403 401
download_artifact               GET    /tasks/{artifact}/download/artifacts/result
                                | 400 403 200 200 200 200 401
delete_artifact                 DELETE /tasks/{artifact}/artifacts/result
                                | 400 403 403 400 400 403 401
download_artifacts_by_filter    POST   /tasks/download/artifacts                   {"group_name":"grp","content_type":"std-log"}
                                | 400 400 200=0 200=0 200=0 400 401
download_artifacts_by_uuids     POST   /tasks/download/artifacts/list              {"uuids":["{artifact}"],"content_type":"result"}
                                | 400 200=0 200=1 200=1 200=1 200=1 401
delete_artifacts_by_filter      POST   /tasks/delete/artifacts                     {"group_name":"grp","content_type":"result"}
                                | 400 400 200=0 200=0 200=0 400 401
delete_artifacts_by_uuids       POST   /tasks/delete/artifacts/list                {"uuids":["{artifact}"],"content_type":"result"}
                                | 400 200=0 200=0 200=0 200=0 200=0 401

register_worker                 POST   /workers                                    REGISTRATION
                                | 400 403 200 200 200 200 401
get_worker                      GET    /workers/{machine}
                                | 400 200 200 200 200 200 401
shutdown_worker                 DELETE /workers/{machine}
                                | 400 403 403 403 200 403 401
replace_worker_tags             PUT    /workers/{machine}/tags                     {"tags":["a"]}
                                | 400 403 403 200 200 403 401
replace_worker_labels           PUT    /workers/{machine}/labels                   {"labels":["a"]}
                                | 400 403 403 200 200 403 401
update_worker_groups            PUT    /workers/{machine}/groups                   {"relations":{"grp":"Admin"}}
                                | 400 403 403 403 200 403 401
remove_worker_groups            DELETE /workers/{machine}/groups?groups=ann
                                | 400 403 403 403 200 403 401
remove_worker_groups_by_body    DELETE /workers/{machine}/groups/remove            {"groups":["ann"]}
                                | 400 403 403 403 200 403 401
query_workers                   POST   /workers/query                              {"group_name":"grp","count":True}
                                | 400 403 200 200 200 403 401
shutdown_workers_by_filter      POST   /workers/shutdown                           {"group_name":"grp","labels":["none"],"op":"Force"}
                                | 400 403 403 403 200=0 403 401
shutdown_workers_by_uuids       POST   /workers/shutdown/list                      {"uuids":["{machine}"],"op":"Force"}
                                | 400 200=0 200=0 200=0 200=1 200=0 401

fetch_task                      GET    /workers/tasks
                                | 400 401 401 401 401 401 200
report_task                     POST   /workers/tasks                              {"id":1,"op":"Finish"}
                                | 400 401 401 401 401 401 404
heartbeat                       POST   /workers/heartbeat
                                | 400 401 401 401 401 401 200
worker_get_task                 GET    /workers/tasks/{task}
                                | 400 401 401 401 401 401 200
worker_download_artifact        GET    /workers/tasks/{artifact}/artifacts/result
                                | 400 401 401 401 401 401 200
worker_download_attachment      GET    /workers/tasks/{task}/attachments/{key}
                                | 400 401 401 401 401 401 200
report_state                    POST   /workers/tasks/{task}/state                 {"state":"ExecSpawned"}
                                | 400 401 401 401 401 401 404

report_tasks                    POST   /workers/tasks/report/list                  {"reports":[{"token":"none","report":{"id":1,"op":"Finish"}}]}
                                | 200 200 200 200 200 200 200

admin_create_user               POST   /admin/users                                {"username":"{name}",**PASSWORD}
                                | 400 403 403 403 403 200 401
admin_delete_user               DELETE /admin/users/{user}
                                | 400 403 403 403 403 200 401
admin_change_user_state         POST   /admin/users/{user}/state                   {"state":"Locked"}
                                | 400 403 403 403 403 200 401
admin_change_password           POST   /admin/users/{user}/password                {"new_md5_password":md5("x")}
                                | 400 403 403 403 403 200 401
admin_change_group_quota        POST   /admin/users/{user}/group-quota             {"group_quota":"3"}
                                | 400 403 403 403 403 200 401
admin_change_storage_quota      POST   /admin/groups/grp/storage-quota             {"storage_quota":"1GB"}
                                | 400 403 403 403 403 200 401
admin_change_group_state        POST   /admin/groups/grp/state                     {"state":"Active"}
                                | 400 403 403 403 403 200 401
admin_shutdown_worker           DELETE /admin/workers/{machine}?op=Force
                                | 400 403 403 403 403 200 401
admin_delete_attachment         DELETE /admin/groups/grp/attachments/{key}
                                | 400 403 403 403 403 200 401
admin_delete_artifact           DELETE /admin/tasks/{artifact}/artifacts/result
                                | 400 403 403 403 403 200 401
admin_query_users               POST   /admin/query/users                          {"count":True}
                                | 400 403 403 403 403 200 401
admin_query_groups              POST   /admin/query/groups                         {"count":True}
                                | 400 403 403 403 403 200 401
admin_query_workers             POST   /admin/query/workers                        {"count":True}
                                | 400 403 403 403 403 200 401
admin_shutdown                  POST   /admin/shutdown                             {"secret":"wrong"}
                                | 400 403 403 403 403 403 401

unregister_worker               DELETE /workers
                                | 400 401 401 401 401 401 200
"""
# Signed URLs are for whoever has them; test_objects.py has their table.
ELSEWHERE = {"put_object", "get_object"}


def parse(table: str):
    names = {"SUBMISSION": SUBMISSION, "REGISTRATION": REGISTRATION, "LENGTH": LENGTH, "PASSWORD": PASSWORD, "md5": md5}
    lines = [line for line in table.splitlines() if line.strip()]
    for request, cells in zip(lines[::2], lines[1::2]):
        operation, method, path, *body = request.split(None, 3)
        expected = dict(zip(ROLES, cells.strip(" |").split()))
        assert len(expected) == len(ROLES), operation
        yield operation, method, path, eval(body[0], names) if body else None, expected  # the table's own words


ROWS = list(parse(TABLE))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("permissions"))
    coordinator = tools.coordinator("--shutdown-secret", SECRET)
    world = World(CheckedApi(coordinator.port))
    for role in ("stranger", "read", "write", "owner"):
        name = world.api.call("GET", "/auth", token=world.tokens[role])
        world.api.call("POST", f"/admin/users/{name}/group-quota", {"group_quota": "100"}, world.root)
    yield world
    tools.end()


def counted(answer) -> str:
    """What a batch operation did: its count, its list of downloads, or the submissions that succeeded."""
    if not isinstance(answer, dict):
        return ""
    for member in ("cancelled_count", "deleted_count", "shutdown_count"):
        if member in answer:
            return f"={answer[member]}"
    if "downloads" in answer:
        return f"={len(answer['downloads'])}"
    if "results" in answer:
        return f"={sum('Ok' in result for result in answer['results'])}"
    return ""


def outcome(world, role, method, path, body) -> str:
    path, body = world.fill([path, body])
    token = world.tokens[role]
    if path.startswith("/events"):
        connection = http.client.HTTPConnection(world.api.host, world.api.port, timeout=20)
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
        status = connection.getresponse().status
        connection.close()
        return str(status)
    status, _, data = world.api.request(method, path, body, token)
    if status != 200 or not data.startswith(b"{"):
        return str(status)
    import json
    return f"{status}{counted(json.loads(data))}"


@pytest.mark.parametrize("operation, method, path, body, expected", ROWS, ids=[row[0] for row in ROWS])
def test_who_may(world, operation, method, path, body, expected):
    found = {role: outcome(world, role, method, path, body) for role in ROLES}
    if operation == "unregister_worker":
        world.tokens["worker"] = world.register(["grp"])["token"]
    assert found == expected


def test_the_table_is_complete(world):
    assert {row[0] for row in ROWS} | ELSEWHERE == set(world.api.document.operations)


def test_a_user_who_is_not_active_may_nothing(world):
    """Locked and deleted users are refused by every operation for users, from their next request on; unlocking restores their tokens."""
    name = world.user()
    token = world.api.login(name, name)
    for state, status in (("Locked", 403), ("Deleted", 403), ("Active", 200)):
        world.api.call("POST", f"/admin/users/{name}/state", {"state": state}, world.root)
        for path in ("/auth", "/users/groups", f"/groups/{name}"):
            assert world.api.request("GET", path, token=token)[0] == status, (state, path)
    assert world.api.request("GET", "/tasks/" + NIL, token=token)[0] == 404


def test_roles_take_effect_with_the_next_request(world):
    """Being removed, demoted or promoted counts at once, for the worker's groups too."""
    group, name = world.name(), world.user()
    token = world.api.login(name, name)
    world.api.call("POST", "/groups", {"group_name": group}, world.owner)
    submit = lambda: world.api.request("POST", "/tasks", {**SUBMISSION, "group_name": group}, token)[0]
    assert submit() == 403
    for role, status in (("Write", 200), ("Read", 403), ("Admin", 200)):
        world.api.call("PUT", f"/groups/{group}/users", {"relations": {name: role}}, world.owner)
        assert submit() == status, role
    world.api.call("DELETE", f"/groups/{group}/users?users={name}", token=world.owner)
    assert submit() == 403


def test_a_platform_admin_has_no_way_around_groups(world):
    """Global admins read tasks and register workers; they join a group like everybody else before they write into it."""
    assert world.api.request("POST", "/tasks", SUBMISSION, world.root)[0] == 403
    world.api.call("PUT", "/groups/grp/users", {"relations": {"mitosis_admin": "Write"}}, world.owner)
    assert world.api.request("POST", "/tasks", SUBMISSION, world.root)[0] == 200
    world.api.call("POST", "/groups/grp/users/remove", {"users": ["mitosis_admin"]}, world.owner)
    assert world.api.request("POST", "/tasks", SUBMISSION, world.root)[0] == 403


def test_a_user_named_like_a_worker_is_no_worker(world):
    """Names of users may look like UUIDs; the token of such a user opens nothing of the worker, whose own token goes on working."""
    machine = world.register(["grp"])
    for name in (machine["worker_id"], machine["worker_id"].replace("-", "")):
        world.api.call("POST", "/admin/users", {"username": name, "md5_password": md5("x"), "admin": False}, world.root)
        token = world.api.login(name, "x")
        assert world.api.call("GET", "/auth", token=token) == name
        for method, path in (("GET", "/workers/tasks"), ("POST", "/workers/heartbeat"), ("DELETE", "/workers")):
            assert world.api.request(method, path, token=token)[0] == 401
    world.api.call("POST", "/workers/heartbeat", token=machine["token"])
    assert world.api.request("GET", "/auth", token=machine["token"])[0] == 401
