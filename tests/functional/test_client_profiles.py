"""Several coordinators and several users: profiles, variables, and whose login stands where."""
from __future__ import annotations

import hashlib
import stat

import pytest

ADMIN = "mitosis_admin"


@pytest.fixture
def pair(tools):
    """Two coordinators, each with data of its own."""
    started = []
    for name in ("one", "two"):
        (tools.directory / name).mkdir()
        started.append(tools.coordinator(directory=tools.directory / name, name=name))
    return started


@pytest.fixture
def configured(tools, pair):
    """A configuration whose default is the first coordinator, and whose profiles name both."""
    one, two = pair
    (tools.directory / "config.toml").write_text(
        f'[client]\ncoordinator_addr = "{one.url}"\nuser = "{ADMIN}"\n'
        f'[client.profiles.one]\ncoordinator_addr = "{one.url}"\n'
        f'[client.profiles.two]\ncoordinator_addr = "{two.url}"\n'
        f'[client.profiles.bob]\ncoordinator_addr = "{two.url}"\nuser = "bob"\npassword = "bob-pw"\n')
    return pair


@pytest.fixture
def client(tools):
    """Runs `mito client …`; what it wrote to standard output, when the exit code is the expected one."""
    def run(*arguments, expect=0, **variables):
        result = tools.run("client", *arguments, extra=variables)
        assert result.returncode == expect, (arguments, result.returncode, result.stdout, result.stderr)
        return result.stdout
    return run


def logins(tools, name="credentials") -> dict[str, str]:
    """The tokens of a credential file by what stands before them; fails when others could read it."""
    path = tools.directory / "config" / "mitosis" / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    return dict(line.rsplit(":", 1) for line in path.read_text().split("\n"))


def known_to(coordinator, token: str) -> bool:
    return coordinator.api.request("GET", "/auth", token=token)[0] == 200


def test_a_profile_names_coordinator_and_user(configured, client):
    one, two = configured
    client("-p", ADMIN, "--profile", "two", "admin", "users", "create", "bob", "bob-pw")
    client("-p", ADMIN, "--profile", "two", "groups", "create", "second")
    client("-p", ADMIN, "groups", "create", "first")  # without a profile
    assert client("--profile", "bob", "auth") == "Currently logged in as bob\n"
    assert client("auth", MITO_PROFILE="bob") == "Currently logged in as bob\n"
    assert client("-u", ADMIN, "auth", MITO_PROFILE="bob") == f"Currently logged in as {ADMIN}\n"
    assert one.api.call("GET", "/groups/first", token=one.api.login())["group_name"] == "first"
    assert one.api.request("GET", "/groups/second", token=one.api.login())[0] == 404
    assert two.api.call("GET", "/groups/second", token=two.api.login())["group_name"] == "second"
    assert two.api.request("GET", "/groups/first", token=two.api.login())[0] == 404


def test_a_file_chooses_its_profile(tools, configured, client):
    path = tools.directory / "config.toml"
    path.write_text(path.read_text().replace("[client]\n", '[client]\nprofile = "two"\n'))
    client("-p", ADMIN, "groups", "create", "second")
    assert configured[1].api.call("GET", "/groups/second", token=configured[1].api.login())["group_name"] == "second"
    assert "Group second not found" in tools.run("client", "-p", ADMIN, "--profile", "one", "groups", "get", "second").stderr


def test_logins_of_two_coordinators_do_not_mix(tools, configured, client):
    one, two = configured
    for profile in ("one", "two"):
        client("--profile", profile, "-p", ADMIN, "auth")
    for _ in range(2):  # now by their tokens, in turns
        for profile in ("one", "two"):
            assert client("--profile", profile, "auth") == f"Currently logged in as {ADMIN}\n"
    tokens = logins(tools, "credentials.coordinators")
    assert set(tokens) == {f"{one.url} {ADMIN}", f"{two.url} {ADMIN}"}
    first, second = tokens[f"{one.url} {ADMIN}"], tokens[f"{two.url} {ADMIN}"]
    assert known_to(one, first) and not known_to(one, second)
    assert known_to(two, second) and not known_to(two, first)

    # A second user at one of them disturbs nobody.
    client("--profile", "two", "admin", "users", "create", "bob", "bob-pw")
    client("--profile", "bob", "auth")
    assert client("--profile", "two", "auth") == client("--profile", "one", "auth") == f"Currently logged in as {ADMIN}\n"
    assert set(logins(tools, "credentials.coordinators")) == set(tokens) | {f"{two.url} bob"}
    assert not list((tools.directory / "config" / "mitosis").glob("credentials*.??????"))  # what was written for the replacement


def test_the_file_of_the_original_is_read_and_kept_for_the_default(tools, configured, client):
    one, two = configured
    path = tools.directory / "config" / "mitosis" / "credentials"
    path.parent.mkdir(parents=True)
    theirs = one.api.login()
    path.write_text(f"someone:else\n{ADMIN}:{theirs}")
    path.chmod(0o644)
    assert client("auth") == f"Currently logged in as {ADMIN}\n"  # nobody gave a password
    client("-c", two.url, "-p", ADMIN, "auth")
    assert client("-c", two.url, "auth") == client("auth") == f"Currently logged in as {ADMIN}\n"
    assert path.read_text() == f"someone:else\n{ADMIN}:{theirs}"  # a login elsewhere took nothing from it

    one.api.call("POST", "/login", {"username": ADMIN, "md5_password": list(hashlib.md5(ADMIN.encode()).digest()), "retain": False})
    client("-p", ADMIN, "auth")  # that ended the session: a new login at the default coordinator is written where the original looks
    assert set(logins(tools)) == {"someone", ADMIN}
    assert logins(tools)[ADMIN] != theirs and known_to(one, logins(tools)[ADMIN])
    assert client("-c", two.url, "auth") == f"Currently logged in as {ADMIN}\n"


def test_variables_name_the_coordinator(pair, client):
    one, two = pair
    login = {"MITO_USER": ADMIN, "MITO_PASSWORD": ADMIN}
    client("groups", "create", "short", MITO_COORDINATOR=one.url, **login)
    client("groups", "create", "long", MITO_COORDINATOR=one.url, MITO_COORDINATOR_ADDR=two.url, **login)
    client("-c", one.url, "groups", "create", "option", MITO_COORDINATOR_ADDR=two.url, **login)
    for coordinator, names in ((one, {"short", "option"}), (two, {"long"})):
        assert set(coordinator.api.call("GET", "/users/groups", token=coordinator.api.login())["groups"]) == names | {ADMIN}


def test_variables_win_over_a_profile(configured, client):
    client("--profile", "two", "-p", ADMIN, "groups", "create", "here", MITO_COORDINATOR=configured[0].url)
    assert configured[0].api.call("GET", "/groups/here", token=configured[0].api.login())["group_name"] == "here"
