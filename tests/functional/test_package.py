"""The archive and the package that script/package makes of the program under test."""
from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

import conftest
from conftest import BINARY, ROOT, clean_environment

pytestmark = pytest.mark.skipif(not all(shutil.which(tool) for tool in ("ldd", "strip", "xz", "dpkg-deb", "dpkg-shlibdeps")),
                                reason="tools are missing: script/bootstrap --package")


def run(*command, expect=0, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, timeout=300, **options)
    assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The folder with both packages, made of a copy of the scripts so that the tree stays as it is."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("script", "tools", "deploy", "docs", "README.md", "LICENSE", "CHANGELOG.md", "config.example.toml", "openapi.yaml"):
        source = ROOT / name
        shutil.copytree(source, tree / name) if source.is_dir() else shutil.copy(source, tree / name)
    run(tree / "script" / "package", "--binary", BINARY, env={**os.environ, "XZ_LEVEL": "-0"})
    return tree / "build" / "packages"


@pytest.fixture(scope="module")
def archive(packages):
    return next(packages.glob("mito-*-linux.tar.xz"))


@pytest.fixture(scope="module")
def prefix(archive, tmp_path_factory):
    """The archive, installed; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("installed") / "prefix"
    run(ROOT / "script" / "install", "--prefix", folder, archive)
    return folder


def test_the_archive_runs_with_its_own_libraries_alone(prefix, tools, monkeypatch, tmp_path):
    monkeypatch.setattr(conftest, "BINARY", str(prefix / "bin" / "mito"))
    coordinator = tools.coordinator()
    worker = tools.worker(coordinator.url)
    token = coordinator.api.login()
    uuid = coordinator.api.submit(token, ["sh", "-c", "exit 3"])
    assert coordinator.api.wait_for_result(token, uuid)["result"]["exit_status"] == 3 << 8
    for process in (coordinator, worker):
        mapped = {line.split(maxsplit=5)[5].strip() for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines() if len(line.split(maxsplit=5)) == 6}
        foreign = {path for path in mapped if re.search(r"\.so(\.|$)|/mito$|/ld-", path) and not path.startswith(str(prefix))}
        assert not foreign, f"loaded from outside of the archive: {foreign}"


def test_the_archive_starts_itself_again(prefix, tmp_path):
    dev = subprocess.Popen([str(prefix / "bin" / "mito"), "dev", "--port", "0"], cwd=tmp_path, env=clean_environment(tmp_path), text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert "Mitosis is ready at" in dev.stdout.readline()
    finally:
        dev.terminate()
        dev.wait(20)


def test_a_link_to_the_program_works(prefix, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "mito").symlink_to(prefix / "bin" / "mito")
    assert run(tmp_path / "links" / "mito", "--version").startswith("mito ")


def test_what_is_installed_is_removed(archive, tmp_path):
    prefix = tmp_path / "prefix"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "other").write_text("stays")
    (prefix / "share").mkdir()
    said = run(ROOT / "script" / "install", "--prefix", prefix, archive)
    assert f"export PATH=\"{prefix}/bin:$PATH\"" in said
    assert (prefix / "share" / "man" / "man1" / "mito.1.gz").exists() and (prefix / "share" / "bash-completion" / "completions" / "mito").stat().st_size > 100
    # Over an older one, which had a file more and was cut off in the middle.
    (prefix / "bin" / "obsolete").write_text("of the older one")
    (prefix / "bin" / "mito").unlink()
    with (prefix / "lib" / "mito" / "installed-files").open("a") as files:
        files.write("bin/obsolete\n")
    run(ROOT / "script" / "install", "--prefix", prefix, archive)
    assert not (prefix / "bin" / "obsolete").exists() and run(prefix / "bin" / "mito", "--version").startswith("mito ")
    run(ROOT / "script" / "install", "--prefix", prefix, "--uninstall")
    assert [path.relative_to(prefix).as_posix() for path in sorted(prefix.rglob("*"))] == ["bin", "bin/other", "share"]
    assert "nothing of ours" in run(ROOT / "script" / "install", "--prefix", prefix, "--uninstall", expect=1)


def test_it_is_installed_without_xz(archive, tmp_path):
    """As on a bare Debian, whose dpkg-deb can do the same."""
    (tmp_path / "bin").mkdir()
    for folder in ("/bin", "/usr/bin"):
        for program in os.listdir(folder):
            link = tmp_path / "bin" / program
            if not re.match(r"(un)?(xz|lzma)", program) and not link.is_symlink():
                link.symlink_to(pathlib.Path(folder) / program)
    environment = clean_environment(tmp_path) | {"PATH": str(tmp_path / "bin")}
    run(ROOT / "script" / "install", "--prefix", tmp_path / "prefix", archive, env=environment)
    assert run(tmp_path / "prefix" / "bin" / "mito", "--version", env=environment).startswith("mito ")
    (tmp_path / "bin" / "dpkg-deb").unlink()
    run(ROOT / "script" / "install", "--prefix", tmp_path / "again", archive, env=environment)  # By Python.
    for program in (tmp_path / "bin").glob("python3*"):
        program.unlink()
    assert "install xz-utils" in run(ROOT / "script" / "install", "--prefix", tmp_path / "third", archive, env=environment, expect=1)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, for chroot")
def test_the_archive_is_all_that_it_needs(prefix):
    """In a root that holds the archive and nothing else, with an empty environment: no file of a distribution, no shell."""
    loader = next(path.name for path in (prefix / "lib" / "mito").glob("ld-linux*"))

    def inside(*arguments, expect=0):
        return run("/usr/bin/env", "-i", "/usr/sbin/chroot", prefix, f"/lib/mito/{loader}", "--library-path", "/lib/mito", "/lib/mito/mito", *arguments, expect=expect)
    assert inside("--version").startswith("mito ")
    assert "SQLite at /nowhere/mitosis.db" in inside("coordinator", "--check", "--data-dir", "/nowhere")


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf is missing")
def test_how_far_back_it_reaches_is_what_is_said(prefix):
    """The oldest kernel that the C library of the archive runs on, which is its only need."""
    notes = run("readelf", "--notes", prefix / "lib" / "mito" / "libc.so.6")
    oldest = re.search(r"OS: Linux, ABI: (\d+\.\d+)", notes).group(1)
    for said in (ROOT / "script" / "package", ROOT / "deploy" / "README.md"):
        assert f"kernel {oldest} or newer" in re.sub(r"\s+#? *", " ", said.read_text()), said


def test_what_is_no_archive_is_refused(tmp_path):
    wrong = tmp_path / f"mito-1-{os.uname().machine}-linux.tar.xz"
    wrong.write_bytes(b"no archive")
    run(ROOT / "script" / "install", "--prefix", tmp_path / "p", wrong, expect=2)
    assert "not for this machine" in run(ROOT / "script" / "install", "--prefix", tmp_path / "p", __file__, expect=1)
    assert list((tmp_path / "p").iterdir()) == []


def test_the_archive_names_the_licences_of_what_it_brings(archive):
    with tarfile.open(archive) as members:
        names = members.getnames()
    libraries = {pathlib.PurePosixPath(name).name for name in names if "/lib/mito/lib" in name}
    assert any(name.startswith("libc.so") for name in libraries) and any(name.startswith("libsqlite3") for name in libraries)
    if shutil.which("dpkg-query"):
        assert sum(name.endswith(".copyright") for name in names) > 10
        assert any(name.endswith("share/doc/mitosis/guide/index.md") for name in names) and any(name.endswith("mitosis/settings.md") for name in names)


def test_the_deb(packages):
    deb = next(packages.glob("mitosis_*.deb"))
    fields = run("dpkg-deb", "--field", deb)
    assert "libc6" in fields and "Package: mitosis" in fields
    control = deb.parent / "control"
    run("dpkg-deb", "--control", deb, control)
    assert all(os.access(control / name, os.X_OK) for name in ("postinst", "prerm"))
    # The services' users: the worker's is made by the package, the coordinator's is a dynamic one.
    user = re.search(r"^User=(\S+)$", (ROOT / "deploy" / "systemd" / "mito-worker@.service").read_text(), re.M).group(1)
    assert user in (control / "postinst").read_text()
    names = run("dpkg-deb", "--contents", deb)
    for path in ("./usr/bin/mito", "./usr/share/man/man1/mito.1.gz", "./lib/systemd/system/mito-coordinator.service", "./lib/systemd/system/mito-worker@.service"):
        assert path in names, path
