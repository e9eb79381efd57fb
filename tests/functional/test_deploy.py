"""The files in deploy/ and the example of a configuration: what the guides say of them, and that they fit together."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib

import pytest

from conftest import ROOT
from redis_server import redis_server  # noqa: F401 (fixture)
from s3_server import ACCESS_KEY, SECRET_KEY, s3_server  # noqa: F401 (fixture)

DEPLOY = ROOT / "deploy"
VARIABLES = ["DB_USERNAME", "DB_PASSWORD", "S3_USERNAME", "S3_PASSWORD", "KV_PASSWORD"]


def parse_yaml(text: str):
    """The part of YAML that a compose file needs: nested maps by indentation, lists of scalars, scalars."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    def scalar(word: str):
        if word.startswith("["):
            return [scalar(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\[\]\s]+', word)]
        return re.sub(r'\\(.)', r"\1", word[1:-1]) if word.startswith('"') else word

    def block(start: int, indent: int):
        if start < len(lines) and lines[start].lstrip().startswith("- "):
            items = []
            while start < len(lines) and len(lines[start]) - len(lines[start].lstrip()) == indent and lines[start].lstrip().startswith("- "):
                items.append(scalar(lines[start].lstrip()[2:]))
                start += 1
            return items, start
        members = {}
        while start < len(lines) and len(lines[start]) - len(lines[start].lstrip()) == indent:
            key, _, rest = lines[start].strip().partition(":")
            start += 1
            if rest.strip():
                members[key] = scalar(rest.strip())
            elif start < len(lines) and len(lines[start]) - len(lines[start].lstrip()) > indent:
                members[key], start = block(start, len(lines[start]) - len(lines[start].lstrip()))
            else:
                members[key] = None
        return members, start

    value, end = block(0, 0)
    assert end == len(lines), f"not understood: {lines[end]}"
    return value


def compose() -> dict:
    return parse_yaml((DEPLOY / "docker-compose.yml").read_text())


def test_the_five_variables_have_no_default():
    example = [line for line in (DEPLOY / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    assert example == [f"{name}=" for name in VARIABLES]
    text = (DEPLOY / "docker-compose.yml").read_text()
    used = re.findall(r"(?<!\$)\$(?:\{([^}]*)\}|(\w+))", text)
    assert sorted({(braced or bare).split(":")[0] for braced, bare in used}) == sorted(VARIABLES)
    for braced, bare in used:
        assert not bare and braced.split(":", 1)[1].startswith("?"), f"{braced or bare}: must be set, and not have a default"


def test_services_are_watched_kept_and_open_to_this_machine_only():
    services = compose()["services"]
    assert set(services) == {"database", "objects", "redis", "coordinator"}
    volumes = set(compose()["volumes"])
    for name, service in services.items():
        if name == "coordinator":  # Its image has the check.
            assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text() and service["profiles"] == ["coordinator"]
        else:
            check = service["healthcheck"]
            assert check["test"][0] in ("CMD", "CMD-SHELL") and check["interval"] and check["retries"], name
        assert {volume.split(":")[0] for volume in service["volumes"]} == {name} and name in volumes
        assert service["restart"] == "unless-stopped"
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
    assert services["database"]["environment"]["POSTGRES_DB"] == "mitosis"


def test_configuration_matches_the_services():
    settings = tomllib.loads((DEPLOY / "config.toml").read_text())["coordinator"]
    ports = {name: service["ports"][0].split(":")[1] for name, service in compose()["services"].items()}
    assert settings["db_url"] == f"postgres://DB_USERNAME:DB_PASSWORD@127.0.0.1:{ports['database']}/mitosis"
    assert settings["s3_url"] == f"http://127.0.0.1:{ports['objects']}"
    assert settings["redis_url"] == f"redis://:KV_PASSWORD@127.0.0.1:{ports['redis']}"
    assert (settings["s3_access_key"], settings["s3_secret_key"]) == ("S3_USERNAME", "S3_PASSWORD")
    example = (ROOT / "config.example.toml").read_text()
    assert all(re.search(rf"^#{key} = ", example, re.M) for key in settings), "a setting that does not exist"


def test_the_coordinators_container_is_set_as_the_example_is():
    services = compose()["services"]
    coordinator = services["coordinator"]
    assert set(coordinator["depends_on"]) == set(services) - {"coordinator"}
    known = (ROOT / "docs" / "settings.md").read_text()
    settings = coordinator["environment"]
    for variable in settings:
        assert f"`{variable}`" in known, f"{variable} is no setting"
    secret = r"\$\{%s:\?[^}]*\}"
    expected = tomllib.loads((DEPLOY / "config.toml").read_text())["coordinator"]
    for key, host in (("db_url", "database"), ("s3_url", "objects"), ("redis_url", "redis"), ("s3_access_key", ""), ("s3_secret_key", "")):
        plain = re.sub(secret % r"(\w+)", r"\1", settings[f"MITO_{key.upper()}"])
        assert plain == expected[key].replace("127.0.0.1", host or "127.0.0.1"), key
    for key in ("s3", "redis"):
        own, public = settings[f"MITO_{key.upper()}_URL"], settings[f"MITO_{key.upper()}_PUBLIC_URL"]
        assert own.rpartition(":")[2] == public.rpartition(":")[2], "what workers are told is the published port"


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is missing (Debian's package docker-compose)")
def test_docker_compose_takes_the_file(tmp_path):
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / ".env").write_text("".join(f"{name}=value1234\n" for name in VARIABLES))

    def config(*options):
        return subprocess.run(["docker-compose", *options, "config"], cwd=tmp_path / "deploy", text=True, capture_output=True,
                              env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, timeout=60)
    done = config("--profile", "coordinator")
    assert done.returncode == 0, done.stderr
    assert "postgres://value1234:value1234@database:5432/mitosis" in done.stdout
    (tmp_path / "deploy" / ".env").write_text("")
    refused = config()
    assert refused.returncode != 0 and "set it in .env" in refused.stderr


# -- the image -----------------------------------------------------------------------------------------

def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_the_images_are_built_from_what_is_there():
    stages: list[str] = []
    for instruction, rest in instructions():
        assert instruction in ("FROM", "WORKDIR", "COPY", "RUN", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD", "VOLUME", "EXPOSE", "ENV", "HEALTHCHECK")
        if instruction == "FROM":
            image, _, stage = rest.partition(" AS ")
            assert image in stages or re.fullmatch(r"[a-z]+:[0-9][\w.-]*", image), f"{image} is not pinned by a tag"
            stages.append(stage)
        if instruction == "COPY":
            source, *options = reversed(rest.split()[:-1])
            if options:
                assert options[0].removeprefix("--from=") in stages
            else:
                assert (ROOT / source).exists(), source
        if instruction == "RUN":
            for script in re.findall(r"script/\w+", rest):
                assert os.access(ROOT / script, os.X_OK), script
                shown = subprocess.run([ROOT / script, "--help"], text=True, capture_output=True, check=True).stdout
                for option in re.findall(r"(?<= )--\w+", rest):
                    assert option in shown or option in ("--system", "--uid"), f"{script} has no {option}"
    assert stages == ["build", "base", "worker", "coordinator"]
    assert {service.get("build", {}).get("target") for service in compose()["services"].values()} <= set(stages) | {None}


def test_the_image_runs_without_rights_and_holds_no_secret():
    seen = dict(instructions())
    assert seen["USER"] == "mitosis" and seen["VOLUME"] == "/var/lib/mitosis" and seen["EXPOSE"] == "5000"
    assert not re.search(r"(?i)(password|secret|token|_key)\s*=", (ROOT / "Dockerfile").read_text())
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", "**/.env", "*.pem", "build"} <= set(ignored)
    for needed in ("src", "docs", "script", "tools", "cmake", "deploy", "README.md"):
        assert needed not in ignored, f"the build needs {needed}"
    known = (ROOT / "docs" / "settings.md").read_text()
    for variable in re.findall(r"MITO_\w+", seen["ENV"]):
        assert f"`{variable}`" in known


def test_the_check_of_health_tells_a_coordinator_that_serves(tools):
    form = dict(instructions())["HEALTHCHECK"].partition(" CMD ")[2]
    command = json.loads(form)
    coordinator = tools.coordinator()
    here = [word.replace("/5000", f"/{coordinator.port}") for word in command]
    assert here != command
    assert subprocess.run(here, capture_output=True, timeout=20).returncode == 0
    coordinator.stop()
    assert subprocess.run(here, capture_output=True, timeout=20).returncode != 0


def test_a_coordinator_starts_with_that_configuration(tools, s3_server, redis_server):  # noqa: F811
    """All but the database, which has tests of its own."""
    text = (DEPLOY / "config.toml").read_text()
    text = re.sub(r"^(db_url|bind) = .*\n", "", text, flags=re.M)
    for old, new in (("http://127.0.0.1:9000", s3_server.url), ("127.0.0.1:6379", f"127.0.0.1:{redis_server.port}"),
                     ("S3_USERNAME", ACCESS_KEY), ("S3_PASSWORD", SECRET_KEY), ("KV_PASSWORD", "kv0password")):
        assert old in text
        text = text.replace(old, new)
    text += 'artifacts_bucket = "deploy-artifacts"\nattachments_bucket = "deploy-attachments"\n'
    redis_server.client().call("CONFIG", "SET", "requirepass", "kv0password")
    (tools.directory / "config.toml").write_text(text)
    coordinator = tools.coordinator("--config", "config.toml")
    token = coordinator.api.login()
    assert coordinator.api.call("GET", "/redis", token=token)["url"].startswith("redis://mitosis_client:")
