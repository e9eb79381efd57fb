"""Server-sent events, read on a thread, and a worker that only speaks HTTP."""
from __future__ import annotations

import http.client
import json
import threading

from conftest import wait_until


class EventStream:
    """GET /events; `events` holds what came so far."""

    def __init__(self, port: int, token: str, query: str = ""):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/events" + query, headers={"Authorization": f"Bearer {token}"})
        self.response = self.connection.getresponse()
        self.events: list[dict] = []
        self.last = None  # the event of type `end`
        self.ended = False
        self.opened = False
        if self.response.status == 200:
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()
            wait_until(lambda: self.opened, 10, "the first line of the stream")

    def _read(self):
        kind = "message"
        try:
            while line := self.response.readline():
                text = line.decode().rstrip("\n")
                if text.startswith(":"):
                    self.opened = True
                elif text.startswith("event: "):
                    kind = text[7:]
                elif text.startswith("data: "):
                    if kind == "end":
                        self.last = json.loads(text[6:])
                    else:
                        self.events.append(json.loads(text[6:]))
                    kind = "message"
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.ended = True

    def states(self, uuid: str) -> list:
        """(state, exec_state) of the events of one task."""
        return [(event["state"], event.get("exec_state")) for event in self.events if event["uuid"] == uuid]

    def wait_for(self, uuid: str, state: str, exec_state: str | None = None) -> dict:
        def found():
            return [event for event in self.events
                    if event["uuid"] == uuid and event["state"] == state and event.get("exec_state") == exec_state]
        return wait_until(found, 15, f"the event {state}/{exec_state} of {uuid}; there are {self.events}")[-1]

    def close(self):
        # The reading thread holds the response: shutting the socket down ends its read.
        import socket
        if self.connection.sock is not None:
            try:
                self.connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connection.close()


class HttpWorker:
    """Registers, fetches and reports; runs nothing."""

    def __init__(self, api, token: str, features=("wait", "complete", "detail", "state"), info=None, groups=("mitosis_admin",)):
        self.api = api
        body = {"tags": [], "labels": [], "groups": [f"{group}:Write" for group in groups]}
        if features:
            body.update(features=list(features), lease="1h")
        if info:
            body["info"] = info
        answer = api.call("POST", "/workers", body, token)
        self.uuid, self.token = answer["worker_id"], answer["token"]

    def fetch(self, wait: str = ""):
        return self.api.call("GET", "/workers/tasks" + (f"?wait={wait}" if wait else ""), token=self.token)

    def report(self, task: dict, op):
        return self.api.call("POST", "/workers/tasks", {"id": task["id"], "op": op}, self.token)

    def state(self, task: dict, state: str):
        return self.api.call("POST", f"/workers/tasks/{task['uuid']}/state", {"state": state}, self.token)

    def complete(self, task: dict, exit_status: int = 0, detail=None):
        return self.report(task, {"Complete": {"exit_status": exit_status, "msg": None, "state": "Finished", "next": False, "detail": detail}})
