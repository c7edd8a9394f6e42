"""The files around the code: versions, addresses, import costs, and what README promises."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.notebooks import checks

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".lock", ".ipynb", ".mplstyle", ".cff", ".json", ""}


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    return [ROOT / line for line in listed.stdout.splitlines()]


def locked():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]


def test_the_lock_pins_every_dependency_and_the_environment_follows_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(r) for r in (*project["project"]["dependencies"], *project["dependency-groups"]["test"])]
    pins = {}
    for pin in locked():
        assert len(pin.specifier) == 1 and next(iter(pin.specifier)).operator == "==", pin
        pins.setdefault(pin.name.lower().replace("_", "-"), []).append(pin)
    for requirement in wanted:
        found = pins[requirement.name.lower().replace("_", "-")]
        for pin in found:
            assert requirement.specifier.contains(next(iter(pin.specifier)).version), pin
    here = {name: [p for p in found if p.marker is None or p.marker.evaluate()] for name, found in pins.items()}
    for name, found in here.items():
        for pin in found:
            assert pin.specifier.contains(version(name)), f"{name} {version(name)} is installed, locked is {pin}"


def test_conda_users_get_the_locked_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["--requirement requirements.lock", "--editable ."]
    python = next(d for d in environment["dependencies"] if str(d).startswith("python "))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python.removeprefix("python ") == project["requires-python"]


def test_contributing_gives_each_dependency_its_sentence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for line in (*project["project"]["dependencies"], *groups["test"], *groups["data"]):
        assert f"`{Requirement(line).name}`" in text, line


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    # Spelled in parts, so that this file does not hold them itself.
    forbidden = re.compile(r"(pypi|pythonhosted|npmjs|anaconda)\.(org|com)|" + "/(home|Users|root|work)/")
    for path in tracked_files():
        if path.suffix in TEXT and path.is_file() and path != Path(__file__):
            found = forbidden.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found.group()}"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("nbhelpers", ["numpy", "matplotlib", "tensorflow", "keras", "ipywidgets"]),
        ("nbhelpers.data", ["matplotlib", "tensorflow", "keras", "ipywidgets"]),
        ("nbhelpers.plots", ["nbhelpers.data", "nbhelpers.models", "xarray", "tensorflow", "keras", "ipywidgets"]),
        ("nbhelpers.compare", ["matplotlib", "tensorflow", "keras", "ipywidgets"]),
        ("nbhelpers.checks", ["matplotlib", "tensorflow", "keras", "ipywidgets"]),
        ("nbhelpers.models", ["nbhelpers.data", "nbhelpers.plots", "ipywidgets"]),
    ],
)
def test_importing_a_module_loads_only_what_it_needs(module, absent):
    code = f"import sys, {module}; print([m for m in {absent} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert result.stdout.strip() == "[]"


needs_make = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no make, and uses tools/course.py")


@needs_make
def test_make_alone_lists_every_verb():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split()
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    listed = [line.split()[1] for line in shown.stdout.splitlines()]
    assert listed == verbs


@needs_make
@pytest.mark.parametrize("verb", ["data", "bench", "runs"])
def test_a_verb_that_needs_jax_installs_it_first(verb):
    """So that no test that needs it is skipped there."""
    command = ["make", "--no-print-directory", "--dry-run", "--old-file=.venv/.installed", verb]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    first, *others = shown.stdout.splitlines()
    assert "pip install" in first and first.endswith("--group data") and others


def test_readme_lists_exactly_the_notebooks_there_are():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    there = sorted(p.name for p in (ROOT / "notebooks").glob("*.ipynb"))
    assert re.findall(r"\]\(notebooks/(\d\d_\w+\.ipynb)\)", readme) == there


def test_each_notebook_has_its_solutions():
    names = {p.name for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert names == {p.name for p in (ROOT / "notebooks" / "solutions").glob("*.ipynb")}


COPIED = ROOT / "tools" / "students.md"  # becomes the README of a copy, where test_teaching.py follows its links
PAGES = [path for path in tracked_files() if path.suffix == ".md" and path.is_file() and path != COPIED]


def anchors(page):
    """What links into a page may name: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def broken_links(page):
    """The links of a page that lead nowhere in the repository, or elsewhere have not the form of an address."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        if re.match(r"[a-z]+:", target):
            if not checks.ELSEWHERE.fullmatch(target):
                yield target
        elif not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    assert not list(broken_links(page))


def test_the_pages_are_those_of_the_root_of_github_of_the_data_and_of_the_site():
    names = {path.relative_to(ROOT).as_posix() for path in PAGES}
    assert {"README.md", "CHANGELOG.md", ".github/pull_request_template.md", "data/README.md", "site/index.md"} <= names


def test_each_kind_of_broken_link_is_found(tmp_path):
    good = ["https://example.org/a_b?c=d#e", "page.md", "#a-heading-of-two", "page.md#a-heading-of-two"]
    bad = ["http://example.org", "https://example", "nowhere.md", "#another", "page.md#another", "htps://example.org/a"]
    text = "# A heading, of `two`\n" + " ".join(f"[x]({target})" for target in good + bad)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert list(broken_links(tmp_path / "page.md")) == bad
