"""A machine's arithmetic has a name, which a last bit changes."""

import subprocess
import sys

import numpy as np
import pytest

from livegrad_lab.arithmetic import arithmetic


def test_another_process_has_the_same():
    code = "from livegrad_lab.arithmetic import arithmetic; print(arithmetic())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == arithmetic()


@pytest.mark.parametrize("name", ["exp", "tanh", "log1p"])
def test_a_last_bit_makes_another(monkeypatch, name):
    function = getattr(np, name)

    def other(x):
        values = function(x)
        values.flat[0] = np.nextafter(values.flat[0], np.inf)
        return values

    before = arithmetic.__wrapped__()
    monkeypatch.setattr(np, name, other)
    assert arithmetic.__wrapped__() != before
