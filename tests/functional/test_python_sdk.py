"""The Python SDK, and the published pynetmito unmodified: the same programs must work with both."""
from __future__ import annotations

import ast
import asyncio
import datetime
import importlib
import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import typing

import pytest

from conftest import ROOT, clean_environment

SDK = ROOT / "sdk" / "python"
sys.path.insert(0, str(SDK))

import netmito  # noqa: E402
from netmito.aio import AsyncMitoClient  # noqa: E402

HAVE_PYNETMITO = importlib.util.find_spec("pynetmito") is not None
needs_pynetmito = pytest.mark.skipif(not HAVE_PYNETMITO and not os.environ.get("CI"), reason="pynetmito is not installed: script/bootstrap --test")


@pytest.fixture(params=["netmito", pytest.param("pynetmito", marks=needs_pynetmito)])
def sdk(request):
    """The package under test."""
    return importlib.import_module(request.param)


@pytest.fixture
def place(coordinator, tools):
    """A coordinator with a worker of two slots."""
    tools.worker(coordinator.url, "--slots", "2")
    return coordinator


def logged_in(package, coordinator, directory, client="PersistentMitoHttpClient"):
    client = getattr(package, client)(coordinator.url)
    assert client.connect(credential_path=directory / "credentials", user="mitosis_admin", password="mitosis_admin", retain=True) == "mitosis_admin"
    return client


def wait_for(client, uuid, timeout=20.0):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        task = client.get_task_by_uuid(uuid)
        if task.info.result is not None:
            return task
        time.sleep(0.02)
    raise AssertionError(f"task {uuid} did not end: {task}")


# Both packages

def test_a_task_with_an_attachment_and_its_output(sdk, place, tmp_path):
    client = logged_in(sdk, place, tmp_path)
    schemas = importlib.import_module(f"{sdk.__name__}.schemas")
    source = tmp_path / "orig.txt"
    source.write_text("hello world")
    client.upload_attachment(source, key="some/remote/log.txt")
    resource = sdk.RemoteResourceDownload(remote_file=sdk.RemoteResource.attachment("some/remote/log.txt"), local_path=pathlib.Path("test.txt"))
    spec = schemas.TaskSpec(args=["sh", "-c", 'cat "$MITO_RESOURCE_DIR/test.txt"'], resources=[resource], terminal_output=True)
    submitted = client.user_submit_task(sdk.SubmitTaskReq(group_name=client.username, task_spec=spec, labels={"study"}, timeout=datetime.timedelta(minutes=1)))
    task = wait_for(client, submitted.uuid)
    assert task.info.state == sdk.TaskState.FINISHED and task.info.result.exit_status == 0
    assert task.info.spec.args[0] == "sh" and task.info.labels == ["study"] and task.info.timeout == 60
    assert {artifact.content_type for artifact in task.artifacts} >= {sdk.ArtifactContentType.STD_LOG}
    client.download_artifact(submitted.uuid, sdk.ArtifactContentType.STD_LOG, tmp_path / "std.tar.gz")
    with tarfile.open(tmp_path / "std.tar.gz") as archive:
        assert archive.extractfile("std-log/stdout.log").read() == b"hello world"
    client.download_attachment("some/remote/log.txt", local_path=tmp_path / "copy.txt")
    assert (tmp_path / "copy.txt").read_text() == "hello world"


def test_queries_and_batches_of_tasks(sdk, coordinator, tmp_path):
    client = logged_in(sdk, coordinator, tmp_path)
    schemas = importlib.import_module(f"{sdk.__name__}.schemas")
    spec = schemas.TaskSpec(args=["true"])
    tasks = [sdk.SubmitTaskReq(group_name="mitosis_admin", tags={"nowhere"}, labels={f"n{i}"}, priority=i, task_spec=spec) for i in range(5)]
    tasks.append(sdk.SubmitTaskReq(group_name="no-such-group", task_spec=spec))
    results = client.batch_submit_tasks(schemas.TasksSubmitReq(tasks=tasks)).results
    assert [result.task_id for result in results[:5]] == sorted(result.task_id for result in results[:5])
    assert "no-such-group" in results[5].msg
    uuids = [result.uuid for result in results[:5]]

    found = client.query_tasks_by_filter(sdk.TasksQueryReq(tags={"nowhere"}, priority=">=3", states={sdk.TaskState.READY}))
    assert {task.uuid for task in found.tasks} == set(uuids[3:]) and found.group_name == "mitosis_admin"
    assert client.query_tasks_by_filter(sdk.TasksQueryReq(tags={"nowhere"}, count=True)).count == 5

    client.update_task_labels(uuids[0], sdk.UpdateTaskLabelsReq(labels={"x", "y"}))
    client.change_task(uuids[0], sdk.ChangeTaskReq(priority=77, timeout=datetime.timedelta(minutes=5)))
    info = client.get_task_by_uuid(uuids[0]).info
    assert sorted(info.labels) == ["x", "y"] and info.priority == 77 and info.timeout == 300

    client.cancel_task_by_uuid(uuids[0])
    listed = client.cancel_tasks_by_uuids(sdk.TasksCancelByUuidsReq(uuids=uuids[:3]))
    assert listed.cancelled_count == 2 and listed.failed_uuids == [uuids[0]]
    assert client.cancel_tasks_by_filter(sdk.TasksCancelByFilterReq(tags={"nowhere"})).cancelled_count == 2
    ended = client.query_tasks_by_filter(sdk.TasksQueryReq(states={sdk.TaskState.CANCELLED}, tags={"nowhere"}))
    assert all(task.result["msg"] == "UserCancellation" for task in ended.tasks) and len(ended.tasks) == 5


def test_a_finished_task_names_its_worker(sdk, place, tmp_path):
    client = logged_in(sdk, place, tmp_path)
    schemas = importlib.import_module(f"{sdk.__name__}.schemas")
    submitted = client.user_submit_task(sdk.SubmitTaskReq(group_name="mitosis_admin", task_spec=schemas.TaskSpec(args=["true"])))
    task = wait_for(client, submitted.uuid)
    workers = client.query_workers_by_filter(sdk.WorkersQueryReq()).workers
    assert task.info.reporter_uuid in {worker.worker_id for worker in workers}
    assert client.query_tasks_by_filter(sdk.TasksQueryReq(reporter_uuid=task.info.reporter_uuid)).tasks[0].uuid == submitted.uuid


def test_watching_another_task(place, tmp_path):
    # Not with pynetmito 0.2.7, which cannot send a watch: its own encoder refuses the UUID.
    sdk, schemas = netmito, netmito.schemas
    client = logged_in(sdk, place, tmp_path)
    first = client.user_submit_task(sdk.SubmitTaskReq(group_name="mitosis_admin", task_spec=schemas.TaskSpec(args=["true"])))
    second = client.user_submit_task(sdk.SubmitTaskReq(group_name="mitosis_admin", task_spec=schemas.TaskSpec(
        args=["true"], watch=(first.uuid, sdk.TaskExecState.EXEC_FINISHED))))
    assert wait_for(client, second.uuid).info.result.exit_status == 0


def test_groups_members_and_quotas(sdk, coordinator, tmp_path):
    client = logged_in(sdk, coordinator, tmp_path)
    digest = sdk.UserLoginArgs(username="x", password="secret").to_req().md5_password
    client.admin_create_user(sdk.CreateUserReq(username="carol", md5_password=digest))
    client.user_create_group(sdk.CreateGroupReq(group_name="lab"))
    client.update_user_group_roles("lab", sdk.UpdateUserGroupRoleReq(relations={"carol": sdk.UserGroupRole.WRITE}))
    group = client.get_group_by_name("lab")
    assert group.users_in_group == {"mitosis_admin": sdk.UserGroupRole.ADMIN, "carol": sdk.UserGroupRole.WRITE}
    assert client.get_user_groups_roles().groups["lab"] == sdk.UserGroupRole.ADMIN
    assert client.admin_update_group_storage_quota("lab", sdk.ChangeGroupStorageQuotaReq(storage_quota="=5GB")).storage_quota == 5_000_000_000
    assert client.admin_update_user_group_quota("carol", sdk.ChangeUserGroupQuota(group_quota="+2")).group_quota == 10
    client.remove_user_group_roles("lab", sdk.RemoveUserGroupRoleReq(users={"carol"}))
    assert list(client.get_group_by_name("lab").users_in_group) == ["mitosis_admin"]
    client.admin_change_password("carol", sdk.AdminChangePasswordReq(new_md5_password=digest))
    client.admin_delete_user("carol")
    assert client.get_redis_connection_info().url is None


def test_workers(sdk, place, tools, tmp_path):
    client = logged_in(sdk, place, tmp_path)
    workers = client.query_workers_by_filter(sdk.WorkersQueryReq()).workers
    assert len(workers) == 2 and all(worker.state == sdk.WorkerState.NORMAL for worker in workers)
    first = workers[0].worker_id
    client.replace_worker_tags(first, sdk.ReplaceWorkerTagsReq(tags={"gpu"}))
    client.replace_worker_labels(first, sdk.ReplaceWorkerLabelsReq(labels={"rack-1"}))
    client.user_create_group(sdk.CreateGroupReq(group_name="more"))
    client.update_group_worker_roles(first, sdk.UpdateGroupWorkerRoleReq(relations={"more": sdk.GroupWorkerRole.READ}))
    worker = client.get_worker_by_uuid(first)
    assert worker.info.tags == ["gpu"] and worker.info.labels == ["rack-1"] and worker.groups["more"] == sdk.GroupWorkerRole.READ
    client.remove_group_worker_roles(first, sdk.RemoveGroupWorkerRoleReq(groups={"more"}))
    assert "more" not in client.get_worker_by_uuid(first).groups
    stopped = client.shutdown_workers_by_uuids(sdk.WorkersShutdownByUuidsReq(uuids=[first], op=sdk.WorkerShutdownOp.FORCE))
    assert stopped.shutdown_count == 1
    assert client.shutdown_workers_by_filter(sdk.WorkersShutdownByFilterReq(op=sdk.WorkerShutdownOp.GRACEFUL)).shutdown_count >= 1


def test_attachments_in_lists(sdk, coordinator, tmp_path):
    client = logged_in(sdk, coordinator, tmp_path)
    schemas = importlib.import_module(f"{sdk.__name__}.schemas")
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name * 10)
        client.upload_attachment(tmp_path / name, key=f"set/{name}")
    listed = client.batch_download_attachments_by_list("mitosis_admin", schemas.AttachmentsDownloadByKeysReq(keys=["set/a", "set/c"]))
    downloads = [(sdk.RemoteResourceDownloadResp(url=item.url, size=item.size), tmp_path / f"got-{item.key[-1]}") for item in listed.downloads]
    client.concurrent_download_files(downloads, concurrent=2)
    assert (tmp_path / "got-a").read_text() == "a" * 10 and (tmp_path / "got-c").read_text() == "c" * 10
    filtered = client.batch_download_attachments_by_filter("mitosis_admin", schemas.AttachmentsDownloadByFilterReq(key="set/"))
    assert sorted(item.key for item in filtered.downloads) == ["set/a", "set/b", "set/c"]


def test_a_login_that_expired_is_renewed(sdk, coordinator, tmp_path):
    client = logged_in(sdk, coordinator, tmp_path)
    # Another login that ends all sessions: the token is good no more.
    other = getattr(sdk, "MitoHttpClient")(coordinator.url)
    other.connect(credential_path=tmp_path / "others", user="mitosis_admin", password="mitosis_admin", retain=False)
    (tmp_path / "credentials").unlink()
    assert client.user_auth() == "mitosis_admin"
    with pytest.raises(Exception, match="401"):
        broken = getattr(sdk, "MitoHttpClient")(coordinator.url)
        broken.connect(credential_path=tmp_path / "none", user="mitosis_admin", password="wrong")


# The interface

@needs_pynetmito
def test_every_name_of_pynetmito_is_here():
    import pynetmito
    from pynetmito import client as their_client, schemas as their_schemas
    assert [name for name in pynetmito.__all__ if not hasattr(netmito, name)] == []
    for module, ours in ((their_schemas, importlib.import_module("netmito.schemas")), (their_client, netmito)):
        for name, theirs in vars(module).items():
            if inspect.isclass(theirs) and theirs.__module__ == module.__name__ and not name.startswith("_"):
                mine = getattr(ours, name, None) or getattr(netmito, name, None)
                assert mine is not None, f"class {name} is missing"
                compare(name, theirs, mine)


def compare(name, theirs, mine):
    if hasattr(theirs, "__members__"):
        missing = set(theirs.__members__) - set(mine.__members__)
        assert not missing, f"{name} lacks {missing}"
    elif hasattr(theirs, "model_fields"):
        missing = set(theirs.model_fields) - set(typing.get_type_hints(mine))
        assert not missing, f"{name} lacks the fields {missing}"
    else:
        for function, value in vars(theirs).items():
            if inspect.isfunction(value) and not function.startswith("_") and function not in ("extract_credential", "modify_or_append_credential"):
                assert hasattr(mine, function), f"{name}.{function} is missing"
                missing = set(inspect.signature(value).parameters) - set(inspect.signature(getattr(mine, function)).parameters)
                assert not missing, f"{name}.{function} lacks the arguments {missing}"


def calls_in(path: pathlib.Path) -> dict[str, tuple[str, str]]:
    """operation -> (method, source of the path) of every Call that a file makes."""
    calls = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Call":
            operation, method = (argument.value for argument in node.args[:2])
            calls[operation] = (method, ast.unparse(node.args[2]))
    return calls


def test_every_operation_of_the_coordinator_is_covered(coordinator):
    document = coordinator.api.call("GET", "/openapi.json")
    operations = {operation["operationId"]: (method.upper(), path)
                  for path, methods in document["paths"].items() for method, operation in methods.items() if "operationId" in operation}
    covered = {**calls_in(SDK / "netmito" / "endpoints.py"), **calls_in(SDK / "netmito" / "client.py")}
    covered["put_object"] = covered["get_object"] = ("", "")  # By upload_file and download_file, under signed URLs.
    covered.update(dict.fromkeys(("guide", "guide_index", "guide_page"), ("", "")))  # Pages for people.
    assert sorted(set(operations) - set(covered)) == []
    for operation, (method, path) in operations.items():
        if covered[operation][0]:
            assert covered[operation][0] == method, operation
            fixed = [part for part in path.split("/") if part and not part.startswith("{")]
            assert re.findall(r"'([a-z.-]+)'", covered[operation][1]) == fixed, operation


def test_the_asyncio_client_is_generated_from_the_other():
    subprocess.run([sys.executable, str(SDK / "generate_async.py"), "--check"], check=True)


def test_mypy_finds_nothing():
    if importlib.util.find_spec("mypy") is None and not os.environ.get("CI"):
        pytest.skip("mypy is not installed: script/bootstrap --test")
    checked = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / "build" / "mypy"), "netmito"], cwd=SDK, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_wheel_has_everything(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(SDK, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)],
                           text=True, capture_output=True)
    assert built.returncode == 0, built.stderr
    wheels = list(tmp_path.glob("netmito-*-py3-none-any.whl"))
    assert len(wheels) == 1
    environment = {**os.environ, "PYTHONPATH": str(wheels[0])}
    shown = subprocess.run([sys.executable, "-c", "import netmito, netmito.aio; print(netmito.__file__)"], cwd=tmp_path, env=environment, text=True, capture_output=True)
    assert str(wheels[0]) in shown.stdout, shown.stderr


# What ours adds

def test_submit_wait_and_output(place, tmp_path):
    with logged_in(netmito, place, tmp_path, "MitoClient") as client:
        task = client.submit(["sh", "-c", 'echo out; echo err >&2; echo kept > "$MITO_RESULT_DIR/file"; exit 3'], tags=[], timeout="1m", envs={"A": "1"})
        ended = client.wait(task.uuid, timeout="20s")
        assert ended.info.result.exit_code == 3 and ended.info.result.signal is None and not ended.succeeded
        output = client.task_output(task.uuid)
        assert (output.stdout_text, output.stderr_text) == ("out\n", "err\n")
        assert [file.read_text() for file in client.extract_artifact(task.uuid, tmp_path / "result")] == ["kept\n"]


def test_waiting_has_an_end(coordinator, tmp_path):
    with logged_in(netmito, coordinator, tmp_path, "MitoClient") as client:
        task = client.submit(["true"], tags=["nobody-has-this"])
        started = time.monotonic()
        with pytest.raises(netmito.WaitTimeout, match="goes on"):
            client.wait(task.uuid, timeout=0.3)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("ordered", [False, True], ids=["as they end", "ordered"])
def test_map_yields_every_item_once(place, tmp_path, ordered):
    with logged_in(netmito, place, tmp_path, "MitoClient") as client:
        done = list(client.map(lambda n: ["sh", "-c", f"exit {n % 3}"], range(40), ordered=ordered, window=15, timeout="60s"))
    assert sorted(entry.item for entry in done) == list(range(40))
    assert not ordered or [entry.index for entry in done] == list(range(40))
    assert all(entry.task.info.result.exit_code == entry.item % 3 for entry in done)


def test_map_passes_refusals_on(place, tmp_path):
    def command(item):
        resource = netmito.RemoteResourceDownload(remote_file=netmito.RemoteResource.attachment("none"), local_path=item)
        return netmito.TaskSpec(args=["true"], resources=[resource] if item != "fine" else [])
    with logged_in(netmito, place, tmp_path, "MitoClient") as client:
        done = {entry.item: entry for entry in client.map(command, ["fine", "../outside"], timeout="30s")}
    assert done["fine"].succeeded and done["../outside"].error and not done["../outside"].succeeded


def test_events_tell_what_happens(place, tmp_path):
    with logged_in(netmito, place, tmp_path, "MitoClient") as client:
        seen, started = [], threading.Event()

        def follow():
            for event in client.events("mitosis_admin"):
                started.set()
                seen.append(event)
                if event.result is not None and event.result.exit_status == 7 << 8:
                    return
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        deadline = time.monotonic() + 10
        while not started.is_set() and time.monotonic() < deadline:
            client.submit(["true"])
            started.wait(0.2)
        client.submit(["sh", "-c", "exit 7"])
        follower.join(20)
        assert not follower.is_alive()
        assert netmito.TaskState.FINISHED in {event.state for event in seen}


def test_a_repeated_submission_adds_nothing(coordinator, tmp_path):
    with logged_in(netmito, coordinator, tmp_path, "MitoClient") as client:
        request = netmito.SubmitTaskReq(group_name="mitosis_admin", tags={"x"}, task_spec=netmito.TaskSpec(args=["true"]), uuid=netmito.planning.new_uuid())
        first = client.user_submit_task(request)
        assert client.user_submit_task(request) == first
        # The answer is lost, not the request: the connection is cut after the coordinator has taken it.
        lost = []
        send = client._pool.request

        def cut_once(address, method, target, *arguments, **options):
            answer = send(address, method, target, *arguments, **options)
            if target == "/tasks" and not lost:
                lost.append(answer)
                raise netmito.ConnectionFailed("cut")
            return answer
        client._pool.request = cut_once
        client.submit(["true"], tags=["x"])
        assert lost and client.query_tasks_by_filter(netmito.TasksQueryReq(tags={"x"}, count=True)).count == 2


def test_waiting_survives_a_restart_of_the_coordinator(tools, tmp_path):
    coordinator = tools.coordinator()
    client = logged_in(netmito, coordinator, tmp_path, "MitoClient")
    task = client.submit(["true"])
    ended = []
    waiter = threading.Thread(target=lambda: ended.append(client.wait(task.uuid, timeout="40s")), daemon=True)
    waiter.start()
    coordinator.kill()
    again = tools.coordinator(port=coordinator.port)
    tools.worker(again.url)
    waiter.join(40)
    assert ended and ended[0].succeeded


def test_transfers_show_progress_and_check_sizes(coordinator, tmp_path):
    with logged_in(netmito, coordinator, tmp_path, "MitoClient") as client:
        (tmp_path / "big").write_bytes(os.urandom(5_000_000))
        up, down = [], []
        assert client.upload_attachment(tmp_path / "big", key="big", progress=lambda done, total: up.append((done, total))) is False
        assert client.upload_attachment(tmp_path / "big", key="big") is True
        client.download_attachment("big", local_path=tmp_path / "sub" / "copy", progress=lambda done, total: down.append((done, total)))
        assert (tmp_path / "sub" / "copy").read_bytes() == (tmp_path / "big").read_bytes()
        assert up[-1] == down[-1] == (5_000_000, 5_000_000) and len(up) > 2
        source = client.get_attachment_download_resp("mitosis_admin", "big")
        source.size += 1
        with pytest.raises(netmito.TransferFailed, match="5000000 of 5000001"):
            client.download_file(source, tmp_path / "wrong")
        assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("call, error, words", [
    (lambda client: client.submit("echo hi"), netmito.InvalidValue, "as a list"),
    (lambda client: client.submit(["x"], tags="a"), netmito.InvalidValue, r"\['a'\]"),
    (lambda client: client.submit(["x"], timeout="3 lightyears"), netmito.InvalidValue, "1h 30m"),
    (lambda client: client.submit(["x"], group="nope"), netmito.NotFound, "nope"),
    (lambda client: client.get_group_by_name("nope"), netmito.NotFound, "Group nope not found"),
    (lambda client: client.get_task_by_uuid("12"), netmito.InvalidRequest, "status code: 400"),
    (lambda client: client.upload_attachment("/no/such/file"), netmito.InvalidValue, "does not exist"),
    (lambda client: netmito.SubmitTaskReq(group_name=3, task_spec={"args": ["x"]}), netmito.InvalidValue, "SubmitTaskReq.group_name"),
    (lambda client: netmito.MitoClient("ftp://x"), netmito.InvalidValue, "http://127.0.0.1:5000"),
    (lambda client: netmito.MitoClient("http://127.0.0.1:1").health(), netmito.ConnectionFailed, "cannot reach"),
], ids=["text for a list", "text for tags", "duration", "no group", "no such group", "no uuid", "no file", "type", "address", "nobody there"])
def test_errors_say_what_to_do(coordinator, tmp_path, call, error, words):
    with pytest.raises(error, match=words):
        call(logged_in(netmito, coordinator, tmp_path, "MitoClient"))


def test_the_credential_file_is_shared_and_private(coordinator, tmp_path):
    path = tmp_path / "credentials"
    path.write_text("someone:else\nmitosis_admin:stale")
    client = logged_in(netmito, coordinator, tmp_path, "MitoClient")
    lines = path.read_text().splitlines()
    assert lines[0] == "someone:else" and lines[1] == f"mitosis_admin:{client.credential}" and len(lines) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(netmito.LoginRequired, match="mito client login"):
        netmito.MitoClient(coordinator.url).connect(credential_path=tmp_path / "nothing")


def test_the_asyncio_client(place, tmp_path):
    async def session():
        async with AsyncMitoClient(place.url) as client:
            await client.connect(tmp_path / "credentials", "mitosis_admin", "mitosis_admin")
            task = await client.submit(["echo", "hello"])
            ended, other = await asyncio.gather(client.wait(task.uuid, timeout="20s"), client.get_user_groups_roles())
            assert ended.succeeded and "mitosis_admin" in other.groups
            assert (await client.task_output(task.uuid)).stdout_text == "hello\n"
            done = [entry async for entry in client.map(lambda n: ["sh", "-c", f"exit {n}"], range(10), timeout="30s")]
            assert sorted(entry.task.info.result.exit_code for entry in done) == list(range(10))
            (tmp_path / "file").write_bytes(os.urandom(700_000))
            assert await client.upload_attachment(tmp_path / "file", key="k") is False
            await client.download_attachment("k", local_path=tmp_path / "copy")
            assert (tmp_path / "copy").read_bytes() == (tmp_path / "file").read_bytes()
            with pytest.raises(netmito.WaitTimeout):
                await client.wait((await client.submit(["sleep", "2"])).uuid, timeout=0.2)
            with pytest.raises(netmito.NotFound):
                await client.get_group_by_name("nope")
    asyncio.run(session())


def test_the_example_of_the_readme(place, tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    environment = clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": place.url, "PYTHONPATH": str(SDK)})
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=60)
    assert ran.returncode == 0 and ran.stdout.startswith("True Linux"), ran.stdout + ran.stderr
    assert {tuple(line.split()) for line in ran.stdout.splitlines() if line[:1].isdigit()} == {(str(n), str(n % 3)) for n in range(30)}


@pytest.mark.parametrize("example, printed", [
    ("first_task.py", "wrote: Linux"),
    ("files.py", "sorted.txt -> small three words"),
    ("asynchronous.py", "5 of 10 tasks succeeded"),
    ("parameter_study.py", r"0.5 +4.0 M +16.1 M +64.2 M"),
])
def test_examples(place, tmp_path, example, printed):
    environment = clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": place.url, "MITO_USER": "mitosis_admin", "MITO_PASSWORD": "mitosis_admin",
                                               "PYTHONPATH": str(SDK), "MPLBACKEND": "Agg"})
    ran = subprocess.run([sys.executable, str(SDK / "examples" / example)], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=60)
    assert ran.returncode == 0 and re.search(printed, ran.stdout), ran.stdout + ran.stderr
