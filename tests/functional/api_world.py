"""The people, groups and things that the tables of test_api_*.py speak of.

    nobody    sends no token
    stranger  `out`, a user who is in no group but his own
    read      `rea`, Read in the group `grp`
    write     `wri`, Write in `grp`
    owner     `ann`, who created `grp` and is its Admin
    root      `mitosis_admin`, an admin of the platform who is not in `grp`
    worker    a worker registered by ann, on which `grp` has Write
"""
from __future__ import annotations

import hashlib
import itertools

ROLES = ("nobody", "stranger", "read", "write", "owner", "root", "worker")
NAMES = {"stranger": "out", "read": "rea", "write": "wri", "owner": "ann"}
NIL = "00000000-0000-0000-0000-000000000000"
SECRET = "the-secret-of-the-tests"


def md5(text: str) -> list:
    return list(hashlib.md5(text.encode()).digest())


class World:
    """Builds it all on an empty coordinator; `fill` makes the fresh things that a table asks for in braces."""

    def __init__(self, api):
        self.api = api
        self.tokens = {"nobody": None, "root": api.login()}
        for role, name in NAMES.items():
            api.call("POST", "/admin/users", {"username": name, "md5_password": md5(name), "admin": False}, self.root)
            self.tokens[role] = api.login(name, name)
        api.call("POST", "/groups", {"group_name": "grp"}, self.owner)
        api.call("PUT", "/groups/grp/users", {"relations": {"wri": "Write", "rea": "Read"}}, self.owner)
        self.tokens["worker"] = self.register(["grp"])["token"]
        self._numbers = itertools.count()

    root = property(lambda self: self.tokens["root"])
    owner = property(lambda self: self.tokens["owner"])
    worker = property(lambda self: self.tokens["worker"])

    def register(self, groups, token=None, **more):
        return self.api.call("POST", "/workers", {"tags": [], "labels": [], "groups": groups, **more}, token or self.owner)

    def submission(self, group="grp", **more):
        return {"group_name": group, "tags": ["nobody-has-this-tag"], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}, **more}

    def ready_task(self, **more) -> str:
        return self.api.call("POST", "/tasks", self.submission(**more), self.owner)["uuid"]

    def task_with_artifact(self) -> str:
        task = self.ready_task()
        self.api.call("POST", f"/tasks/{task}/artifacts", {"content_type": "result", "content_length": 1}, self.owner)
        return task

    def attachment(self) -> str:
        key = f"dir/{next(self._numbers)}"
        self.api.call("POST", "/groups/grp/attachments", {"key": key, "content_length": 1}, self.owner)
        return key

    def user(self) -> str:
        name = f"user{next(self._numbers)}"
        self.api.call("POST", "/admin/users", {"username": name, "md5_password": md5(name), "admin": False}, self.root)
        return name

    def name(self) -> str:
        return f"new{next(self._numbers)}"

    def managed_worker(self) -> str:
        return self.register(["grp:Admin"])["worker_id"]

    def fill(self, template):
        """The template with a fresh thing for each `{word}` in it: the same one wherever the word stands."""
        makers = {"{task}": self.ready_task, "{artifact}": self.task_with_artifact, "{key}": self.attachment, "{user}": self.user,
                  "{name}": self.name, "{machine}": self.managed_worker}
        made: dict = {}

        def put_in(value):
            if isinstance(value, dict):
                return {put_in(key): put_in(member) for key, member in value.items()}
            if isinstance(value, list):
                return [put_in(member) for member in value]
            if isinstance(value, str):
                for word, make in makers.items():
                    if word in value:
                        made.setdefault(word, None)
                        made[word] = made[word] or make()
                        value = value.replace(word, made[word])
            return value
        return put_in(template)
