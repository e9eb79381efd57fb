"""A coordinator in a hundred lines, for what a real one cannot be made to do: faults at chosen moments, and the original's ways."""
from __future__ import annotations

import collections
import contextlib
import http.server
import io
import json
import socket
import struct
import tarfile
import threading
import uuid

OURS = ("wait", "complete", "detail", "state")


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
        self.reports: list[tuple] = []      # (task id, op)
        self.results: dict[int, dict] = {}
        self.artifacts: dict[tuple, bytes] = {}
        self.states: list[str] = []
        self.heartbeats = 0
        self.unregistered = 0
        self.files: dict[str, bytes] = {}   # attachments
        self.faults: list[Fault] = []
        self.released = threading.Event()   # ends hanging answers
        self._numbers = 0
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
        if fault and not fault.after:
            return self.misbehave(handler, fault)
        status, answer = self.answer(handler, path, body)
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
            return self.store(method, path, body)
        if path == "/login":
            return 200, b'{"token":"user-token"}'
        if path == "/auth":
            return 401, b"{}"
        if path == "/workers" and method == "POST":
            return self.register(json.loads(body))
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        with self.changed:
            if token not in self.workers:
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
            return 200, json.dumps(self.next_task(25.0 if "wait=" in handler.path else 0.0, token)).encode()
        if path == "/workers/tasks":
            return self.report(json.loads(body), token)
        if path.endswith("/state"):
            with self.changed:
                self.states.append(json.loads(body)["state"])
                self.changed.notify_all()
            return 200, b"null"
        if "/attachments/" in path:
            key = path.split("/attachments/")[1]
            if key not in self.files:
                return 404, b'{"msg":"Attachment not found"}'
            return 200, json.dumps({"url": f"{self.url}/store/files/{key}", "size": len(self.files[key])}).encode()
        return 404, b""

    def register(self, request: dict):
        with self.changed:
            identity = str(uuid.uuid4())
            self.registrations.append(request)
            self.workers.add(identity)
            answer = {"worker_id": identity, "token": identity, "redis_url": None}
            if self.features:
                answer["features"] = [feature for feature in self.features if feature in request.get("features", [])]
            self.changed.notify_all()
            return 200, json.dumps(answer).encode()

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
            if name == "Upload":
                answer["url"] = f"{self.url}/store/{number}/{value['content_type']}"
            elif name in ("Commit", "Complete"):
                if number in self.results:
                    answer["repeated"] = True
                else:
                    self.results[number] = value
            self.changed.notify_all()
            if name == "Complete" and value.get("next"):
                answer["next"] = self.tasks.popleft() if self.tasks else None
        return 200, json.dumps(answer).encode()

    def store(self, method: str, path: str, body: bytes):
        _, _, place, name = path.split("/", 3)
        with self.changed:
            if method == "PUT":
                self.artifacts[int(place), name] = body
                self.changed.notify_all()
                return 200, b""
            return (200, self.files[name]) if name in self.files else (404, b"")


