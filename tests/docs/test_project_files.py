"""The files beside the code: how to contribute, issue forms, the release, the image; none of them goes out of date."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfpipe import __version__
from tests.architecture.test_pins import PYTHONS
from tests.docs.pages import ROOT, headings, links
from tests.pins import pyproject

PAGES = [ROOT / name for name in ("CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md")]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_beside_the_code_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        assert (page.parent / path).exists(), link
        assert not anchor or anchor in headings(page.parent / path), link


def test_every_path_and_module_that_contributors_are_led_to_exists() -> None:
    spans = re.findall(r"`([^`\n]+)`", PAGES[0].read_text("utf-8"))
    paths = [span for span in spans if re.fullmatch(r"\.?[\w./-]+", span) and "/" in span and "NAME" not in span]
    modules = [span.split()[-1].replace(".", "/") for span in spans if span.startswith("python -m ")]
    assert len(paths) > 15 and len(modules) > 4
    missing = [path for path in paths if not (ROOT / path).exists()]
    missing += [path for path in modules if not ((ROOT / f"{path}.py").exists() or (ROOT / path).exists())]
    assert missing == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_issue_form_asks_for_what_doctor_says(form: Path) -> None:
    told = yaml.safe_load(form.read_text("utf-8"))
    assert {"name", "description", "body"} <= told.keys()
    fields = [part for part in told["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    assert any("kfpipe doctor --json" in part["attributes"]["label"] for part in fields)


def test_a_release_tests_the_wheel_it_has_built_on_every_python_and_attests_it() -> None:
    jobs = read(".github/workflows/release.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == PYTHONS
    assert (jobs["test"]["needs"], jobs["publish"]["needs"]) == ("build", "test")
    built = [name for name, job in jobs.items() for step in job["steps"] if "-m build" in step.get("run", "")]
    assert built == ["build"]
    used = [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"] if "uses" in step]
    assert {"actions/attest-build-provenance", "actions/attest-sbom"} <= set(used)
    assert "cyclonedx-py" in "".join(step.get("run", "") for step in jobs["build"]["steps"])
    assert not [job for job in ("build", "test") if "write" in jobs[job]["permissions"].values()]
    for job in jobs.values():
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_a_release_publishes_the_site_beside_those_of_other_versions() -> None:
    job = read(".github/workflows/release.yml")["jobs"]["site"]
    assert job["needs"] == "publish" and job["steps"][0]["with"] == {"fetch-depth": 0}
    assert "mike deploy --push --update-aliases" in job["steps"][-1]["run"]
    assert "  version: {provider: mike}" in (ROOT / "mkdocs.yml").read_text("utf-8")
    assert any(line.startswith("mike") for line in pyproject()["project"]["optional-dependencies"]["docs"])


def test_the_image_has_a_base_of_choice_no_root_and_a_check_of_its_health() -> None:
    words = [line.split()[0] for line in DOCKERFILE.splitlines() if line and line[0].isalpha()]
    assert words[0] == "ARG" and DOCKERFILE.count("FROM ${BASE}") == words.count("FROM") == 2
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER kfpipe$", last, re.MULTILINE) and "root" not in last
    assert re.search(r"^HEALTHCHECK .*CMD \[\"kfpipe\", \"doctor\"", last, re.MULTILINE)
    extras = set(re.findall(r"\w+", re.search(r"'\.\[(.*)\]'", DOCKERFILE)[1]))  # type: ignore[index]
    assert extras <= pyproject()["project"]["optional-dependencies"].keys()


def test_the_extras_that_the_page_of_commands_names_are_there() -> None:
    section = (ROOT / "docs/commands.md").read_text("utf-8").partition("## Extras")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert len(named) > 4 and named <= pyproject()["project"]["optional-dependencies"].keys()


def test_what_the_image_copies_is_there_and_is_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists() and source in let_in, source


def test_the_service_of_the_compose_file_gets_no_more_than_it_needs() -> None:
    (service,) = read("compose.yaml")["services"].values()
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert all(value is None for name, value in service["environment"].items() if "KEY" in name), "no key in the file"


def test_the_compose_file_of_the_cluster_holds_no_secret() -> None:
    services = read("compose.cluster.yaml")["services"]
    worker = services["worker"]
    assert worker["read_only"] and worker["cap_drop"] == ["ALL"] and worker["deploy"]["replicas"] == 2
    assert worker["environment"]["DASHSCOPE_API_KEY"] is None
    assert services["database"]["environment"]["POSTGRES_PASSWORD_FILE"].startswith("/run/secrets/")


def test_the_citation_is_of_this_version() -> None:
    told = read("CITATION.cff")
    assert (told["version"], told["license"]) == (__version__, pyproject()["project"]["license"])


def test_the_version_is_the_same_wherever_it_stands() -> None:
    assert pyproject()["project"]["version"] == __version__
    released = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released[0] == __version__
    shown = re.findall(r"(?:rev: |kfpipe@)v(\S+)", (ROOT / "docs/howto/ci.md").read_text("utf-8"))
    assert shown and {*shown} == {__version__}
