"""Faults of mask / keep."""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import adam, binary, dense, measured, stack, two_classes


@fault("the share kept taken for the rate", "dropout-rate", "mask_1", "keras.layers.Dropout(0.2)")
def _the_share_kept_taken_for_the_rate(mended: bool) -> Patient:
    import keras

    x, y = binary()
    layers: list[Any] = []
    for at in (1, 2, 3):
        rate = 0.2 if mended else 0.95
        layers += [
            dense(16, "relu", f"hidden_{at}"),
            keras.layers.Dropout(rate, name=f"mask_{at}"),
        ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y)


@fault("dropout on the output", "dropout-rate", "mask", "without mask")
def _dropout_on_the_output(mended: bool) -> Patient:
    import keras

    x, y = measured()
    layers = [dense(32, "relu", "hidden_1"), dense(1, None, "output")]
    if not mended:
        layers.append(keras.layers.Dropout(0.5, name="mask"))
    model = stack(x, *layers)
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")
