"""Wrong passwords: who has to wait, for how long, and that nobody else does."""
from __future__ import annotations

import concurrent.futures
import hashlib
import re
import time

import pytest


def login(coordinator, user: str, password: str, headers: dict | None = None):
    body = {"username": user, "md5_password": list(hashlib.md5(password.encode()).digest()), "retain": True}
    return coordinator.api.request("POST", "/login", body, headers=headers)


def metric(coordinator, name: str) -> float:
    text = coordinator.api.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^mito_{name} (\S+)$", text, re.M).group(1))


def test_wrong_passwords_are_refused_after_a_while_and_counted(tools):
    coordinator = tools.coordinator("--login-attempts", "4", "--login-window", "1h")
    admin = coordinator.api.login()
    coordinator.api.call("POST", "/admin/users", {"username": "rita", "md5_password": list(hashlib.md5(b"pw").digest()), "admin": False}, admin)
    for _ in range(4):
        status, headers, _ = login(coordinator, "rita", "wrong")
        assert status == 401 and "Retry-After" not in {name.title() for name in headers}
    status, headers, body = login(coordinator, "rita", "pw")
    assert status == 429 and b"msg" in body
    wait = int({name.lower(): value for name, value in headers.items()}["retry-after"])
    assert 800 <= wait <= 900
    # Another user from the same address may still log in.
    assert login(coordinator, "mitosis_admin", "mitosis_admin")[0] == 200
    assert metric(coordinator, "logins_wrong_total") == 4 and metric(coordinator, "logins_refused_total") >= 1


def test_right_passwords_count_for_nothing(tools):
    coordinator = tools.coordinator("--login-attempts", "2", "--login-window", "1h")
    for _ in range(6):
        assert login(coordinator, "mitosis_admin", "mitosis_admin")[0] == 200
    assert login(coordinator, "mitosis_admin", "wrong")[0] == 401
    assert login(coordinator, "mitosis_admin", "mitosis_admin")[0] == 200


def test_the_wait_ends(tools):
    coordinator = tools.coordinator("--login-attempts", "1", "--login-window", "1s")
    assert login(coordinator, "mitosis_admin", "wrong")[0] == 401
    deadline = time.monotonic() + 15
    while login(coordinator, "mitosis_admin", "mitosis_admin")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_name_that_does_not_exist_is_treated_alike(tools):
    coordinator = tools.coordinator("--login-attempts", "2", "--login-window", "1h")
    assert [login(coordinator, "nobody", "x")[0] for _ in range(3)] == [401, 401, 429]


def test_changing_a_password_counts_too(tools):
    coordinator = tools.coordinator("--login-attempts", "2", "--login-window", "1h")
    admin = coordinator.api.login()
    body = {"old_md5_password": list(range(16)), "new_md5_password": list(range(16))}
    answers = [coordinator.api.request("POST", "/users/mitosis_admin/password", body, admin)[0] for _ in range(3)]
    assert answers == [401, 401, 429]


@pytest.mark.parametrize("trusted", [True, False])
def test_the_address_behind_a_proxy_counts_only_where_the_proxy_is_trusted(tools, trusted):
    proxies = ["--trusted-proxies", "127.0.0.1"] if trusted else []
    coordinator = tools.coordinator("--login-attempts", "1", "--login-window", "1h", *proxies)

    def from_address(chain):
        return login(coordinator, "mitosis_admin", "wrong", {"X-Forwarded-For": chain})[0]
    assert from_address("203.0.113.1, 198.51.100.7") == 401
    # What the client wrote itself stands further left.
    assert from_address("203.0.113.2, 198.51.100.7") == 429
    assert from_address("203.0.113.1, 198.51.100.8") == (401 if trusted else 429)
    assert from_address("not an address") == (401 if trusted else 429)


def test_a_burst_of_wrong_logins_does_not_starve_others(tools):
    coordinator = tools.coordinator("--login-attempts", "10", "--login-window", "1h", "--max-queued-passwords", "16")
    admin = coordinator.api.login()
    coordinator.api.call("POST", "/admin/users", {"username": "rita", "md5_password": list(hashlib.md5(b"pw").digest()), "admin": False}, admin)
    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        burst = [pool.submit(login, coordinator, "mitosis_admin", "wrong") for _ in range(400)]
        good = [login(coordinator, "rita", "pw")[0] for _ in range(5)]
        answers = [attempt.result()[0] for attempt in burst]
    assert good == [200] * 5
    assert set(answers) == {401, 429} and answers.count(401) <= 12
    # Who is logged in is not concerned.
    coordinator.api.call("GET", "/auth", token=admin)
