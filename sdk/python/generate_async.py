"""Makes netmito/async_endpoints.py from netmito/endpoints.py: the same functions, awaited. A test fails when it is stale.

    python generate_async.py [--check]
"""

from __future__ import annotations

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "netmito"


def generated() -> str:
    text = (FOLDER / "endpoints.py").read_text()
    head, body = text.split("class Endpoints:", 1)
    methods, functions = body.split("\n\n\ndef ", 1)
    methods = re.sub(r"^    def ", "    async def ", methods, flags=re.MULTILINE).replace("self._call(", "await self._call(")
    words = sorted(set(re.findall(r"\b(_word|_force|_wait|_task_query)\(", methods)))
    head = head.replace('"""One function for each endpoint', '"""Made by generate_async.py from endpoints.py. One function for each endpoint', 1)
    head = head.replace('T = TypeVar("T")\nUuidLike = Union[uuid_module.UUID, str]\n', 'T = TypeVar("T")\n')
    head = head.replace("import uuid as uuid_module\n", "")
    head = head.replace("from .model import encode\n", f"from .endpoints import UuidLike, {', '.join(words)}\nfrom .model import encode\n")
    return f"{head}class AsyncEndpoints:{methods}\n"


def main() -> int:
    target = FOLDER / "async_endpoints.py"
    if "--check" in sys.argv[1:]:
        if target.read_text() != generated():
            print("netmito/async_endpoints.py is stale: run generate_async.py", file=sys.stderr)
            return 1
        return 0
    target.write_text(generated())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
