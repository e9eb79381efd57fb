"""A coordinator in a hundred lines, for what a real one cannot be made to do: faults at chosen moments, and the original's ways."""
from __future__ import annotations

import base64
import collections
import contextlib
import http.server
import io
import json
import re
import socket
import struct
import tarfile
import tempfile
import threading
import time
import urllib.parse
import uuid

OURS = ("wait", "complete", "detail", "state", "watch")


def wait_of(path: str) -> float:
    """Seconds of `?wait=25s`, in any combination of units."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query).get("wait", ["0s"])[0]
    units = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|us|ns|s|m|h)", query))


class Fault:
    """What happens to a request instead of its answer: a status, or one of the ways a connection goes wrong."""

    def __init__(self, method: str, path: str, kind, count: int = 1, contains: str = "", after: bool = False):
        self.method, self.path, self.kind, self.count, self.contains, self.after = method, path, kind, count, contains, after

    def fits(self, method: str, path: str, body: bytes) -> bool:
        return self.count > 0 and method == self.method and path.startswith(self.path) and self.contains.encode() in body


class Coordinator:
    """Registers workers, hands out tasks in order, records reports. `features` empty: as the original, without long polling."""

    def __init__(self, features=OURS, port: int = 0):
        self.features = list(features)
        self.changed = threading.Condition()
        self.tasks = collections.deque()
        self.registrations: list[dict] = []
        self.workers: set[str] = set()
        self.log: list[tuple] = []          # (method, path, body)
        self.given: dict[int, str] = {}     # number -> uuid of the tasks that were submitted
        self.reports: list[tuple] = []      # (task id, op)
        self.results: dict[int, dict] = {}
        self.following: dict[int, dict | None] = {}  # what came with the answer to a result
        self.artifacts: dict[tuple, bytes] = {}
        self.states: list[str] = []
        self.heartbeats = 0
        self.unregistered = 0
        self.files: dict[str, bytes] = {}   # attachments
        self.sparse_files: dict[str, int] = {}  # attachments of zeros: key -> size
        self.groups: dict[str, str] | None = None  # those that exist; None: whatever is asked for
        self.token_life: int | None = None  # seconds; tokens then say when they end
        self.redis_url: str | None = None
        self.watched: dict[str, dict] = {}  # answers to GET /workers/tasks/<uuid>
        self.checksums: dict[tuple, str] = {}
        self.stored_at: dict[tuple, float] = {}
        self.store_delay = 0.0              # seconds an upload takes
        self.report_delay = 0.0             # seconds a request with reports takes
        self.places: list[str] = []         # where the next uploads are sent, before our own store
        self.connections = 0                # that were made up to now
        self.faults: list[Fault] = []
        self.released = threading.Event()   # ends hanging answers
        self._numbers = 0
        self._reported = 0                  # length of the log at the last report
        outer = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def __init__(self, address, handler):
                super().__init__(address, handler)
                self.open = set()

            def handle_error(self, request, client_address):
                pass  # connections that go wrong are what is tested

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.server.open.add(self.connection)
                with outer.changed:
                    outer.connections += 1

            def log_message(self, *arguments):
                pass

            def serve(self):
                outer.serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = serve

        self._handler, self._server_class = Handler, Server
        self.port = port
        self.start()

    # ------------------------------------------------------------------ life

    def start(self):
        self.server = self._server_class(("127.0.0.1", self.port), self._handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """As when it is killed: every connection breaks."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.server.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.released.set()
        with self.changed:
            self.changed.notify_all()
        self.stop()

    # ------------------------------------------------------------------ for tests

    def submit(self, args, **fields) -> int:
        """Number of the task; `timeout` and fields of the spec may be given."""
        with self.changed:
            self._numbers += 1
            task = {"id": self._numbers, "uuid": str(uuid.uuid4()), "timeout": fields.pop("timeout", "1m"),
                    "upstream_task_uuid": fields.pop("upstream", None),
                    "spec": {"args": [str(arg) for arg in args], "envs": {}, "resources": [], "terminal_output": False, "watch": None, **fields}}
            self.tasks.append(task)
            self.given[task["id"]] = task["uuid"]
            self.changed.notify_all()
            return task["id"]

    def wait(self, condition, timeout: float = 20.0, what: str = "the condition"):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f"{what} did not come true within {timeout:g} s; reports: {self.reports[-5:]}")
            return condition()

    def result(self, number: int, timeout: float = 20.0) -> dict:
        self.wait(lambda: number in self.results, timeout, f"the result of task {number}")
        return self.results[number]

    def idle(self):
        """Waits until a worker of one slot asks for work after the last report: then it knows that the report was taken, and has nothing left to deliver."""
        self.wait(lambda: any(method == "GET" and path.split("?")[0] == "/workers/tasks" for method, path, _ in self.log[self._reported:]), what="the next fetch")

    def members(self, number: int, kind: str) -> dict:
        """Name -> (type, content or link target) of an artifact."""
        with tarfile.open(fileobj=io.BytesIO(self.artifacts[number, kind])) as tar:
            return {member.name: (member.type, tar.extractfile(member).read() if member.isreg() else member.linkname) for member in tar}

    def stdout(self, number: int) -> str:
        return self.members(number, "std-log")["std-log/stdout.log"][1].decode()

    def fault(self, method: str, path: str, kind, **options) -> Fault:
        fault = Fault(method, path, kind, **options)
        self.faults.append(fault)
        return fault

    # ------------------------------------------------------------------ answers

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.split("?")[0]
        with self.changed:
            self.log.append((handler.command, handler.path, body))
            fault = next((fault for fault in self.faults if fault.fits(handler.command, path, body)), None)
            if fault:
                fault.count -= 1
            self.changed.notify_all()
        if self.report_delay and handler.command == "POST" and path.startswith("/workers/tasks"):
            self.released.wait(self.report_delay)
        if fault and not fault.after:
            return self.misbehave(handler, fault)
        answered = self.answer(handler, path, body)
        if answered is None:
            return  # it was sent already
        status, answer = answered
        if fault:
            return self.misbehave(handler, fault)
        self.send(handler, status, answer)

    def misbehave(self, handler, fault):
        if isinstance(fault.kind, int):
            self.send(handler, fault.kind, b'{"msg":"as the test wants"}')
        elif fault.kind == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
        elif fault.kind == "cut":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            handler.close_connection = True
        elif fault.kind == "garbage":
            self.send(handler, 200, b"<html>please log in</html>")
        elif fault.kind == "hang":
            self.released.wait(60)
            handler.close_connection = True

    def send(self, handler, status: int, answer: bytes):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def answer(self, handler, path: str, body: bytes):
        method = handler.command
        if path.startswith("/store/"):
            return self.store(handler, method, path, body)
        if path == "/login":
            return 200, b'{"token":"user-token"}'
        if path == "/auth":
            return 401, b"{}"
        if path == "/workers" and method == "POST":
            return self.register(json.loads(body))
        if path == "/workers/tasks/report/list" and "reports" in self.features:
            return self.report_several(json.loads(body)["reports"])
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        with self.changed:
            if token not in self.workers and token != "user-token":
                return 401, b'{"msg":"Authentication error: Worker not found"}'
        if path == "/workers/heartbeat":
            with self.changed:
                self.heartbeats += 1
                self.changed.notify_all()
            return 200, b"null"
        if path == "/workers" and method == "DELETE":
            with self.changed:
                self.workers.discard(token)
                self.unregistered += 1
                self.changed.notify_all()
            return 200, b"null"
        if path == "/workers/tasks" and method == "GET":
            return 200, json.dumps(self.next_task(wait_of(handler.path), token)).encode()
        if path == "/workers/tasks":
            return self.report(json.loads(body), token)
        if path.endswith("/state"):
            with self.changed:
                self.states.append(json.loads(body)["state"])
                self.changed.notify_all()
            return 200, b"null"
        if path.startswith("/workers/") and method == "GET" and "/tasks" not in path and self.groups is not None:
            asked = {entry.split(":")[0] for entry in self.registrations[-1]["groups"]}
            return 200, json.dumps({"info": self.worker_info(path.split("/")[2]),
                                    "groups": {name: role for name, role in self.groups.items() if name in asked}}).encode()
        if path.startswith("/workers/tasks/") and path.count("/") == 3 and path.split("/")[3] in self.watched:
            return 200, json.dumps(self.watched[path.split("/")[3]]).encode()
        if "/attachments/" in path:
            key = path.split("/attachments/")[1]
            if key in self.sparse_files:
                return 200, json.dumps({"url": f"{self.url}/store/files/{key}", "size": self.sparse_files[key]}).encode()
            if key not in self.files:
                return 404, b'{"msg":"Attachment not found"}'
            return 200, json.dumps({"url": f"{self.url}/store/files/{key}", "size": len(self.files[key])}).encode()
        return 404, b""

    def register(self, request: dict):
        with self.changed:
            identity = str(uuid.uuid4())
            self.registrations.append(request)
            self.workers.add(identity)
            answer = {"worker_id": identity, "token": self.token(identity), "redis_url": self.redis_url}
            self.workers.discard(identity)
            self.workers.add(answer["token"])
            if self.features:
                answer["features"] = [feature for feature in self.features if feature in request.get("features", [])]
            self.changed.notify_all()
            return 200, json.dumps(answer).encode()

    def token(self, identity: str) -> str:
        if self.token_life is None:
            return identity
        claims = json.dumps({"sub": identity, "exp": int(time.time()) + self.token_life, "sign": 0})
        parts = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in ('{"typ":"JWT","alg":"EdDSA"}', claims, identity))
        return base64.b64encode(b".".join(parts)).decode()

    def next_task(self, wait: float, token: str):
        with self.changed:
            self.changed.wait_for(lambda: self.tasks or self.released.is_set() or token not in self.workers, wait)
            return self.tasks.popleft() if self.tasks and token in self.workers else None

    def report(self, request: dict, token: str):
        number, op = request["id"], request["op"]
        name = op if isinstance(op, str) else next(iter(op))
        value = None if isinstance(op, str) else op[name]
        answer = {"url": None}
        with self.changed:
            if number in self.results and name != "Complete":
                return 404, b'{"msg":"Task not found"}'
            self.reports.append((number, op))
            self._reported = len(self.log)
            if name == "Upload":
                answer["url"] = f"{self.places.pop(0) if self.places else self.url}/store/{number}/{value['content_type']}"
            elif name in ("Commit", "Complete"):
                if number in self.results:
                    answer["repeated"] = True
                else:
                    self.results[number] = value
            self.changed.notify_all()
            if name == "Complete" and value.get("next"):
                if "repeated" not in answer:
                    self.following[number] = self.tasks.popleft() if self.tasks else None
                answer["next"] = self.following.get(number)
        return 200, json.dumps(answer).encode()

    def report_several(self, reports: list):
        answers = []
        for entry in reports:
            with self.changed:
                known = entry["token"] in self.workers
            status, body = self.report(entry["report"], entry["token"]) if known else (401, b'{"msg":"Authentication error: Worker not found"}')
            answers.append({"status": status, "body": json.loads(body)})
        return 200, json.dumps({"answers": answers}).encode()

    def worker_info(self, identity: str) -> dict:
        now = "2026-01-01 00:00:00.0 +00:00:00"
        return {"worker_id": identity, "creator_username": "u", "tags": [], "labels": [], "created_at": now, "updated_at": now,
                "state": "Normal", "last_heartbeat": now, "assigned_task_id": None}

    def task_info(self, state: str, result=None, exec_state=None) -> dict:
        """An answer to a query for a task."""
        now = "2026-01-01 00:00:00.0 +00:00:00"
        answer = {"info": {"uuid": str(uuid.uuid4()), "creator_username": "u", "group_name": "g", "task_id": 1, "tags": [], "labels": [],
                           "created_at": now, "updated_at": now, "state": state, "timeout": 60, "priority": 0,
                           "spec": {"args": ["true"], "envs": {}, "resources": [], "terminal_output": False, "watch": None}, "result": result,
                           "upstream_task_uuid": None, "downstream_task_uuid": None, "reporter_uuid": None}, "artifacts": []}
        if exec_state:
            answer["exec_state"] = exec_state
        return answer

    def store(self, handler, method: str, path: str, body: bytes):
        _, _, place, name = path.split("/", 3)
        if method == "GET" and name in self.sparse_files:
            return self.send_zeros(handler, self.sparse_files[name])
        if method == "PUT" and self.store_delay:
            self.released.wait(self.store_delay)
        with self.changed:
            if method == "PUT":
                self.artifacts[int(place), name] = body
                self.checksums[int(place), name] = handler.headers.get("Content-MD5")
                self.stored_at[int(place), name] = time.time()
                self.changed.notify_all()
                return 200, b""
            return (200, self.files[name]) if name in self.files else (404, b"")

    @staticmethod
    def send_zeros(handler, size: int):
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        with tempfile.TemporaryFile() as hole:
            hole.truncate(size)
            handler.connection.sendfile(hole)
