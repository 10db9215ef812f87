"""What is released: one version everywhere, whole artifacts, workflows that give nothing away."""

import importlib.util
import shutil
import subprocess
import sysconfig
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# What the format 1.2.0 asks of a file like ours.
CITATION = {
    "type": "object",
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "type": {"enum": ["software", "dataset"]},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "date-released": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "license": {"enum": ["MIT", "CC-BY-4.0"]},
        "keywords": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "authors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "anyOf": [{"required": ["name"]}, {"required": ["family-names"]}],
            },
        },
        **{name: {"type": "string", "minLength": 1} for name in ("message", "title", "abstract")},
    },
}


def loaded(name):
    """Return a module of the folder .ci, whose programs need no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


alone, tagged = loaded("alone"), loaded("tagged")


def test_package_changelog_and_citation_name_one_version():
    assert tagged.amiss() == []
    assert f'version = "{version("livegrad")}"' in (ROOT / "pyproject.toml").read_text("utf-8")


NAMES = ("pyproject.toml", "CHANGELOG.md", "CITATION.cff")


@pytest.fixture
def tree(tmp_path):
    """A tree that is ready to be released as 1.2.3."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2026-01-01\n")
    (tmp_path / "CITATION.cff").write_text("version: 1.2.3\ndate-released: 2026-01-02\n")
    assert tagged.amiss(tmp_path, "v1.2.3") == []
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_version_that_differs_is_caught(tree, name):
    text = (tree / name).read_text()
    (tree / name).write_text(text.replace("1.2.3", "1.2.4"))
    assert tagged.amiss(tree)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("CITATION.cff", "2026-01-02", "2026-01-03"),
        ("CITATION.cff", "date-released: 2026-01-02\n", ""),
        ("CHANGELOG.md", "1.2.2] - 2026-01-01", "1.2.2] - unreleased"),
        ("CHANGELOG.md", " - 2026-01-02", ""),
    ],
)
def test_a_day_that_is_missing_or_differs_is_caught(tree, name, old, new):
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))
    assert tagged.amiss(tree)


def test_a_tag_of_another_version_or_of_an_unreleased_one_is_caught(tree):
    assert tagged.amiss(tree, "v1.2.4") == ["the tag is v1.2.4, pyproject.toml is of 1.2.3"]
    (tree / "CHANGELOG.md").write_text("## [1.2.3] - unreleased\n")
    (tree / "CITATION.cff").write_text("version: 1.2.3\n")
    assert tagged.amiss(tree) == []
    assert tagged.amiss(tree, "v1.2.3") == ["CHANGELOG.md names no day for 1.2.3"]


def citation():
    # A day stays text, as the format has it.
    return yaml.load((ROOT / "CITATION.cff").read_text("utf-8"), yaml.BaseLoader)


def test_the_citation_file_is_valid():
    jsonschema.validate(citation(), CITATION)


@pytest.mark.parametrize(
    "change",
    [{"authors": []}, {"cff-version": "1.1.0"}, {"titel": "x"}, {"version": "1"}, {"license": "X"}],
)
def test_a_citation_file_that_is_not_valid_is_caught(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(citation() | change, CITATION)


MODULES = ["livegrad/__init__.py", "livegrad/a/b.py", "livegrad_lab/a/b.py"]
WHOLE = {
    True: [*MODULES, *alone.READ, "livegrad-1.dist-info/licenses/LICENSE"],
    False: [*(f"src/{name}" for name in [*MODULES, *alone.READ]), "LICENSE", "README.md"],
}
TEXT = {True: "livegrad-1.dist-info/licenses/LICENSE-TEXT", False: "LICENSE-TEXT"}


@pytest.mark.parametrize("wheel", [True, False])
def test_what_is_too_much_or_missing_in_an_artifact_is_caught(wheel):
    names = [*WHOLE[wheel], TEXT[wheel]]
    assert alone.amiss(names, MODULES, wheel) == []
    for stray in ("tests/test_a.py", "docs/index.md", "src/livegrad/a.so", ".github/x.yml"):
        assert alone.amiss([*names, stray], MODULES, wheel) == [f"{stray} is of no use"]
    for name in names:
        rest = [other for other in names if other != name]
        needed = name != "README.md"
        assert bool(alone.amiss(rest, MODULES, wheel)) is needed, name


def test_the_readme_s_example_is_the_one_that_is_tried():
    code, output = alone.example((ROOT / "README.md").read_text("utf-8"))
    assert "measure(net, x, y)" in code and "vanishing-gradient" in output
    with pytest.raises(ValueError, match="no example"):
        alone.example("```python\n1\n```\n")


def audited(folder):
    """What zizmor finds in the workflows of a folder, without the network."""
    program = Path(sysconfig.get_path("scripts")) / "zizmor"
    command = [program, "--offline", "--no-progress", "--format=plain", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_the_workflows_pass_the_audit():
    assert len(WORKFLOWS) >= 4
    code, said = audited(ROOT / ".github" / "workflows")
    assert code == 0, said


@pytest.mark.parametrize(
    ("fault", "instead", "audit"),
    [
        ("08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5", "unpinned-uses"),
        (
            "permissions:\n      contents: read\n",
            "permissions: write-all\n",
            "excessive-permissions",
        ),
        ("          persist-credentials: false\n", "          clean: true\n", "artipacked"),
        ("nox -s audit", "echo ${{ github.head_ref }}", "template-injection"),
    ],
)
def test_the_audit_catches(tmp_path, fault, instead, audit):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = (ROOT / ".github" / "workflows" / "audit.yml").read_text("utf-8")
    (folder / "audit.yml").write_text(text)
    assert audited(folder)[0] == 0
    assert fault in text
    (folder / "audit.yml").write_text(text.replace(fault, instead))
    code, said = audited(folder)
    assert code != 0 and audit in said


def granted():
    """Each job of each workflow with what it may do."""
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {}, path
        for name, job in workflow["jobs"].items():
            yield f"{path.stem}.{name}", job


def test_a_job_may_do_what_it_must_and_no_more():
    writes = {
        name: sorted(what for what, how in job["permissions"].items() if how == "write")
        for name, job in granted()
        if "write" in job["permissions"].values()
    }
    assert writes == {
        "release.publish": ["id-token"],
        "pages.keep": ["contents"],
        "pages.deploy": ["id-token", "pages"],
    }
    for name, job in granted():
        used = [step.get("uses", "") for step in job.get("steps", [])]
        runs_ours = any("checkout" in action for action in used)
        assert not (runs_ours and name in writes), f"{name} runs the repository's code"


def test_only_the_publishing_job_stands_behind_the_environment_of_pypi():
    behind = {name for name, job in granted() if job.get("environment", {}).get("name") == "pypi"}
    assert behind == {"release.publish"}


def test_a_wheel_can_be_looked_into(tmp_path):
    made = shutil.make_archive(str(tmp_path / "a"), "zip", ROOT / "src", "livegrad/dropout.py")
    wheel = Path(made).rename(tmp_path / "a.whl")
    assert "livegrad/dropout.py" in alone.members(wheel)


def test_who_reports_an_error_is_asked_for_the_block_that_shows_it():
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / "error-on-a-page.yml"
    form = yaml.safe_load(path.read_text("utf-8"))
    fields = {part["id"]: part for part in form["body"] if part["type"] != "markdown"}
    assert {"page", "sentence", "block", "versions"} <= fields.keys()
    assert all(part["validations"]["required"] for part in fields.values())
    assert fields["block"]["attributes"]["render"] == "python"
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "the block that shows it" in " ".join((ROOT / name).read_text("utf-8").split())
