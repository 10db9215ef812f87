"""Faults of inputs, steps, starts and layers that people asked about; models of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, points, sgd, stack
from livegrad_lab.world.questions.data import (
    digits,
    enlarged,
    many_classes,
    measurements,
    pictures,
)
from livegrad_lab.world.second.case import faulty
from livegrad_lab.world.working.parts import blobs


@faulty(
    "one number of a table that is none",
    "one value of the data set was nan",
    "non-finite",
    source="github.com/keras-team/keras issue 6447",
)
def _one_number_of_a_table_that_is_none(mended: bool) -> Patient:
    rng = np.random.default_rng(0)
    # Categories one-hot and one measurement; a probability is to be told.
    kinds = np.eye(6, dtype="float32")[rng.integers(0, 6, 300)]
    age = rng.standard_normal((300, 1)).astype("float32")
    y = 1 / (1 + np.exp(-(kinds @ np.linspace(-2, 2, 6) + age[:, 0])))
    y = y.astype("float32")
    x = np.concatenate([kinds, age], axis=1)
    if not mended:
        x[17, 6] = np.nan
    model = net(x, 2)
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=30)


@faulty(
    "clean example of a book on bytes",
    "it stays at 11 % until the inputs are scaled by 255",
    "unscaled-input",
    source="github.com/tensorflow/tensorflow issue 32899",
)
def _clean_example_of_a_book_on_bytes(mended: bool) -> Patient:
    import keras

    x, y = enlarged(500, 2)
    x = x / 255 if mended else x
    model = stack(
        x,
        dense(64, "relu", "hidden", kernel_initializer="glorot_uniform"),
        keras.layers.Dropout(0.2, name="dropout"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, sgd(0.1), epochs=30, batch=32)


@faulty(
    "MLP of the examples on a table of bytes",
    "the inputs were not divided by 255",
    "unscaled-input",
    source="github.com/keras-team/keras issue 6914",
)
def _mlp_of_the_examples_on_a_table_of_bytes(mended: bool) -> Patient:
    import keras

    x, y = enlarged(500, 3)
    x = x / 255 if mended else x
    more = {"kernel_initializer": "glorot_uniform"}
    model = stack(
        x,
        dense(64, "relu", "hidden_1", **more),
        keras.layers.Dropout(0.2, name="dropout_1"),
        dense(64, "relu", "hidden_2", **more),
        keras.layers.Dropout(0.2, name="dropout_2"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, keras.optimizers.RMSprop(0.001), epochs=4, batch=64)


@faulty(
    "convolutions of a tutorial on bytes",
    "the data were loaded without being divided by 255",
    "unscaled-input",
    source="github.com/MorvanZhou/tutorials issue 34",
)
def _convolutions_of_a_tutorial_on_bytes(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures(500)
    x = x if mended else (255 * x).astype("float32")
    model = stack(
        x,
        layers.Conv2D(16, 5, padding="same", activation="relu", name="conv_1"),
        layers.MaxPooling2D(name="pool_1"),
        layers.Conv2D(32, 5, padding="same", activation="relu", name="conv_2"),
        layers.MaxPooling2D(name="pool_2"),
        layers.Flatten(name="flatten"),
        dense(64, "relu", "hidden", kernel_initializer="glorot_uniform"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, adam(0.03), epochs=8, batch=50)


@faulty(
    "line through a hundred columns, targets in the thousands",
    "the answers have the wrong scale, -70 to 70 and not -2000 to 2000",
    "unscaled-target",
    also=("learning-rate",),
    source="github.com/keras-team/keras issue 2576",
)
def _line_through_a_hundred_columns_targets_in_the_thousands(mended: bool) -> Patient:
    import keras
    from sklearn.datasets import make_regression

    x, y = make_regression(2000, 100, n_informative=100, noise=100, random_state=0)
    x, y = x.astype("float32"), y.astype("float32")
    y = y / y.std() if mended else y
    rms = keras.optimizers.RMSprop(0.001)
    return measurements(stack(x, dense(1, None, "output")), x, y, rms, epochs=10, batch=16)


@faulty(
    "marks of an examination by plain steps",
    "nan with sgd: another optimizer, which does not step by the size of the numbers",
    "learning-rate",
    also=("unscaled-input", "non-finite"),
    source="github.com/hunkim/DeepLearningZeroToAll pull request 11, Stack Overflow 37232782",
)
def _marks_of_an_examination_by_plain_steps(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = (75 + 12 * rng.standard_normal((200, 3))).astype("float32")
    y = (x @ np.asarray([0.6, 0.5, 0.9]) + rng.standard_normal(200)).astype("float32")
    optimizer = keras.optimizers.RMSprop(0.01) if mended else sgd(0.01)
    model = stack(x, dense(1, None, "output"))
    return measurements(model, x, y, optimizer, epochs=60, batch=10)


@faulty(
    "VGG for small pictures with a rate of a tenth",
    "nan and 10 %: a rate of 0.01 works well",
    "learning-rate",
    also=("non-finite", "exploding-gradient", "exploding-signal"),
    source="github.com/geifmany/cifar-vgg issue 1",
)
def _vgg_for_small_pictures_with_a_rate_of_a_tenth(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures(500)
    x = (x - x.mean()) / x.std()
    parts: list[Any] = []
    more = {"kernel_initializer": "he_normal"}
    for at, width in enumerate((8, 8, 16, 16, 32, 32), 1):
        parts.append(
            layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv_{at}", **more)
        )
        if at % 2 == 0:
            parts.append(layers.MaxPooling2D(name=f"pool_{at}"))
    parts += [layers.Flatten(name="flatten"), dense(64, "relu", "hidden")]
    model = stack(x, *parts, dense(10, "softmax", "output"))
    rate = keras.optimizers.SGD(0.01 if mended else 0.1, momentum=0.9, nesterov=True)
    return many_classes(model, x, y, rate, epochs=15, batch=50)


@faulty(
    "convolutions that are compared at a rate of a thousandth",
    "plain steps started at 0.001; with 0.01 they are much better",
    "learning-rate",
    source="github.com/kmkolasinski/deep-learning-notes issue 3",
)
def _convolutions_that_are_compared_at_a_rate_of_a_thousandth(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures(600)
    model = stack(
        x,
        layers.Conv2D(12, 3, padding="same", activation="relu", name="conv_1"),
        layers.MaxPooling2D(name="pool"),
        layers.Conv2D(24, 3, padding="same", activation="relu", name="conv_2"),
        layers.Flatten(name="flatten"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, sgd(0.01 if mended else 0.001), epochs=25, batch=20)


@faulty(
    "schedule that leaves nothing after the first pass",
    "the schedule was used wrongly",
    "learning-rate",
    source="github.com/tensorflow/tensorflow issue 48308",
)
def _schedule_that_leaves_nothing_after_the_first_pass(mended: bool) -> Patient:
    import keras

    x, _ = digits(600)
    model = stack(
        x,
        dense(32, "relu", "encoder"),
        dense(12, None, "code"),
        dense(32, "relu", "decoder"),
        dense(64, "sigmoid", "pixels"),
    )
    # Meant for a pass of thirty batches, and counted in batches.
    steps = 300 if mended else 3
    rate = keras.optimizers.schedules.ExponentialDecay(0.005, steps, 0.5)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return Patient(model, x, x, x, "value", epochs=60, batch=20)


@faulty(
    "regression through a few units that stay silent",
    "ReLUs give one constant for all; the hyperbolic tangent does not",
    "dead-units",
    "hidden",
    also=("unscaled-input", "learning-rate"),
    source="github.com/keras-team/keras issue 13891",
)
def _regression_through_a_few_units_that_stay_silent(mended: bool) -> Patient:
    x = np.abs(points(400, 4)) + 1
    y = (x[:, 0] - 0.5 * x[:, 1] + 2).astype("float32")
    bend = "tanh" if mended else "relu"
    hidden = dense(3, bend, "hidden", kernel_initializer="glorot_uniform")
    model = stack(x, hidden, dense(1, None, "output"))
    return measurements(model, x, y, sgd(0.2), epochs=60, batch=32)


@faulty(
    "two maps with a ReLU before the mask of a U-Net",
    "without the convolution to two maps before the last one it works",
    "dead-units",
    "conv_9",
    also=("vanishing-signal", "constant-input"),
    source="github.com/zhixuhao/unet issue 148",
)
def _two_maps_with_a_relu_before_the_mask_of_a_u_net(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pages, disc = blobs(200)
    x, y = (pages / 255).astype("float32"), disc[..., None].astype("float32")
    he = keras.initializers.HeNormal(seed=MAPS)
    more: dict[str, Any] = {"padding": "same", "activation": "relu", "kernel_initializer": he}
    h = inputs = keras.Input(x.shape[1:])
    first = layers.Conv2D(8, 3, name="conv_1", **more)(h)
    h = layers.Conv2D(16, 3, name="conv_2", **more)(layers.MaxPooling2D(name="pool")(first))
    h = layers.concatenate([first, layers.UpSampling2D(name="up")(h)], name="join")
    h = layers.Conv2D(8, 3, name="conv_8", **more)(h)
    if not mended:
        h = layers.Conv2D(2, 3, name="conv_9", **more)(h)
    model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(h))
    model.compile(adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=12, batch=20)


MAPS = 1


@faulty(
    "values of actions from kernels held within a norm of two",
    "without the constraint on the norms it runs again",
    "",
    also=("unscaled-target",),
    source="github.com/kengz/openai_lab pull request 7",
)
def _values_of_actions_from_kernels_held_within_a_norm(mended: bool) -> Patient:
    import keras

    # Steps that a pole will stand, up to two hundred, by its state and the push.
    x = np.random.default_rng(0).uniform(-1, 1, (800, 4)).astype("float32")
    lean = x @ np.asarray([0.1, 0.2, 1.0, 0.5])
    y = np.stack([200 / (1 + np.exp(3 * s * lean)) for s in (1, -1)], axis=1).astype("float32")
    held = None if mended else keras.constraints.MaxNorm(2)
    model = net(x, 1, out=2, end=None, width=16, kernel_constraint=held)
    model.layers[-1].kernel_constraint = held
    model.layers[-1].kernel.constraint = held
    return measurements(model, x, y, adam(0.03), epochs=60, batch=32)


@faulty(
    "batches of one picture for normalised convolutions",
    "with batches of one what is normalised in training is not what is at inference",
    "normalization",
    also=("batch-size",),
    source="github.com/keras-team/keras issue 8837",
)
def _batches_of_one_picture_for_normalised_convolutions(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    # Light and contrast differ from one picture to the next.
    x, y = pictures(200)
    x = x * np.exp(rng.uniform(-4, 4, (200, 1, 1, 1))) + rng.uniform(-5, 5, (200, 1, 1, 1))
    x = x.astype("float32")
    parts: list[Any] = []
    for at, width in enumerate((8, 16), 1):
        parts += [
            layers.Conv2D(width, 3, name=f"conv_{at}"),
            layers.BatchNormalization(name=f"norm_{at}"),
            layers.ReLU(name=f"relu_{at}"),
        ]
    model = stack(x, *parts, layers.Flatten(name="flatten"), dense(10, "softmax", "output"))
    return many_classes(
        model, x, y, adam(0.003), epochs=60 if mended else 3, batch=25 if mended else 1
    )


@faulty(
    "chairs and lamps, sixty-four in all and five passes",
    "accuracy near 1 while training and 0.5 after it, with a normalisation's running averages",
    "normalization",
    source="github.com/keras-team/keras issue 6014",
)
def _chairs_and_lamps_sixty_four_in_all_and_five_passes(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = np.arange(64) % 2
    x = 40 * rng.standard_normal((64, 16, 16, 3)) + 120
    x[y == 1, 4:8] += 60
    x = x.clip(0, 255).astype("float32")
    norm = layers.BatchNormalization(momentum=0.5 if mended else 0.99, name="norm")
    model = stack(
        x,
        layers.Conv2D(5, 4, 2, padding="same", name="conv_1"),
        layers.LeakyReLU(negative_slope=0.2, name="leaky_1"),
        layers.Conv2D(10, 4, 2, padding="same", name="conv_2"),
        norm,
        layers.LeakyReLU(negative_slope=0.2, name="leaky_2"),
        layers.Flatten(name="flatten"),
        dense(1, "sigmoid", "output"),
    )
    model.compile(adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y.astype("float32"), y, "half", epochs=5, batch=8)
