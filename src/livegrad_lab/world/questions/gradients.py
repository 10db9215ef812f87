"""Questions about gradients: cut, frozen, vanishing and exploding."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import (
    adam,
    binary,
    classes,
    dense,
    net,
    sgd,
    stack,
    two_classes,
)
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import digits, many_classes, measurements, pictures


@faulty(
    "predictions rounded within the loss",
    "no gradient",
    "loss",
    source="github.com/keras-team/keras issue 4175",
)
def _predictions_rounded_within_the_loss(mended: bool) -> Patient:
    import keras

    def missed(y_true: Any, y_pred: Any) -> Any:
        said = y_pred if mended else keras.ops.round(y_pred)
        return keras.ops.mean((y_true - said) ** 2, axis=-1)

    x, y = binary()
    model = net(x, 2)
    model.compile(adam(0.005), missed)
    return Patient(model, x, y, y, "half")


@faulty(
    "argmax as the last layer",
    "no gradient",
    "argmax",
    "loss",
    source="github.com/Mainak431/List-of-Differentiable--OPs-and-Non-differentiable-OPs--in-"
    "Tensorflow issue 4",
)
def _argmax_as_the_last_layer(mended: bool) -> Patient:
    import keras

    def largest(scores: Any) -> Any:
        return keras.ops.cast(keras.ops.argmax(scores, axis=-1), "float32")

    x, y = classes()
    model = net(x, 1, out=3, end="softmax")
    if mended:
        return many_classes(model, x, y, adam(0.01))
    model.add(keras.layers.Lambda(largest, output_shape=(), name="argmax"))
    model.compile(sgd(0.1), "mean_absolute_error")
    # One number, not a column a class: rounded, it is the class.
    return Patient(model, x, y.astype("float32"), y, "value")


@faulty(
    "argmax between a generator of masks and its judge",
    "no gradient",
    "argmax",
    "generator",
    source="github.com/eriklindernoren/Keras-GAN issue 61",
)
def _argmax_between_a_generator_of_masks_and_its_judge(mended: bool) -> Patient:
    import keras

    def mask(chances: Any) -> Any:
        if mended:
            return chances[..., 1]
        return keras.ops.cast(keras.ops.argmax(chances, axis=-1), "float32")

    # How many of the sixteen squares are between two shades, which takes a mask of them.
    x = np.random.default_rng(0).uniform(-1, 1, (400, 16, 1)).astype("float32")
    y = (np.abs(x[..., 0]) < 0.3).sum(axis=1).astype("float32") - 5
    model = stack(
        x,
        dense(16, "relu", "generator"),
        dense(2, "softmax", "shares"),
        keras.layers.Lambda(mask, output_shape=(16,), name="argmax"),
        dense(16, "relu", "judge"),
        dense(1, None, "output"),
    )
    return measurements(model, x, y, adam(0.01), epochs=60)


@faulty(
    "layers unfrozen within a model that stays frozen",
    "frozen weights",
    "base",
    "model",
    source="github.com/keras-team/keras issue 13587",
)
def _layers_unfrozen_within_a_model_that_stays_frozen(mended: bool) -> Patient:
    import keras

    x, y = digits()
    base = stack(x, dense(16, "relu", "base_1"), dense(4, "relu", "base_2"))
    base = keras.Sequential(base.layers, name="base")
    # That its layers were set to train changed nothing: none of its weights moved.
    base.trainable = mended
    return many_classes(stack(x, base, dense(10, "softmax", "output")), x, y, adam(0.01))


@faulty(
    "all convolutions of a retrieval network frozen",
    "frozen weights",
    "conv_1",
    "conv_2",
    "model",
    source="github.com/ihciah/deep-fashion-retrieval issue 1",
)
def _all_convolutions_of_a_retrieval_network_frozen(mended: bool) -> Patient:
    import keras

    x, y = pictures(500)
    model = stack(
        x,
        keras.layers.Conv2D(6, 3, activation="relu", trainable=mended, name="conv_1"),
        keras.layers.Conv2D(6, 3, activation="relu", trainable=mended, name="conv_2"),
        keras.layers.GlobalAveragePooling2D(name="pool"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, adam(0.01), epochs=60, batch=50)


@faulty(
    "four wide layers of sigmoids from bits to a number",
    "vanishing gradient",
    "hidden_1",
    "hidden_2",
    "hidden_3",
    "hidden_4",
    source="Artificial Intelligence Stack Exchange 16557",
)
def _four_wide_layers_of_sigmoids_from_bits_to_a_number(mended: bool) -> Patient:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (400, 20)).astype("float32")
    y = x @ rng.standard_normal(20).astype("float32")
    y = (y - y.mean()) / y.std()
    model = net(x, 4, "relu" if mended else "sigmoid", "glorot_uniform", 1, None, width=100)
    return measurements(model, x, y, sgd(0.02), epochs=60, batch=32)


@faulty(
    "recurrent layer of ReLUs for a language",
    "exploding gradient",
    "rnn",
    "optimizer",
    source="github.com/chenxie95/deeplearning_course_sjtu issue 31",
)
def _recurrent_layer_of_relus_for_a_language(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, (256, 60))
    y = ((x[:, -6:] < 10).sum(axis=1) > 2).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((60,)),
            keras.layers.Embedding(20, 16, name="embedding"),
            keras.layers.SimpleRNN(32, activation="sigmoid" if mended else "relu", name="rnn"),
            dense(1, "sigmoid", "output"),
        ]
    )
    return two_classes(model, x, y, sgd(1.0), batch=32)


@faulty(
    "LSTM with ReLUs for sentences of many steps",
    "exploding gradient",
    "lstm",
    source="github.com/keras-team/keras issue 2194",
)
def _lstm_with_relus_for_sentences_of_many_steps(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    # Characters as small pictures, black on white.
    font = (rng.random((20, 64)) < 0.4).astype("float32")
    words = rng.integers(0, 20, (256, 90))
    x, y = font[words], (words[:, -1] < 10).astype("float32")
    model = stack(
        x,
        keras.layers.LSTM(32, activation="tanh" if mended else "relu", name="lstm"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.02), epochs=20, batch=32)
