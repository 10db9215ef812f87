"""Faults of outputs, losses, labels and metrics that people asked about; models of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, points, stack
from livegrad_lab.world.questions.data import digits, iris, pictures, scaled
from livegrad_lab.world.second.case import faulty
from livegrad_lab.world.working.parts import reviews


@faulty(
    "next letter out of a softmax over one number",
    "a softmax over an array of size 1 is always 1",
    "output-loss-mismatch",
    "output",
    "loss",
    also=("label-mismatch", "wrong-axis"),
    source="github.com/keras-team/keras issue 500",
)
def _next_letter_out_of_a_softmax_over_one_number(mended: bool) -> Patient:
    import keras

    # A text that goes round through ten letters, each as a number between 0 and 1.
    rng = np.random.default_rng(0)
    text = rng.permutation(10)[(np.arange(600)) % 10] / 10
    x = np.stack([text[at : at + 6] for at in range(590)])[..., None].astype("float32")
    y = text[6:596].astype("float32")
    end = None if mended else "softmax"
    model = stack(x, keras.layers.LSTM(24, name="lstm"), dense(1, end, "output"))
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=30, batch=32)


@faulty(
    "two classes of a series by one output with a softmax",
    "one neuron with a softmax is normalised to 1: a sigmoid, or two neurons",
    "output-loss-mismatch",
    "output",
    "loss",
    also=("label-mismatch", "wrong-axis"),
    source="Stack Overflow, why does a binary CNN of Keras always predict 1: "
    "geek-questions.imtqy.com/articles/1270335",
)
def _two_classes_of_a_series_by_one_output_with_a_softmax(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x = np.random.default_rng(0).standard_normal((600, 10, 4)).astype("float32")
    y = (x[:, :, 0].mean(axis=1) > x[:, :, 1].mean(axis=1)).astype("float32")
    parts: list[Any] = []
    for at, width in enumerate((16, 8), 1):
        parts += [
            layers.Conv1D(width, 4, padding="same", name=f"conv_{at}"),
            layers.BatchNormalization(momentum=0.9, name=f"norm_{at}"),
            layers.LeakyReLU(name=f"leaky_{at}"),
            layers.Dropout(0.2, name=f"dropout_{at}"),
        ]
    end = "sigmoid" if mended else "softmax"
    model = stack(x, *parts, layers.Flatten(name="flatten"), dense(1, end, "output"))
    model.compile(adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=15, batch=64)


@faulty(
    "folders of two classes read as one-hot for one sigmoid",
    'the generator gives categorical labels unless it is told class_mode="binary"',
    "label-mismatch",
    "data",
    "output",
    "loss",
    also=("output-loss-mismatch", "wrong-axis"),
    source="github.com/keras-team/keras issue 13006",
)
def _folders_of_two_classes_read_as_one_hot_for_one_sigmoid(mended: bool) -> Patient:
    import keras

    ops = keras.ops

    def crossentropy(true: Any, seen: Any) -> Any:
        """The loss of that day, which broadcast one column against two."""
        seen = ops.clip(seen, 1e-7, 1 - 1e-7)
        return -ops.mean(true * ops.log(seen) + (1 - true) * ops.log(1 - seen), axis=-1)

    x, kind = pictures(600)
    y = (kind < 5).astype("float32")
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, activation="relu", name="conv"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flatten"),
        dense(32, "relu", "hidden"),
        dense(1, "sigmoid", "output"),
    )
    model.compile(adam(0.003), crossentropy)
    labels = y[:, None] if mended else np.stack([1 - y, y], axis=1)
    return Patient(model, x, labels, y, "half", epochs=20)


@faulty(
    "above or below a threshold of fifty thousand",
    "a ReLU at the end of a classifier, fed with numbers up to a hundred thousand",
    "output-loss-mismatch",
    also=("unscaled-input",),
    source="Stack Overflow, why does accuracy remain the same: "
    "geeksmental.com/question/why-does-accuracy-remain-the-same",
)
def _above_or_below_a_threshold_of_fifty_thousand(mended: bool) -> Patient:
    x = np.random.default_rng(0).integers(0, 100_000, (2000, 1)).astype("float32")
    y = (x[:, 0] >= 50_000).astype("float32")
    x = (x - 50_000) / 30_000 if mended else x
    end = "sigmoid" if mended else "relu"
    more = {"kernel_initializer": "glorot_uniform"}
    model = stack(
        x, dense(3, "relu", "hidden_1", **more), dense(5, "relu", "hidden_2", **more),
        dense(1, end, "output", **more),
    )  # fmt: skip
    model.compile(adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=10, batch=10)


@faulty(
    "line of seven points with a ReLU at its end",
    "the answers are negative too, and a ReLU at the end gives none and dies",
    "output-loss-mismatch",
    "output",
    "loss",
    also=("dead-units",),
    source="community.deeplearning.ai 324182",
)
def _line_of_seven_points_with_a_relu_at_its_end(mended: bool) -> Patient:
    import keras

    x = np.arange(-1, 6, dtype="float32")[:, None]
    y = 2 * x[:, 0] - 1
    # A start from which it stuck, as it did six or seven times in ten.
    more = {"kernel_initializer": keras.initializers.GlorotUniform(seed=LINE)}
    model = stack(
        x, dense(4, "relu", "hidden_1", **more), dense(2, "relu", "hidden_2", **more),
        dense(1, None if mended else "relu", "output", **more),
    )  # fmt: skip
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=500, batch=7)


LINE = 6


@faulty(
    "accuracy of a model of survival that answers with numbers",
    "accuracy counts exact hits, of which a regression has none",
    "metric-mismatch",
    source="github.com/rstudio/keras3 issue 296",
    shows="accuracy",
)
def _accuracy_of_a_model_of_survival_that_answers_with_numbers(mended: bool) -> Patient:
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    x, y = scaled(x), ((y - y.min()) / (y.max() - y.min())).astype("float32")
    model = net(x, 2, end=None, width=16)
    model.compile(adam(0.01), "mean_squared_error", metrics=["mae" if mended else "accuracy"])
    return Patient(model, x, y, y, "value", epochs=60)


@faulty(
    "pictures of any sign for an autoencoder with a cross-entropy",
    "a cross-entropy below 0: what is to be told does not lie between 0 and 1",
    "label-mismatch",
    also=("output-loss-mismatch", "unscaled-target"),
    source="github.com/keras-team/keras issue 2841",
)
def _pictures_of_any_sign_for_an_autoencoder_with_a_cross_entropy(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, _ = pictures(400)
    x = x if mended else (4 * (x - x.mean())).astype("float32")
    model = stack(
        x,
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1"),
        layers.MaxPooling2D(name="pool"),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_2"),
        layers.UpSampling2D(name="up"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="conv_3"),
    )
    model.compile(adam(0.01), "binary_crossentropy", metrics=["mae"])
    return Patient(model, x, x, x, "value", epochs=20, batch=20)


@faulty(
    "tutorial's autoencoder on bytes",
    "integers from 0 to 255 are to be cast to floats and divided by 255",
    "unscaled-input",
    also=("label-mismatch", "output-loss-mismatch", "unscaled-target"),
    source="github.com/keras-team/keras issue 3642",
)
def _tutorials_autoencoder_on_bytes(mended: bool) -> Patient:
    x, _ = digits()
    x = x if mended else (255 * x).astype("float32")
    model = stack(
        x, dense(16, "relu", "encoded", kernel_initializer="glorot_uniform"),
        dense(64, "sigmoid", "decoded"),
    )  # fmt: skip
    model.compile(adam(0.01), "binary_crossentropy")
    return Patient(model, x, x, x, "value", epochs=40, batch=32)


@faulty(
    "cells that fill one pixel in a hundred",
    "all black, since the training set is so unequal: the few pixels need a weight",
    "class-imbalance",
    also=("metric-mismatch",),
    source="github.com/jakeret/tf_unet issue 234",
)
def _cells_that_fill_one_pixel_in_a_hundred(mended: bool) -> Patient:
    import keras

    ops = keras.ops
    rng = np.random.default_rng(1)
    x = np.zeros((160, 24, 24, 1), "float32")
    y = np.zeros_like(x)
    for page, mask, row, column in zip(x, y, *rng.integers(0, 22, (2, 160)), strict=True):
        mask[row : row + 2, column : column + 3] = 1
        page[:] = mask + 0.3 * rng.standard_normal(page.shape)

    def weighted(true: Any, said: Any) -> Any:
        each = keras.losses.binary_crossentropy(true, said)
        return ops.mean(each * (1 + (15.0 if mended else 0.0) * true[..., 0]))

    model = stack(
        x,
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv_1"),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv_2"),
        keras.layers.Conv2D(1, 1, activation="sigmoid", name="mask"),
    )
    model.compile(adam(0.003), weighted, metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=12, batch=16)


@faulty(
    "loss that takes the logarithm of the predictions as they are",
    "the loss is nan as soon as everything is told right: it needs a fuzz factor",
    "non-finite",
    source="github.com/keras-team/keras issue 198",
)
def _loss_that_takes_the_logarithm_of_the_predictions_as_they_are(mended: bool) -> Patient:
    import keras

    ops = keras.ops

    def logistic(true: Any, said: Any) -> Any:
        said = ops.clip(said, 1e-6, 1 - 1e-6) if mended else said
        return -ops.mean(true * ops.log(said) + (1 - true) * ops.log(1 - said), axis=-1)

    x, kind = iris()
    x, y = scaled(x), (kind == 0).astype("float32")
    model = net(x, 2)
    model.compile(adam(0.05), logistic)
    return Patient(model, x, y, y, "half", epochs=60, batch=30)


@faulty(
    "focal loss without an epsilon",
    "the epsilon within both logarithms",
    "non-finite",
    "loss",
    "output",
    "model",
    source="github.com/mkocabas/focal-loss-keras pull request 24",
)
def _focal_loss_without_an_epsilon(mended: bool) -> Patient:
    import keras

    ops = keras.ops
    little = 1e-7 if mended else 0.0

    def focal(true: Any, said: Any) -> Any:
        ones = ops.where(true == 1, said, ops.ones_like(said))
        zeros = ops.where(true == 0, said, ops.zeros_like(said))
        found = 0.25 * (1 - ones) ** 2 * ops.log(ones + little)
        passed = 0.75 * zeros**2 * ops.log(1 - zeros + little)
        return -ops.sum(found + passed, axis=-1)

    x = points(400)
    y = (x[:, 0] + 0.5 * x[:, 1] > 0.5).astype("float32")
    x = 10 * x
    model = net(x, 2, width=64)
    model.compile(adam(0.01), focal)
    return Patient(model, x, y, y, "half", epochs=60, batch=20)


@faulty(
    "boxes without a height, as logarithms",
    "the logarithm of 0 in what the generator of labels computes",
    "non-finite",
    source="github.com/xuannianz/keras-ctpn issue 1",
)
def _boxes_without_a_height_as_logarithms(mended: bool) -> Patient:
    x = points(400)
    height = np.exp(x[:, 0] - 0.5 * x[:, 1])
    height[::50] = 0
    if mended:
        x, height = x[height > 0], height[height > 0]
    with np.errstate(divide="ignore"):
        y = np.log(height / 2).astype("float32")
    truth = np.where(np.isfinite(y), y, 0)
    model = net(x, 2, end=None)
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, truth, "value", epochs=30)


@faulty(
    "likelihood of pixels through a logarithm that is given 0",
    "the cross-entropy of the logits in the place of the logarithm",
    "non-finite",
    source="github.com/hwalsuklee/tensorflow-mnist-VAE issue 4",
)
def _likelihood_of_pixels_through_a_logarithm_that_is_given_0(mended: bool) -> Patient:
    import keras

    ops = keras.ops

    def likelihood(true: Any, said: Any) -> Any:
        return -ops.sum(true * ops.log(said) + (1 - true) * ops.log(1 - said), axis=-1)

    x, _ = digits(500)
    x = (x > 0.4).astype("float32")
    model = stack(
        x,
        dense(64, "elu", "fc_1"),
        dense(16, None, "code"),
        dense(64, "tanh", "fc_2"),
        dense(64, "sigmoid", "pixels"),
    )
    model.compile(adam(0.02), "binary_crossentropy" if mended else likelihood)
    return Patient(model, x, x, x, "half", epochs=60, batch=25)


@faulty(
    "comments by a convolution with no activation",
    "an activation on the convolutional layer, which had none",
    "no-nonlinearity",
    source="github.com/keras-team/keras issue 1597",
)
def _comments_by_a_convolution_with_no_activation(mended: bool) -> Patient:
    import keras

    x, praise = reviews(3000, 24, 60)
    # Of six labels two: praise of the one half of the themes, blame of the other.
    theme = (np.arange(3000) % 2).astype("int32")
    x[:, 0] = 2 + theme
    other = (praise == theme).astype("float32")
    y = np.stack([other, 1 - other], axis=1)
    bend = "sigmoid" if mended else None
    model = keras.Sequential(
        [
            keras.Input((24,)),
            keras.layers.Embedding(300, 16, name="embedding"),
            keras.layers.Conv1D(16, 24, activation=bend, name="conv"),
            keras.layers.Flatten(name="flatten"),
            dense(2, "sigmoid", "output"),
        ]
    )
    model.compile(adam(0.01), "binary_crossentropy")
    return Patient(model, x, y, y, "half", epochs=10, batch=50)
