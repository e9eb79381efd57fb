"""The files in deploy/ and the example of a configuration: what the guides say of them, and that they fit together."""
from __future__ import annotations

import re
import tomllib

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
    assert set(services) == {"database", "objects", "redis"}
    volumes = set(compose()["volumes"])
    for name, service in services.items():
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
