"""The judge knows no framework: it is loaded without one, and none of its modules names one."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

import livegrad.doctor
from livegrad.doctor import Examination
from livegrad.doctor._report import NOWHERE

HOME = pathlib.Path(livegrad.doctor.__file__).parent
FRAMEWORKS = {"keras", "tensorflow", "torch", "jax", "jaxlib", "flax", "optax"}
JUDGE = [
    *["_architecture", "_examples", "_facts", "_gradients", "_heads", "_judge", "_learning"],
    *["_normalization", "_path", "_penalty", "_report", "_sequences", "_signals", "_steps"],
    *["_trial", "_weights"],
]


def packages(path):
    """The outermost packages that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name.partition(".")[0] for name in found} | {
        part for name in found if name.startswith("livegrad.doctor.") for part in name.split(".")
    }


def test_the_judge_is_loaded_without_a_framework():
    code = (
        "import sys, livegrad.doctor._judge; "
        f"print(sorted({FRAMEWORKS!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", JUDGE)
def test_no_module_of_the_judge_names_a_framework_or_its_probe(name):
    used = packages(HOME / f"{name}.py")
    probes = {path.name for path in HOME.iterdir() if path.is_dir()}
    assert "_keras" in probes and not used & (FRAMEWORKS | probes)


def test_the_probe_of_keras_names_no_backend_but_where_they_differ():
    used = {path.stem: packages(path) & FRAMEWORKS for path in (HOME / "_keras").glob("*.py")}
    assert used["probe"] == used["layers"] == used["outputs"] == {"keras"}
    assert used["backend"] == {"keras", "tensorflow", "torch", "jax"}


def test_each_module_beside_the_probes_is_the_judges_or_the_face():
    modules = {path.stem for path in HOME.glob("*.py")}
    assert modules == {*JUDGE, "__init__", "_command", "_given", "_logged", "_page"}


def test_a_model_that_trials_lead_nowhere_is_not_called_healthy():
    nothing = ((), 1.0, 1.0, 0.7)
    stuck = Examination((), ("what happens inside it", NOWHERE), *nothing)
    assert not stuck.healthy and stuck.to_dict()["healthy"] is False
    assert stuck.conclusion.startswith("It does not learn, and no fault was found: 30 steps")
    assert Examination((), ("what happens inside it",), *nothing).healthy
