"""What a repository shows its visitors: the front page's length, the forms for issues, the list of changes."""
from __future__ import annotations

import re
import subprocess

import pytest

from conftest import BINARY, ROOT

TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"


def test_the_front_page_fits_two_screens():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 110
    for needed in ("script/demo", "script/test", "mito dev", "docs/guide/index.md", "bench/README.md", "HyperQueue", "docs/demo-chart.svg", "SECURITY.md"):
        assert needed in text, needed
    assert (ROOT / "docs" / "demo-chart.svg").read_text().startswith("<svg xmlns=")


def test_its_figures_are_those_of_the_benchmarks():
    figures = (ROOT / "bench" / "README.md").read_text()
    table = (ROOT / "README.md").read_text().split("| measured on")[1].split("\n\n")[0]
    for rate in re.findall(r"\d+,\d{3}(?=/s| /)", table):
        assert rate in figures or rate in (ROOT / "docs" / "architecture.md").read_text(), f"{rate} is measured nowhere"


@pytest.mark.parametrize("form", ["bug", "feature", "question"])
def test_each_kind_of_issue_has_its_form(form):
    text = (TEMPLATES / f"{form}.yml").read_text()
    assert "\t" not in text and re.search(r"^name: \S", text, re.M) and re.search(r"^description: \S", text, re.M)
    fields = re.findall(r"^  - type: (\w+)$", text, re.M)
    assert fields and set(fields) <= {"textarea", "input", "dropdown", "checkboxes", "markdown"}
    ids = re.findall(r"^    id: (\w+)$", text, re.M)
    assert len(ids) == len(set(ids)) == len(fields)
    assert len(re.findall(r"^      label: ", text, re.M)) == len(fields) and "required: true" in text


def test_weaknesses_are_sent_elsewhere():
    assert "SECURITY.md" in (TEMPLATES / "config.yml").read_text() and (ROOT / "SECURITY.md").exists()


def test_the_version_has_an_entry_in_the_changes():
    version = re.match(r"mito (\d+\.\d+\.\d+)", subprocess.run([BINARY, "--version"], text=True, capture_output=True, check=True).stdout).group(1)
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings and version in headings[0]
