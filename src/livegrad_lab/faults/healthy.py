"""Models that are well: whatever is found in one is a false alarm."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient, healthy
from livegrad_lab.faults.models import (
    adam,
    binary,
    classes,
    dense,
    images,
    measured,
    net,
    points,
    residual,
    series,
    sgd,
    stack,
    two_classes,
    words,
)


@healthy("fifty ReLU layers, he_normal")
def _fifty_relu_layers_he_normal(mended: bool) -> Patient:
    x, y = binary()
    return two_classes(net(x, 50), x, y, adam(0.001))


@healthy("residual blocks with layer normalisation")
def _residual_blocks_with_layer_normalisation(mended: bool) -> Patient:
    import keras

    x, y = binary()
    return two_classes(residual(x, 8, keras.layers.LayerNormalization), x, y, epochs=15)


@healthy("SELU with lecun_normal, ten layers")
def _selu_with_lecun_normal_ten_layers(mended: bool) -> Patient:
    x, y = binary()
    return two_classes(net(x, 10, "selu", "lecun_normal"), x, y)


@healthy("LSTM")
def _lstm(mended: bool) -> Patient:
    import keras

    x, y = series()
    model = stack(x, keras.layers.LSTM(16, name="lstm"), dense(1, "sigmoid", "output"))
    return two_classes(model, x, y, adam(0.02))


@healthy("embedding and GRU")
def _embedding_and_gru(mended: bool) -> Patient:
    import keras

    x, y = words()
    model = stack(
        x,
        keras.layers.Embedding(20, 8, name="embedding"),
        keras.layers.GRU(16, name="gru"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.02))


@healthy("softmax classifier")
def _softmax_classifier(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax")
    model.compile(adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "class")


@healthy("softmax regression on one-hot labels")
def _softmax_regression_on_one_hot_labels(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 0, out=3, end="softmax")
    model.compile(adam(0.05), "categorical_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@healthy("linear regression")
def _linear_regression(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 0, end=None)
    model.compile(sgd(0.1), "mean_squared_error", metrics=["mean_absolute_error"])
    return Patient(model, x, y, y, "value")


@healthy("logistic regression on logits")
def _logistic_regression_on_logits(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 0, end=None)
    model.compile(
        sgd(0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    return Patient(model, x, y, y, "zero")


@healthy("regression with tanh")
def _regression_with_tanh(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 2, "tanh", "glorot_uniform", end=None)
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@healthy("counts with an exponential output")
def _counts_with_an_exponential_output(mended: bool) -> Patient:
    x, _ = binary()
    y = np.random.default_rng(1).poisson(np.exp(x[:, 0])).astype("float32")
    model = net(x, 1, end="exponential")
    model.compile(adam(0.01), "poisson")
    return Patient(model, x, y, np.exp(x[:, 0]), "value")


@healthy("several labels at once")
def _several_labels_at_once(mended: bool) -> Patient:
    x, _ = binary()
    y = (x[:, :3] > 0).astype("float32")
    model = net(x, 1, out=3)
    model.compile(adam(0.01), "binary_crossentropy", metrics=["binary_accuracy"])
    return Patient(model, x, y, y, "half")


@healthy("convolutions with batch normalisation")
def _convolutions_with_batch_normalisation(mended: bool) -> Patient:
    import keras

    x, y = images()
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, use_bias=False, kernel_initializer="he_normal", name="conv_1"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="relu"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Conv2D(8, 2, activation="relu", kernel_initializer="he_normal", name="conv_2"),
        keras.layers.GlobalAveragePooling2D(name="average"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.01))


@healthy("dropout of one half between wide layers")
def _dropout_of_one_half_between_wide_layers(mended: bool) -> Patient:
    import keras

    x, y = binary()
    layers: list[Any] = []
    for at in (1, 2):
        layers += [dense(64, "relu", f"hidden_{at}"), keras.layers.Dropout(0.5)]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y)


@healthy("autoencoder with a linear bottleneck")
def _autoencoder_with_a_linear_bottleneck(mended: bool) -> Patient:
    x = points() @ np.random.default_rng(1).standard_normal((8, 12)).astype("float32") / 3
    model = stack(x, dense(8, None, "code"), dense(12, None, "output"))
    model.compile(adam(0.02), "mean_squared_error")
    return Patient(model, x, x, x, "value")


@healthy("two inputs, two outputs, nested")
def _two_inputs_two_outputs_nested(mended: bool) -> Patient:
    import keras

    x, y = binary()
    text, _ = words()
    inner = keras.Sequential([keras.Input((8,)), dense(16, "relu", "inner")], name="nested")
    a, b = keras.Input((8,), name="a"), keras.Input((6,), dtype="int32", name="b")
    flat = keras.layers.Flatten()(keras.layers.Embedding(20, 4)(b))
    h = keras.layers.concatenate([inner(a), flat])
    h = dense(16, "relu", "joint")(h)
    outputs = [dense(1, "sigmoid", "sign")(h), dense(1, None, "size")(h)]
    model = keras.Model([a, b], outputs)
    model.compile(adam(0.01), ["binary_crossentropy", "mean_squared_error"])
    return Patient(model, [x, text], [y, x[:, 0]], y, "half")


@healthy("self-attention block")
def _self_attention_block(mended: bool) -> Patient:
    import keras

    x, y = series()
    inputs = keras.Input(x.shape[1:])
    h = dense(16, None, "project")(inputs)
    seen = keras.layers.LayerNormalization()(h)
    h = keras.layers.add([h, keras.layers.MultiHeadAttention(2, 8, name="attention")(seen, seen)])
    h = dense(16, "gelu", "mix")(keras.layers.LayerNormalization()(h))
    h = keras.layers.Flatten()(h)
    return two_classes(keras.Model(inputs, dense(1, "sigmoid", "output")(h)), x, y, adam(0.01))


@healthy("mixed precision")
def _mixed_precision(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 3, dtype="mixed_float16")
    return two_classes(model, x, y, adam(0.01))


@healthy("a trained base, frozen, under a new head")
def _a_trained_base_frozen_under_a_new_head(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 2)
    two_classes(model, x, y, adam(0.01), epochs=10).train()
    for layer in model.layers[:-1]:
        layer.trainable = False
    return two_classes(model, x, y, adam(0.01))


@healthy("a model at the end of its training")
def _a_model_at_the_end_of_its_training(mended: bool) -> Patient:
    x, y = binary()
    patient = two_classes(net(x, 3), x, y, adam(0.01), epochs=20)
    patient.train()
    return patient
