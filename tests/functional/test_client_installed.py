"""What `cmake --install` puts beside the program: completion scripts that shells can use, and a man page."""
from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BINARY, clean_environment

BUILD = pathlib.Path(BINARY).resolve().parent.parent


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The program installed from its build directory, without the SDK."""
    if not (BUILD / "cmake_install.cmake").exists() or not (BUILD / "generated" / "mito.1").exists():
        pytest.skip("MITO_BIN is not in a build directory with documents (target mito_documents): nothing to install from")
    prefix = tmp_path_factory.mktemp("prefix")
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "Unspecified"], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return prefix


@pytest.fixture
def complete(prefix, tmp_path):
    """What bash offers for the last word of a line, with the installed script and program."""
    def run(line: str) -> list[str]:
        script = ('source "$1"; complete -p mito >/dev/null || exit 9; COMP_LINE=$2; COMP_POINT=${#2}; read -r -a COMP_WORDS <<<"$2"\n'
                  '[[ $2 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mito; printf "%s\\n" "${COMPREPLY[@]}"')
        environment = clean_environment(tmp_path, {"PATH": f"{prefix / 'bin'}:{os.environ['PATH']}"})
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", prefix / "share/bash-completion/completions/mito", line], text=True,
                              env=environment, capture_output=True, timeout=20, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.split()
    return run


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_commands_options_and_values(complete, coordinator, admin):
    assert complete("mito cl") == ["client"]
    assert complete("mito client tasks sub") == ["submit", "submit-many"]
    assert "--priority" in complete("mito client tasks submit --pri")
    assert complete("mito client tasks query --state canc") == ["cancelled"]
    assert {"users", "groups", "workers"} <= set(complete("mito client admin "))
    coordinator.api.call("POST", "/groups", {"group_name": "laboratory"}, admin)
    assert complete(f"mito client -c {coordinator.url} -u mitosis_admin -p mitosis_admin groups get lab") == ["laboratory"]


@pytest.mark.parametrize("shell, check, path", [("bash", "-n", "bash-completion/completions/mito"), ("zsh", "-n", "zsh/site-functions/_mito"),
                                                ("fish", "--no-execute", "fish/vendor_completions.d/mito.fish")])
def test_the_scripts_are_those_of_the_program(prefix, tools, shell, check, path):
    script = prefix / "share" / path
    assert script.read_text() == tools.run("completion", shell).stdout
    if shutil.which(shell):
        done = subprocess.run([shell, check, script], text=True, capture_output=True, timeout=20)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_man_page_has_every_command(prefix, tools):
    page = (prefix / "share" / "man" / "man1" / "mito.1").read_text()
    assert page.startswith(".TH ") and page == tools.run("man-page").stdout
    plain = page.replace("\\-", "-")
    for words in (["tasks"], ["groups", "attachments"], ["admin", "users"], ["workers"]):
        listed = tools.run("client", *words, "--help").stdout.partition("\nCommands:\n")[2].partition("\n\n")[0]
        for name in re.findall(r"^  (\S+)", listed, flags=re.M):
            assert name == "help" or f"{' '.join(words)} {name}" in plain, (words, name)
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-Kutf8", "-Tutf8", "-man", "-ww", "-z", prefix / "share/man/man1/mito.1"], text=True, capture_output=True, timeout=20)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_program_runs(prefix, tmp_path):
    done = subprocess.run([prefix / "bin" / "mito", "--version"], text=True, capture_output=True, timeout=20, env=clean_environment(tmp_path))
    assert done.returncode == 0 and re.match(r"mito \d+\.\d+\.\d+\n", done.stdout)


def test_the_guide_is_installed(prefix):
    """Pages, style and search as files that need no coordinator."""
    guide = prefix / "share" / "doc" / "mitosis" / "guide"
    names = {path.name for path in guide.iterdir()}
    assert {"index.html", "worker.html", "settings.html", "style.css", "search.js", "search-index.js"} <= names
    for page in guide.glob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#:]+)[^":]*"', page.read_text()):
            assert (guide / target).is_file(), (page.name, target)
