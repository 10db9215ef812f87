"""The same model and data on each backend of Keras: the same findings, and the same numbers."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys

import keras
import pytest

from livegrad.doctor import examine
from livegrad_lab.faults.frameworks import FAULTS, in_keras

# TensorFlow alone goes past a softmax or a sigmoid, to what it was given. Its loss is another where
# the softmax was none for the loss, or where probabilities are at their ends.
PASSED = ("softmax taken for logits", "one feature in the thousands")

TOLD = """
import json
import keras
from tests.doctor.test_keras_elsewhere import FAULTS, told
print(json.dumps([keras.backend.backend(), {name: told(name) for name in FAULTS}]))
"""


@functools.cache
def told(name):
    """Return what an examination of a fault tells, as plain values."""
    stack = FAULTS[name]()
    found = examine(*in_keras(stack))
    return {
        "expected": [stack.code, stack.layer],
        "findings": [[one.code, one.layer] for one in found.findings],
        "unjudged": list(found.unjudged),
        "layers": [[one.layer, one.activation] for one in found.layers],
        "gains": [one.gain for one in found.layers],
        "signals": [one.signal_gain for one in found.layers],
        "loss": found.loss,
    }


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend_tells_the_same(backend, root):
    pytest.importorskip(backend, reason=f"needs livegrad[{backend}]")
    more = {"KERAS_BACKEND": backend, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    ran = subprocess.run(
        [sys.executable, "-c", TOLD],
        cwd=root,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    which, there = json.loads(ran.stdout.splitlines()[-1])
    assert which == backend != keras.backend.backend() and set(there) == set(FAULTS)
    near = {"rel": 1e-5, "nan_ok": True}
    for name, other in there.items():
        here = told(name)
        assert other["findings"] == here["findings"] == [other["expected"]], name
        for key in ("unjudged", "layers"):
            assert other[key] == here[key], name
        if name in PASSED:
            continue
        assert other["loss"] == pytest.approx(here["loss"], **near), name
        assert other["gains"] == pytest.approx(here["gains"], **near), name
        # Ten sigmoid layers leave a spread over the examples of some roundings, which are others.
        rounded = near | ({"rel": 0.02} if name == "ten sigmoid layers" else {})
        assert other["signals"] == pytest.approx(here["signals"], **rounded), name
