"""Questions about the step: its rate, its schedule, its batch, penalties and dropout."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, sgd, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import (
    digits,
    many_classes,
    measurements,
    one_hot,
    pictures,
)


@faulty(
    "straight line through two hundred numbers",
    "learning rate too high",
    "optimizer",
    "data",
    source="github.com/keras-team/keras issue 3040",
)
def _straight_line_through_two_hundred_numbers(mended: bool) -> Patient:
    x = np.arange(200, dtype="float32").reshape(-1, 1)
    y = 2 * x[:, 0]
    rate = 1e-5 if mended else 1e-3
    return measurements(stack(x, dense(1, None, "output")), x, y, sgd(rate), epochs=1, batch=1)


@faulty(
    "rate of a network of sigmoids kept for ReLUs",
    "learning rate too high",
    "optimizer",
    "hidden_1",
    "output",
    source="github.com/MichalDanielDobrzanski/DeepLearningPython issue 13",
)
def _rate_of_a_network_of_sigmoids_kept_for_relus(mended: bool) -> Patient:
    import keras

    x, y = digits()
    normal = keras.initializers.RandomNormal(stddev=0.1 if mended else 1.0)
    more = {"kernel_initializer": normal, "bias_initializer": normal}
    model = stack(x, dense(30, "relu", "hidden_1", **more), dense(10, "relu", "output", **more))
    # The source halves a sum over the ten outputs; of their mean a rate is five times as large.
    model.compile(sgd(5 * (0.01 if mended else 3.0)), "mean_squared_error")
    return Patient(model, x, one_hot(y, 10), y, "class", epochs=60, batch=10)


@faulty(
    "small steps of a network that sharpens pictures",
    "learning rate too low",
    "optimizer",
    source="github.com/tegg89/SRCNN-Tensorflow issue 24",
)
def _small_steps_of_a_network_that_sharpens_pictures(mended: bool) -> Patient:
    import keras

    y, _ = pictures(200)
    x = y.reshape(-1, 4, 2, 4, 2, 1).mean(axis=(2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    model = stack(
        x,
        keras.layers.Conv2D(16, 5, padding="same", activation="relu", name="conv_1"),
        keras.layers.Conv2D(8, 1, activation="relu", name="conv_2"),
        keras.layers.Conv2D(1, 5, padding="same", name="conv_3"),
    )
    return measurements(model, x, y, sgd(0.3 if mended else 1e-4), epochs=80, batch=10)


@faulty(
    "decay taken for one of epochs that is one of batches",
    "learning rate decayed",
    "optimizer",
    source="github.com/keras-team/keras issue 8086",
)
def _decay_taken_for_one_of_epochs_that_is_one_of_batches(mended: bool) -> Patient:
    import keras

    x, y = digits()
    model = net(x, 2, "relu", "glorot_uniform", 10, "softmax")
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 60 if mended else 1, 0.5)
    return many_classes(model, x, y, keras.optimizers.SGD(schedule), epochs=20, batch=10)


@faulty(
    "all of the examples in a few batches",
    "batch size",
    "optimizer",
    "data",
    "model",
    source="github.com/keras-team/keras issue 574",
)
def _all_of_the_examples_in_a_few_batches(mended: bool) -> Patient:
    import keras

    x, y = digits(500)
    x = 2 * x.reshape(-1, 8, 8) - 1
    model = stack(
        x,
        keras.layers.LSTM(32, return_sequences=True, name="lstm_1"),
        keras.layers.LSTM(32, name="lstm_2"),
        dense(10, "sigmoid", "output"),
    )
    model.compile(adam(0.003), "binary_crossentropy")
    # As many passes, and a twentieth of the steps.
    batch = 25 if mended else 500
    return Patient(model, x, one_hot(y, 10), y, "class", epochs=15, batch=batch)


@faulty(
    "penalty of a tenth on three convolutions of a text",
    "penalty",
    "conv_1",
    "conv_2",
    "conv_3",
    "model",
    source="github.com/keras-team/keras issue 7223",
)
def _penalty_of_a_tenth_on_three_convolutions_of_a_text(mended: bool) -> Patient:
    import keras

    # Three subjects, each with words of its own among those that all have.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    own = rng.integers(0, 10, (300, 24)) + 30 + 10 * y[:, None]
    x = np.where(rng.random((300, 24)) < 0.2, own, rng.integers(0, 30, (300, 24)))
    penalty = None if mended else keras.regularizers.L2(0.1)
    more = {"padding": "same", "activation": "relu", "kernel_regularizer": penalty}
    model = keras.Sequential(
        [
            keras.Input((24,)),
            keras.layers.Embedding(60, 32, name="embedding"),
            keras.layers.Conv1D(24, 3, name="conv_1", **more),
            keras.layers.Conv1D(24, 7, name="conv_2", **more),
            keras.layers.Conv1D(24, 7, name="conv_3", **more),
            keras.layers.MaxPooling1D(3, name="pool"),
            keras.layers.Dropout(0.5, name="dropout"),
            keras.layers.Flatten(name="flatten"),
            dense(3, "softmax", "output"),
        ]
    )
    return many_classes(model, x, y, adam(0.001), epochs=20, batch=30)


@faulty(
    "nine tenths dropped that were to be kept",
    "dropout",
    "dropout",
    source="github.com/bonlime/keras-deeplab-v3-plus issue 4",
)
def _nine_tenths_dropped_that_were_to_be_kept(mended: bool) -> Patient:
    import keras

    x, _ = pictures(200)
    # Brighter than its left and its upper neighbour: an edge.
    y = (2 * x - np.roll(x, 1, axis=1) - np.roll(x, 1, axis=2) > 0.1).astype("float32")
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
        keras.layers.Dropout(0.1 if mended else 0.9, name="dropout"),
        keras.layers.Conv2D(1, 1, activation="sigmoid", name="mask"),
    )
    model.compile(adam(0.01), "binary_crossentropy")
    return Patient(model, x, y, y, "half", epochs=20, batch=20)


@faulty(
    "share to keep given as the share to drop in each of four layers",
    "dropout",
    "dropout_1",
    "dropout_2",
    "dropout_3",
    "dropout_4",
    source="github.com/hunkim/DeepLearningZeroToAll issue 122",
)
def _share_to_keep_given_as_the_share_to_drop(mended: bool) -> Patient:
    import keras

    x, y = digits()
    layers = []
    for at in range(1, 5):
        layers.append(dense(48, "relu", f"dense_{at}", kernel_initializer="glorot_uniform"))
        layers.append(keras.layers.Dropout(0.3 if mended else 0.7, name=f"dropout_{at}"))
    model = stack(x, *layers, dense(10, "softmax", "output"))
    return many_classes(model, x, y, adam(0.003), epochs=30, batch=50)
