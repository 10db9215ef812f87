"""The commands that the README and CONTRIBUTING name are those that the noxfile has."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sessions_named(text):
    return set(re.findall(r"nox -s ([a-z]+)", text))


def sessions_defined():
    return set(
        re.findall(
            r"^@nox\.session(?:\(.*\))?$\n^def (\w+)\(",
            (ROOT / "noxfile.py").read_text(),
            re.MULTILINE,
        )
    )


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_each_command_named_is_a_session(name):
    assert sessions_named((ROOT / name).read_text("utf-8")) <= sessions_defined()


def test_the_readme_has_its_two_commands_and_contributing_all():
    assert sessions_named((ROOT / "README.md").read_text("utf-8")) == {"serve", "tests"}
    assert sessions_named((ROOT / "CONTRIBUTING.md").read_text("utf-8")) == sessions_defined()


def test_ci_runs_the_readme_s_own_test_command():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    pattern = re.search(r"sed -n '/(\^.*\$)/p' README.md", script)[1]
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert [line for line in lines if re.search(pattern, line)] == [
        'pip install "nox[uv]" && nox -s tests'
    ]
