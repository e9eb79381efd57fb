"""The coordinator's own OpenAPI document as a judge: every answer is compared with what the document declares for it."""
from __future__ import annotations

import copy
import json
import re

import jsonschema_rs

from conftest import Api


def _strict(schema):
    """The same schema that refuses members it does not name."""
    if isinstance(schema, dict):
        schema = {key: _strict(value) for key, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        return schema
    return [_strict(item) for item in schema] if isinstance(schema, list) else schema


class Document:
    """Finds the operation of a request and validates answers."""

    def __init__(self, document: dict):
        self.document = document
        self.operations = {operation["operationId"]: operation for item in document["paths"].values() for operation in item.values()}
        self._components = {"schemas": _strict(copy.deepcopy(document["components"]["schemas"]))}
        self._validators: dict = {}
        self._paths = []
        for path, item in document["paths"].items():
            rest = path.endswith("/{key}")
            # A parameter may be empty in front of others, and never at the end.
            pattern = re.sub(r"\\{(\w+)\\}", r"[^/]*", re.escape(path))
            if rest:
                pattern = pattern[: -len("[^/]*")] + ".+"
            elif path.endswith("}"):
                pattern = pattern[: -len("[^/]*")] + "[^/]+"
            # Fixed segments win over parameters, those over rests.
            rank = (rest, path.count("{"), -len(path))
            self._paths.append((rank, re.compile(pattern + r"\Z"), item))
        self._paths.sort(key=lambda entry: entry[0])

    def operation(self, method: str, target: str):
        path = target.partition("?")[0]
        for _, pattern, item in self._paths:
            if pattern.match(path):
                return item.get("get" if method == "HEAD" else method.lower() if method.isupper() else None)
        return None

    def resolve(self, node: dict) -> dict:
        while "$ref" in node:
            target = self.document
            for key in node["$ref"][2:].split("/"):
                target = target[key]
            node = target
        return node

    def validate(self, schema: dict, value, what: str) -> None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator({**_strict(schema), "components": self._components}, validate_formats=True)
        errors = [f"{error.instance_path}: {error.message}" for error in self._validators[key].iter_errors(value)]
        assert not errors, f"{what} is not what the document declares: {errors[:5]}\n{json.dumps(value)[:2000]}"

    def check(self, method: str, target: str, status: int, headers: dict, body: bytes):
        """Fails when the document does not declare this answer; the operation's id, or nothing for a path without operation."""
        operation = self.operation(method, target)
        if operation is None:
            assert status in (404, 405) or method == "OPTIONS" or status in (400, 401, 403), (method, target, status)
            return None
        what = f"{method} {target} -> {status}"
        assert str(status) in operation["responses"], f"{what}: the document declares only {sorted(operation['responses'])}"
        if method == "HEAD":
            return operation["operationId"]
        content = self.resolve(operation["responses"][str(status)]).get("content", {})
        kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "").partition(";")[0]
        if not content:
            assert body == b"" and kind == "", f"{what}: a body that is not declared: {kind} {body[:200]!r}"
            return operation["operationId"]
        assert kind in content, f"{what}: {kind!r} is not declared, only {sorted(content)}: {body[:300]!r}"
        schema = content[kind].get("schema", {})
        if kind == "application/json":
            self.validate(schema, json.loads(body), what)
        return operation["operationId"]


class CheckedApi(Api):
    """An Api whose every answer is compared with the document; remembers which operations answered 200."""

    def __init__(self, port: int, host: str = "127.0.0.1"):
        super().__init__(port, host)
        self.done: set = set()
        self.document = None
        self.document = Document(self.call("GET", "/openapi.json"))
        self.done.add("openapi")

    def request(self, method, path, body=None, token=None, headers=None, timeout=60.0):
        answer = super().request(method, path, body, token, headers, timeout)
        if self.document is not None:
            name = self.document.check(method, path, answer[0], answer[1], answer[2])
            if name and answer[0] in (200, 206):
                self.done.add(name)
        return answer
