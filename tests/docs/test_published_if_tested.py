"""Nothing is published but what passed all tests in the same run, and it is not built again."""

import copy
import importlib.util
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TESTED = "$/.github/workflows/tested.yml"
# Words of a command or of an action that hands something to readers, whatever it may do by rights.
PUBLISHES = re.compile(
    r"deploy-pages|gh-action-pypi-publish|gh-pages@|git push|twine upload|uv publish|hatch publish"
    r"|gh release|action-gh-release|gh-deploy|mike deploy|--push\b"
)
BUILDS = re.compile(
    r"\.ci/run|nox -s (?:build|release|tests)\b|mkdocs build|mike deploy|uv build|python -m build"
    r"|hatch build|pip wheel"
)


def workflows():
    """Each workflow by its file's name."""
    return {
        path.name: yaml.safe_load(path.read_text("utf-8"))
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    }


def said(step):
    return f"{step.get('uses', '')}\n{step.get('run', '')}"


def writes(permissions):
    if isinstance(permissions, str):
        return permissions == "write-all"
    return "write" in (permissions or {}).values()


def publishes(workflow, job):
    """Whether a job may change what readers get, by its rights or by what it does."""
    rights = job.get("permissions", workflow.get("permissions", "write-all"))
    return writes(rights) or any(PUBLISHES.search(said(step)) for step in job.get("steps", []))


def before(jobs, name):
    """Names of the jobs that a job waits for, directly or not."""
    needs = jobs[name].get("needs", [])
    names = [needs] if isinstance(needs, str) else needs
    return set(names).union(*(before(jobs, other) for other in names))


def uploads(job):
    """Names of the artifacts that a job hands on."""
    for step in job.get("steps", []):
        if "upload-pages-artifact@" in step.get("uses", ""):
            yield step.get("with", {}).get("name", "github-pages")
        elif "upload-artifact@" in step.get("uses", ""):
            yield step["with"]["name"]


def lax(job):
    """Why a job, or one of its steps, goes on where something failed."""
    parts = [job, *job.get("steps", [])]
    if any(part.get("continue-on-error") for part in parts):
        yield "goes on after an error"
    # Any condition of its own may be true where a job before it failed.
    if any("if" in part for part in parts):
        yield "has a condition"


def foreign(job, known):
    """Artifacts that a job takes from elsewhere than the jobs before it."""
    for step in job.get("steps", []):
        if "download-artifact@" in step.get("uses", ""):
            given = step.get("with", {})
            if given.get("name") not in known or {"run-id", "repository"} & set(given):
                yield f"takes {given.get('name')} from elsewhere"


def faults(found):
    """What is published untested, as lines of text."""
    (tests,) = found["tested.yml"]["jobs"].values()
    artifacts = set(uploads(tests))
    steps = [said(step) for step in tests["steps"]]
    wrong = [f"tested.yml: {why}" for why in lax(tests)]
    if found["tested.yml"][True].keys() != {"workflow_call"}:
        wrong.append("tested.yml: is started by itself")
    ran = next((at for at, step in enumerate(steps) if step.strip() == ".ci/run"), None)
    if ran is None or any("upload" in step for step in steps[:ran]):
        wrong.append("tested.yml: hands on what was not tested")
    if any("run" in step for step in tests["steps"][(ran or 0) + 1 :]):
        wrong.append("tested.yml: changes what was tested")
    if any("ref" in step.get("with", {}) for step in tests["steps"]):
        wrong.append("tested.yml: tests another commit")
    for file, workflow in found.items():
        jobs = workflow["jobs"]
        for name, job in jobs.items():
            if not publishes(workflow, job):
                continue
            chain = before(jobs, name)
            where = f"{file}, {name}"
            tested = {other for other in chain if jobs[other].get("uses") == TESTED}
            if not tested:
                wrong.append(f"{where}: does not wait for the tests")
            known = set(artifacts)
            for other in chain - tested:
                wrong += [f"{where}: {other} {why}" for why in lax(jobs[other])]
                if tested & before(jobs, other):
                    known |= set(uploads(jobs[other]))
                elif any(uploads(jobs[other])):
                    wrong.append(f"{where}: {other} hands on what was not tested")
            for other in [*chain, name]:
                wrong += [f"{where}: {other} {why}" for why in foreign(jobs[other], known)]
                if any(BUILDS.search(said(step)) for step in jobs[other].get("steps", [])):
                    wrong.append(f"{where}: {other} builds anew")
            wrong += [f"{where}: {why}" for why in lax(job)]
            takes = [step for step in job.get("steps", []) if "artifact@" in step.get("uses", "")]
            if not takes and "github-pages" not in known:
                wrong.append(f"{where}: publishes no artifact")
    return wrong


def test_only_what_passed_the_tests_is_published():
    found = workflows()
    publishing = {
        f"{file}, {name}"
        for file, workflow in found.items()
        for name, job in workflow["jobs"].items()
        if publishes(workflow, job)
    }
    assert publishing == {"pages.yml, keep", "pages.yml, deploy", "release.yml, publish"}
    assert faults(found) == []


@pytest.fixture
def found():
    return copy.deepcopy(workflows())


def job(found, place):
    file, name = place.split(".")
    return found[f"{file}.yml"]["jobs"][name]


def without(place, key):
    return lambda found: job(found, place).pop(key)


def given(place, **values):
    return lambda found: job(found, place).update(values)


def step(place, at, **values):
    return lambda found: job(found, place)["steps"].insert(at, values)


def changed(place, at, **values):
    return lambda found: job(found, place)["steps"][at].update(values)


DOWNLOAD = "actions/download-artifact@x"
UPLOAD = "actions/upload-artifact@x"


@pytest.mark.parametrize(
    ("plant", "complaint"),
    [
        (without("release.publish", "needs"), "release.yml, publish: does not wait for the tests"),
        (given("release.publish", needs="tagged"), "does not wait for the tests"),
        (without("pages.versions", "needs"), "pages.yml, deploy: does not wait for the tests"),
        (given("pages.tested", uses="$/.github/workflows/other.yml"), "does not wait"),
        (given("pages.tested", uses=None, steps=[{"run": "true"}]), "does not wait for the tests"),
        (given("audit.dependencies", permissions={"contents": "write"}), "audit.yml, dependencies"),
        (without("audit.dependencies", "permissions"), None),
        (step("audit.dependencies", 9, run="uv publish"), "audit.yml, dependencies: does not wait"),
        (step("audit.dependencies", 9, run="git push origin"), "audit.yml, dependencies"),
        (given("pages.deploy", **{"if": "always()"}), "pages.yml, deploy: has a condition"),
        (given("pages.versions", **{"if": "!cancelled()"}), "versions has a condition"),
        (given("pages.keep", **{"continue-on-error": True}), "goes on after an error"),
        (step("pages.versions", 9, run="nox -s build"), "versions builds anew"),
        (step("release.publish", 0, run="uv build"), "publish builds anew"),
        (step("pages.versions", 9, run="mike deploy dev"), "versions builds anew"),
        (changed("release.publish", 0, **{"with": {"name": "other"}}), "takes other from else"),
        (
            changed("release.publish", 0, **{"with": {"name": "dist", "run-id": "7"}}),
            "takes dist from elsewhere",
        ),
        (lambda found: job(found, "release.publish")["steps"].pop(0), "publishes no artifact"),
        (
            step("pages.address", 0, uses=UPLOAD, **{"with": {"name": "site"}}),
            "address hands on what was not tested",
        ),
        (step("tested.tests", 0, uses=UPLOAD, **{"with": {"name": "x"}}), "hands on what was not"),
        (changed("tested.tests", 2, run=".ci/run || true"), "hands on what was not tested"),
        (changed("tested.tests", 2, **{"continue-on-error": True}), "goes on after an error"),
        (changed("tested.tests", 3, **{"if": "always()"}), "tested.yml: has a condition"),
        (step("tested.tests", 3, run="mkdocs build"), "tested.yml: changes what was tested"),
        (changed("tested.tests", 0, **{"with": {"ref": "main"}}), "tests another commit"),
        (lambda found: found["tested.yml"][True].update(push=None), "is started by itself"),
    ],
)
def test_what_would_be_published_untested_is_caught(found, plant, complaint):
    plant(found)
    if complaint is None:  # the workflow's own rights, none, then hold
        assert faults(found) == []
    else:
        assert any(complaint in fault for fault in faults(found)), faults(found)


def test_rights_that_no_workflow_takes_away_count(found):
    found["audit.yml"].pop("permissions")
    without("audit.dependencies", "permissions")(found)
    assert "audit.yml, dependencies: does not wait for the tests" in faults(found)


spec = importlib.util.spec_from_file_location("versions_ci", ROOT / ".ci" / "versions.py")
versions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(versions)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of one commit, in whose folder the test runs."""
    monkeypatch.chdir(tmp_path)
    for name, value in versions.WHO.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def built(folder, text):
    """A built site of few files."""
    (folder / "a").mkdir(parents=True, exist_ok=True)
    for name in ("index.html", "404.html", "sitemap.xml", "a/index.html"):
        (folder / name).write_text(f'{{"provider": "mike"}} {name} {text}')
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def laid(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_what_was_tested_is_what_lies_under_its_version(repository):
    site, out = repository / "site", repository / "versions"
    first = built(site, "one")
    versions.keep(site, "main")
    versions.lay_out(out)
    assert laid(out / "dev") == first and "dev/" in (out / "index.html").read_text()
    second = built(site, "two")
    versions.keep(site, "v0.1.0")
    versions.lay_out(out)
    assert laid(out / "dev") == first and laid(out / "0.1") == laid(out / "latest") == second
    assert "latest/" in (out / "index.html").read_text()
    assert (out / "404.html").read_bytes() == (out / "latest" / "404.html").read_bytes()
    third = built(site, "three")
    versions.keep(site, "v0.1.1")
    versions.lay_out(out)
    assert laid(out / "dev") == first and laid(out / "0.1") == third
    assert laid(site) == third


def test_in_a_fresh_clone_the_versions_that_are_there_stay(repository, monkeypatch):
    first = built(repository / "site", "one")
    versions.keep(repository / "site", "v0.1.0")
    subprocess.run(["git", "clone", "--quiet", repository, repository / "clone"], check=True)
    monkeypatch.chdir(repository / "clone")
    second = built(Path("site"), "two")
    versions.keep(Path("site"), "main")
    versions.lay_out(Path("versions"))
    assert laid(Path("versions/latest")) == first and laid(Path("versions/dev")) == second


def test_a_site_that_is_no_version_is_not_laid_beside_them(repository):
    built(repository / "site", "one")
    (repository / "site" / "index.html").write_text("<p>")
    with pytest.raises(ValueError, match="without MIKE_DOCS_VERSION"):
        versions.keep(repository / "site", "main")


@pytest.mark.parametrize(
    ("reference", "version"), [("v0.1.0", "0.1"), ("v1.20.3", "1.20"), ("main", "dev"), ("", "dev")]
)
def test_the_site_is_built_as_the_version_that_it_becomes(reference, version):
    assert versions.names(reference)[0] == version
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert '.ci/versions.py --name "${GITHUB_REF_NAME:-}"' in script


def test_each_job_of_ci_installs_what_was_locked():
    for path in [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / ".ci" / "run"]:
        for line in path.read_text("utf-8").splitlines():
            if "pip install" in line and "sed" not in line:
                assert "pip install --require-hashes" in line or "--quiet --require-hashes" in line
                assert "--requirement .ci/nox.lock" in line, f"{path.name}: {line}"


def test_nox_is_locked_with_its_hashes_and_without_an_address():
    text = (ROOT / ".ci" / "nox.lock").read_text("utf-8")
    assert re.search(r"^nox==[\d.]+ \\\n    --hash=sha256:", text, re.MULTILINE)
    assert re.search(r"^uv==[\d.]+ \\\n    --hash=sha256:", text, re.MULTILINE)
    assert "http" not in text


class Session:
    """A session of nox that writes down what it would run."""

    def __init__(self, tmp_path):
        self.ran = []
        self.tmp = tmp_path
        self.posargs = []

    def install(self, *names):
        pass

    def create_tmp(self):
        return str(self.tmp)

    def run(self, *command, **_):
        self.ran.append(" ".join(map(str, command)))


def test_the_audit_asks_of_the_locked_and_of_the_lowest_versions(tmp_path, monkeypatch):
    nox = types.ModuleType("nox")
    nox.options, nox.Session = types.SimpleNamespace(), Session
    nox.session = lambda made=None, **_: made or (lambda one: one)
    monkeypatch.setitem(sys.modules, "nox", nox)
    space = {}
    exec((ROOT / "noxfile.py").read_text("utf-8"), space)
    session = Session(tmp_path)
    space["audit"](session)
    lowest = f"{tmp_path}/lowest.txt"
    (made,) = [line for line in session.ran if line.startswith("uv pip compile")]
    assert "--resolution lowest-direct --extra keras" in made and "--generate-hashes" in made
    assert f"--output-file={lowest} pyproject.toml" in made
    audits = [line for line in session.ran if line.startswith("pip-audit")]
    assert [line.split()[2] for line in audits] == ["requirements.lock", lowest]
    assert session.ran.index(made) < session.ran.index(audits[1])


def test_no_version_of_keras_is_allowed_whose_safe_mode_can_be_got_round():
    # CVE-2025-9906: mended in 3.11.0.
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    floor = re.search(r'"keras>=([\d.]+)"', text)[1]
    assert tuple(map(int, floor.split("."))) >= (3, 11, 0)
