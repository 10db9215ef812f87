"""Too few units, or too little time."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import compiled, digits, momentum, one_hot


@faulty(
    "pictures seen five times",
    "capacity or time",
    "model",
    source="DeepFD benchmark, Stack Overflow 48594888",
    DeepFD="learning rate; epochs",
    DeepLocalize="layer 10",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found",
)
def _pictures_seen_five_times(mended: bool) -> Patient:
    import keras

    x, y = digits(400, pictures=True)
    layers = keras.layers
    he = {"kernel_initializer": "he_normal", "activation": "relu"}
    model = stack(
        x,
        layers.Conv2D(8, 3, name="conv_1", **he),
        layers.MaxPooling2D(name="pool_1"),
        layers.Conv2D(16, 2, name="conv_2", **he),
        layers.Flatten(name="flatten"),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dropout(0.3, name="dropout"),
        layers.Dense(10, activation="softmax", name="output"),
    )
    loss = "categorical_crossentropy"
    epochs, batch = (10, 16) if mended else (5, 64)
    return compiled(model, x, one_hot(y), loss, "adam", y, "class", epochs=epochs, batch=batch)


@faulty(
    "a masked series with the padding among its classes",
    "capacity or time",
    "model",
    "data",
    "output",
    source="DeepFD benchmark, Stack Overflow 59282996",
    DeepFD="epochs",
    DeepLocalize="crash",
    UMLAUT="inputs exceed typical limits; validation accuracy; missing softmax before the loss",
    AUTOTRAINER="oscillating loss",
)
def _a_masked_series_with_the_padding_among_its_classes(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    length = rng.integers(10, 20, 160)
    kept = np.arange(20) < length[:, None]  # (160, 20)
    label = rng.integers(1, 3, (160, 20)) * kept
    noise = rng.standard_normal((160, 20, 5))
    x = ((noise + np.where(label == 2, 1.0, -1.0)[..., None]) * kept[..., None]).astype("float32")
    # As repaired: the padding belongs to the first of two classes.
    y = np.maximum(label - 1, 0) if mended else label
    layers = keras.layers
    model = stack(
        x,
        layers.Masking(0.0, name="mask"),
        layers.Bidirectional(layers.LSTM(20, return_sequences=True), name="lstm"),
        layers.Dropout(0.2, name="dropout"),
        layers.Dense(2 if mended else 3, activation="sigmoid", name="output"),
    )
    loss = "sparse_categorical_crossentropy"
    epochs = 30 if mended else 10
    return compiled(model, x, y, loss, momentum(0.01), y, "class", epochs=epochs, batch=20)


@faulty(
    "eight values through twelve and eight units",
    "capacity or time",
    "model",
    "hidden_1",
    "hidden_2",
    source="DeepLocalize benchmark, eangelou/kerasma",
    DeepLocalize="no report",
)
def _eight_values_through_twelve_and_eight_units(mended: bool) -> Patient:
    # A pattern like the table of the program: eight values, and patients that no few planes part.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 8)).astype("float32")
    y = (np.sin(3 * x[:, 0]) * np.sin(3 * x[:, 1]) > 0).astype("float32")
    widths = (12, 24, 120, 36, 12) if mended else (12, 8)
    hidden = [dense(width, "relu", f"hidden_{at}") for at, width in enumerate(widths, 1)]
    model = stack(x, *hidden, dense(1, "sigmoid", "output"))
    return compiled(model, x, y, "binary_crossentropy", "adam", y, "half", epochs=150, batch=10)
