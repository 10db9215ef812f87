"""Drills: the package is changed on purpose, and the pages alone must notice.

The full measurement is ``nox -s drift``. These few changes are made in each run of the tests, most
of them to data outside of functions, which that measurement cannot change.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["docs/reference/values.md", "docs/reference/gallery.md", "docs/outputs/index.md"]

DRILLS = {
    "none": ("dropout.py", "array / keep", "array / keep"),
    "a constant of SELU": ("activations.py", "SELU_ALPHA = 1.673", "SELU_ALPHA = 1.672"),
    "a derivative": ("activations.py", "_softplus, _sigmoid)", "_softplus, _step)"),
    "a range": ("activations.py", '"tanh", (-1.0, 1.0)', '"tanh", (-1.0, 2.0)'),
    "a pairing": ("activations.py", '"no", "glorot_uniform"', '"no", "he_normal"'),
    "a truncation": ("initializers.py", "STDDEV = 0.8796", "STDDEV = 0.8896"),
    "a default": ("initializers.py", '"stddev": 0.05', '"stddev": 0.06'),
    "a variance": ("initializers.py", "(maxval - minval) / 12", "(maxval - minval) / 13"),
    "a scale at inference": ("dropout.py", "if not training or rate == 0", "if rate == 0"),
    "a loss": ("outputs.py", '"mean_squared_error"', '"mean_absolute_error"'),
    "a threshold": ("signals.py", "(0.005, 20.0)", "(0.004, 20.0)"),
    "a verdict's name": ("signals.py", '    "dead-units",\n', '    "dying-units",\n'),
    "a sign on the way back": ("optimizers.py", "velocity -= rate", "velocity += rate"),
    "a colour": ("_svg.py", "#0072b2", "#0072b3"),
}


@pytest.mark.parametrize("drill", DRILLS)
def test_the_pages_alone_notice_a_change(drill, tmp_path):
    name, old, new = DRILLS[drill]
    shutil.copytree(ROOT / "src", tmp_path / "src")
    module = tmp_path / "src" / "livegrad" / name
    text = module.read_text("utf-8")
    assert text.count(old) >= 1, "the drill no longer fits the code"
    module.write_text(text.replace(old, new), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *PAGES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        # A record that was kept would hide the change: its digest is of the sources that are here.
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src"), "LIVEGRAD_CACHE": ""},
    )
    expected = 0 if drill == "none" else 1
    assert ran.returncode == expected, ran.stdout + ran.stderr
