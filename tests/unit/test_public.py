"""What a public repository has beside its content: containers, workflows, forms, changelog and citation."""

import importlib
import json
import re
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
course = importlib.import_module("course")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(p for p in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if p.name != "config.yml")
_, EXPORTED, RULES = course.read()


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def made(text):
    """What make is asked for in a text, without the settings."""
    return {word for found in re.findall(r"\bmake ([\w./ -]*)", text) for word in found.split()[:1]}


def instructions():
    """The instructions of the Dockerfile, each in a line: name and rest."""
    lines = re.sub(r"\\\n\s*", "", text_of("Dockerfile")).splitlines()
    return [line.split(" ", 1) for line in lines if line and not line.startswith("#")]


def test_the_dev_container_installs_and_starts_as_make_does():
    container = json.loads(text_of(".devcontainer/devcontainer.json"))
    assert container["containerEnv"] == EXPORTED
    assert container["image"].endswith(":3.12")
    assert container["updateContentCommand"] == "make .venv/.installed"
    assert container["postAttachCommand"].startswith("make lab OPTIONS='") and "--port=8888" in str(container)
    assert container["forwardPorts"] == [8888] and list(container["portsAttributes"]) == ["8888"]
    settings = container["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"


def test_the_container_has_all_and_no_root_once_it_is_built():
    steps = instructions()
    names = [name for name, _ in steps]
    assert steps[0] == ["FROM", "python:3.12-slim"]
    assert [rest for name, rest in steps if name == "USER"] == ["learner"]
    run = {name: rest for name, rest in steps if name in ("CMD", "HEALTHCHECK", "EXPOSE")}
    command = json.loads(run["CMD"])
    assert command[:2] == ["make", "lab"] and "--ip=0.0.0.0" in command[2] and "token" not in command[2]
    assert f"--port={run['EXPOSE']}" in command[2] and f":{run['EXPOSE']}/api" in run["HEALTHCHECK"]
    assert json.loads(run["HEALTHCHECK"].split("CMD ")[1])[0] == f"{course.BIN.as_posix()}/python"
    install = next(i for i, (name, rest) in enumerate(steps) if "make .venv/.installed" in rest)
    assert names[install] == "RUN" and "USER" in names[:install] and "COPY" in names[:install]
    assert not {"RUN", "COPY", "ADD"} & set(names[install + 1 :]), "make would install again"


def test_the_container_gets_no_environment_and_no_history_of_this_machine():
    ignored = text_of(".dockerignore").splitlines()
    assert {".git", ".venv", "**/__pycache__", ".env"} <= set(ignored)
    needed = ("Makefile", "requirements.lock", "pyproject.toml", "README.md", "jupyter", "nbhelpers", "data")
    assert not {name for name in needed if name in ignored} and all((ROOT / name).exists() for name in needed)


def test_binder_installs_what_conda_does_with_a_python_that_it_understands():
    here, there = (yaml.safe_load(text_of(path)) for path in (".binder/environment.yml", "environment.yml"))
    (pip,), (wanted,) = ([d["pip"] for d in e["dependencies"] if isinstance(d, dict)] for e in (here, there))
    assert pip == ["--requirement ../requirements.lock", "--editable .."]
    assert [line.replace("../", "").replace("..", ".") for line in pip] == wanted
    # The pattern with which repo2docker finds the version; without one it takes its own.
    assert [re.match(r"python\s*=+\s*([\d.]*)", d)[1] for d in here["dependencies"] if str(d).startswith("python")] == [
        "3.12"
    ]
    assert here["channels"] == there["channels"]


def test_binder_conda_and_make_set_the_same_variables():
    assert dict(re.findall(r"^export (\w+)=(.*)$", text_of(".binder/start"), re.M)) == EXPORTED
    assert text_of(".binder/start").endswith('\nexec "$@"\n') and text_of(".binder/start").startswith("#!/bin/bash\n")
    assert yaml.safe_load(text_of("environment.yml"))["variables"] == EXPORTED


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_little_and_names_its_actions_by_version(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert any("concurrency" in part for part in (workflow, *workflow["jobs"].values()))
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[\w-]+@v\d+|[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", "actions/a@v1"))
            assert made(step.get("run", "")) <= set(RULES)
            if "setup-python" in step.get("uses", ""):
                assert step["with"]["cache"] == "pip"


def test_the_tests_run_on_each_system_and_python_that_the_course_promises():
    job = yaml.safe_load(text_of(".github/workflows/test.yml"))["jobs"]["test"]
    assert {name.split("-")[0] for name in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos", "windows"}
    pythons = {line.rpartition(" :: ")[2] for line in PROJECT.get("classifiers", [])} or {"3.11", "3.12", "3.13"}
    assert set(job["strategy"]["matrix"]["python"]) == pythons
    runs = {step["run"]: step["if"] for step in job["steps"] if "test" in step.get("run", "")}
    assert runs == {
        "make test PYTHON=python": "runner.os != 'Windows'",
        "python tools/course.py test": "runner.os == 'Windows'",
    }


def test_the_pages_are_published_from_the_default_branch_alone():
    workflow = yaml.safe_load(text_of(".github/workflows/site.yml"))
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert build["if"] == "github.ref_name == github.event.repository.default_branch" and publish["needs"] == "build"
    assert "env" not in build  # the links to Colab lead to cells that know only the address in pyproject.toml
    assert "permissions" not in build and publish["permissions"] == {"pages": "write", "id-token": "write"}
    (upload,) = [step for step in build["steps"] if "upload-pages-artifact" in step.get("uses", "")]
    assert upload["with"]["path"] == "site/_build/html"


def test_dependabot_leaves_the_packages_to_make_lock():
    updates = yaml.safe_load(text_of(".github/dependabot.yml"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "docker"}
    assert all(update["schedule"]["interval"] == "monthly" for update in updates)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_github_asks_for(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(form) == {"name", "description", "body"}
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)
    for field in form["body"]:
        assert set(field) <= {"type", "id", "attributes", "validations"} and field["type"] in ("input", "textarea")
        assert set(field["attributes"]) <= {"label", "description", "placeholder", "render"}
        assert all(isinstance(text, str) and text for text in field["attributes"].values())
        assert field["type"] == "textarea" or "render" not in field["attributes"]
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_there_is_a_form_for_each_kind_of_trouble_and_its_command_runs(capsys):
    assert [path.stem for path in FORMS] == ["claim", "fault", "lost"]
    (command,) = set(re.findall(r'\.venv/bin/python -c "(.*?)"', "".join(text_of(path) for path in FORMS)))
    exec(command)
    assert "Python 3." in capsys.readouterr().out


def test_one_version_stands_in_the_project_the_citation_and_the_changelog():
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["type"] == "software" and citation["authors"] == [{"name": "The authors of the course"}]
    assert citation["version"] == PROJECT["version"] and citation["license"] == PROJECT["license"]
    assert text_of("README.md").startswith(f"# {citation['title']}\n")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (.+)$", text_of("CHANGELOG.md"), re.M)
    assert versions[0][0] == PROJECT["version"]
    assert versions == sorted(versions, key=lambda v: tuple(map(int, v[0].split("."))), reverse=True)
    for number, (_, when) in enumerate(versions):
        assert (number == 0 and when == "unreleased") or date.fromisoformat(when)


def test_the_changelog_is_in_its_usual_form():
    kinds = re.findall(r"^### (.+)$", text_of("CHANGELOG.md"), re.M)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"} and kinds


def test_contributing_says_how_to_release():
    assert "git tag" in text_of("CONTRIBUTING.md") and "CITATION.cff" in text_of("CONTRIBUTING.md")
