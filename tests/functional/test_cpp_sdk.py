"""The C++ SDK as a program of a user sees it: installed, found by find_package, linked, run against a coordinator."""
from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BINARY, ROOT, clean_environment

BUILD = pathlib.Path(BINARY).resolve().parent.parent


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A prefix with the SDK alone."""
    if not (BUILD / "cmake_install.cmake").exists():
        pytest.skip("MITO_BIN is not in a build directory: nothing to install from")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "sdk")
    return prefix


@pytest.fixture(scope="module")
def examples(installed, tmp_path_factory):
    """The examples, built against the installed SDK."""
    build = tmp_path_factory.mktemp("examples")
    run("cmake", "-S", ROOT / "examples" / "sdk", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", build)
    return build


@pytest.fixture
def place(coordinator, tools, tmp_path):
    """A coordinator with a worker, and the environment of a program that uses them."""
    tools.worker(coordinator.url, "--slots", "2")
    return clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": coordinator.url, "MITO_USER": "mitosis_admin", "MITO_PASSWORD": "mitosis_admin"})


def test_headers_show_none_of_our_libraries(installed):
    headers = list((installed / "include").rglob("*.h"))
    assert headers
    for header in headers:
        foreign = [line for line in header.read_text().splitlines()
                   if re.match(r'\s*#\s*include\s*<(boost|curl|fmt|sqlite|openssl|nlohmann)', line)]
        assert not foreign, f"{header}: {foreign}"


def test_a_user_is_created(examples, coordinator, place, tmp_path):
    assert run(examples / "create_user", cwd=tmp_path, env=place) == "created new_user\n"
    assert coordinator.api.login("new_user", "new_password")
    again = subprocess.run([examples / "create_user"], cwd=tmp_path, env=place, text=True, capture_output=True)
    assert again.returncode == 1 and "cannot create the user" in again.stderr


def test_tasks_events_and_artifacts(examples, place, tmp_path):
    assert run(examples / "submit_and_wait", cwd=tmp_path, env=place) == "5 of 10 tasks succeeded\n"
    assert (tmp_path / "std-log.tar.gz").stat().st_size > 0


def test_coroutines(examples, place, tmp_path):
    assert run(examples / "coroutines", cwd=tmp_path, env=place) == "member of 1 groups\n2 of 2 tasks succeeded\n"


def test_nobody_is_asked(examples, coordinator, tmp_path):
    environment = clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": coordinator.url})
    done = subprocess.run([examples / "create_user"], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=20)
    assert done.returncode == 1 and "not logged in" in done.stderr


def test_the_guide_quotes_the_examples():
    guide = (ROOT / "docs" / "guide" / "sdks.md").read_text()
    for example in ("examples/create_user.cc", "examples/submit_and_wait.cc", "examples/coroutines.cc", "examples/sdk/CMakeLists.txt",
                    "sdk/python/examples/files.py", "sdk/python/examples/asynchronous.py"):
        assert (ROOT / example).read_text().rstrip() in guide, f"docs/guide/sdks.md does not quote {example} as it is"


def test_every_operation_of_the_coordinator_is_covered(coordinator):
    document = coordinator.api.call("GET", "/openapi.json")
    sources = "".join(path.read_text() for path in sorted((ROOT / "src" / "client").glob("*.cc")))
    # How each path is written there: literals with {} or helpers for its variable parts.
    helpers = {"/workers/{uuid}": "worker_path(", "/tasks/{uuid}": "task_path(", "/groups/{group_name}": "group_path("}
    missing = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/objects/"):  # Under signed URLs: download() and the uploads.
                continue
            if not covered(sources, method.upper(), path, helpers):
                missing.append(operation["operationId"])
    assert missing == []


def covered(sources: str, method: str, path: str, helpers: dict) -> bool:
    if path in ("/auth", "/openapi.json", "/docs", "/metrics", "/events"):
        return f'"{path}' in sources
    for prefix, helper in helpers.items():
        rest = path.removeprefix(prefix)
        if path.startswith(prefix) or path.startswith("/admin" + prefix) or path.startswith("/workers" + prefix):
            rest = re.sub(r"\{\*?\w+\}.*", "", path.split(prefix, 1)[1])
            found = re.search(rf'"{method}"[^;]*{re.escape(helper)}[^;]*"{re.escape(rest)}', sources) if rest else re.search(rf'{re.escape(helper)}', sources)
            if found:
                return True
    literal = re.sub(r"\\\{\\?\*?\w+\\\}", r"\\{\\}", re.escape(path))
    return re.search(rf'"{literal}["?]', sources) is not None
