"""What the doctor's tests share."""

import sys

import keras
import pytest


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
