"""The C++ SDK as a program of a user sees it: installed, found by find_package, linked, run against a coordinator."""
from __future__ import annotations

import http.server
import pathlib
import re
import subprocess
import threading

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


def test_the_example_of_the_readme(installed, place, tmp_path):
    code = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    (tmp_path / "main.cc").write_text(code)
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(readme LANGUAGES CXX)\nfind_package(netmito REQUIRED)\n"
                                             "add_executable(readme main.cc)\ntarget_link_libraries(readme PRIVATE netmito::netmito)\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "readme", cwd=tmp_path, env=place) == "exit status 0\n"


def test_nobody_is_asked(examples, coordinator, tmp_path):
    environment = clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": coordinator.url})
    done = subprocess.run([examples / "create_user"], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=20)
    assert done.returncode == 1 and "not logged in" in done.stderr


def test_the_guide_quotes_the_examples():
    guide = (ROOT / "docs" / "guide" / "sdks.md").read_text()
    for example in ("examples/create_user.cc", "examples/submit_and_wait.cc", "examples/coroutines.cc", "examples/sdk/CMakeLists.txt",
                    "sdk/python/examples/files.py", "sdk/python/examples/asynchronous.py"):
        assert (ROOT / example).read_text().rstrip() in guide, f"docs/guide/sdks.md does not quote {example} as it is"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty object and remembers what was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path.split("?")[0]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


def test_every_operation_of_the_coordinator_is_covered(installed, coordinator, tmp_path):
    run("cmake", "-S", ROOT / "tests" / "sdk", "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", tmp_path / "build")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        run(tmp_path / "build" / "every_call", cwd=tmp_path,
            env=clean_environment(tmp_path, {"MITO_COORDINATOR_ADDR": f"http://127.0.0.1:{server.server_port}"}))
    finally:
        server.shutdown()
        server.server_close()
    missing = []
    for path, methods in coordinator.api.call("GET", "/openapi.json")["paths"].items():
        if path.startswith(("/objects/", "/docs/guide")):  # Under signed URLs, by the uploads and downloads; pages for people.
            continue
        pattern = re.compile("/".join(".+" if part.startswith("{*") or part == "{key}" else "[^/]+" if part.startswith("{") else re.escape(part)
                                      for part in path.split("/")))
        missing += [f"{method} {path}" for method in methods if method in ("get", "post", "put", "delete")
                    and not any(asked == method.upper() and pattern.fullmatch(at) for asked, at in server.asked)]
    assert missing == []
