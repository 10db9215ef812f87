"""Print what an examination costs, in steps of training, on fifty dense layers."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np

from livegrad.doctor import examine

LAYERS, WIDTH, ROWS = 50, 512, 256


def model_and_data() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Return fifty ReLU layers with he_normal, and a batch."""
    keras.utils.set_random_seed(0)
    hidden = [
        keras.layers.Dense(WIDTH, activation="relu", kernel_initializer="he_normal")
        for _ in range(LAYERS)
    ]
    output = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((WIDTH,)), *hidden, output])
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", jit_compile=False)
    x = np.random.default_rng(0).standard_normal((ROWS, WIDTH)).astype("float32")
    return model, x, (x[:, 0] > 0).astype("float32")


def seconds(act) -> float:
    """Return the time that ``act()`` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def resident() -> float:
    """Return the process's memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def memory(what: str) -> None:
    """Print what steps, or an examination, add to a process that has TensorFlow and the model."""
    model, x, y = model_and_data()
    model(x[:2])
    before = resident()
    seen = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            seen.append(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    if what == "step":
        for _ in range(3):
            model.train_on_batch(x, y)
    else:
        examine(model, x, y)
    done.set()
    watcher.join()
    print(max(seen) - before)


def main() -> None:
    """Time in one process, memory in one each."""
    model, x, y = model_and_data()
    model.train_on_batch(x, y)
    step = float(np.median([seconds(lambda: model.train_on_batch(x, y)) for _ in range(9)]))
    examination = seconds(lambda: examine(model, x, y))
    allowed = 3 * step + 2
    print(f"a training step, compiled:   {step:6.2f} s")
    print(f"the first examination:       {examination:6.2f} s")
    print(f"allowed, 3 steps and 2 s:    {allowed:6.2f} s, used {examination / allowed:.0%}")
    added = {}
    for what in ("step", "examination"):
        done = subprocess.run(
            [sys.executable, __file__, what], check=True, capture_output=True, text=True
        )
        added[what] = float(done.stdout)
    print(f"memory a step adds:          {added['step']:6.0f} MB")
    print(f"memory an examination adds:  {added['examination']:6.0f} MB")
    print(f"ratio, at most 2:            {added['examination'] / added['step']:6.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        memory(sys.argv[1])
    else:
        main()
