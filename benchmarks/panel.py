"""Time the panels' networks side by side against the same networks one by one: ratios of one run.

Run as ``python benchmarks/panel.py``, on one core. The arms are those of ``livegrad_lab.panel`` at
all rates of gradient descent, 3 hidden layers of 32 units. One by one, they are trained by
``MLP.fit`` and by Keras's ``fit``, whose compiling is counted apart.
"""

from __future__ import annotations

import os
import time

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from dataclasses import replace

import keras
import numpy as np

from livegrad import MLP
from livegrad_lab import panel
from livegrad_lab.blocks import Blocks, Network
from livegrad_lab.stack import Stack

EPOCHS = 6
SOME = 4  # so many of the arms are trained one by one, and their mean time counts


def main() -> None:
    """Print the ratios and a line for each."""
    (x, y), *_ = panel.examples("digits", 0)
    widths = [64, 32, 32, 32, 10]
    rates = panel.GRIDS["sgd"]
    arms = {
        f"{name}|{rate}": replace(arm, learning_rate=rate)
        for name, arm in panel.ARMS.items()
        for rate in rates
    }
    start = time.perf_counter()
    Stack(widths, arms, 0).fit(x, y, EPOCHS, panel.BATCH)
    together = (time.perf_counter() - start) / len(arms)
    networks = {
        str(rate): Network(learning_rate=rate) for rate in np.geomspace(0.003, 3, len(arms))
    }
    start = time.perf_counter()
    Blocks("plain", 64, 32, 3, 10, networks, 0, dtype=np.float32).fit(x, y, EPOCHS, panel.BATCH)
    single = (time.perf_counter() - start) / len(networks)

    some = [arm for arm in arms.values() if isinstance(arm.initializer, str)]
    some = some[:: len(some) // SOME][:SOME]
    alone, keras_fit, compiling = [], [], []
    for arm in some:
        start = time.perf_counter()
        net = MLP(widths, arm.activation, arm.initializer, "multiclass", rng=0)
        net.fit(x, y, EPOCHS, arm.learning_rate, batch_size=panel.BATCH, progress=False)
        alone.append(time.perf_counter() - start)
        layers = [keras.layers.Dense(width, arm.activation) for width in widths[1:-1]]
        model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(arm.learning_rate), loss)
        start = time.perf_counter()
        model.fit(x, y, batch_size=panel.BATCH, epochs=1, verbose=0)
        middle = time.perf_counter()
        model.fit(x, y, batch_size=panel.BATCH, epochs=EPOCHS, verbose=0)
        keras_fit.append(time.perf_counter() - middle)
        compiling.append(middle - start)
    print(f"{len(arms)} networks, {EPOCHS} epochs of {len(x)} images, seconds a network")
    print(f"side by side {together:.4f}, in single precision {single:.4f}")
    for name, times in [("MLP.fit", alone), ("Keras fit", keras_fit)]:
        mean = np.mean(times)
        print(f"{name:12} {mean:.4f}, {mean / together:.1f} and {mean / single:.1f} times")
    print(f"Keras's first epoch, with compiling: {np.mean(compiling):.2f}")


if __name__ == "__main__":
    main()
