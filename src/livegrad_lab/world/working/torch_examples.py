"""The examples of PyTorch (github.com/pytorch/examples), as Keras models.

Layers start as PyTorch starts them unless the example says otherwise, and what it fits with
log_softmax and the negative likelihood is here the cross-entropy of logits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import blobs, classified, digits, logits, sentences


def torch(kind: Any, inputs: int, *given: Any, **more: Any) -> Any:
    """Return the layer with PyTorch's start: uniform up to 1 / sqrt(inputs), the bias as well."""
    import keras

    limit = inputs**-0.5
    more.setdefault("bias_initializer", keras.initializers.RandomUniform(-limit, limit))
    more.setdefault(
        "kernel_initializer", keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    )
    return kind(*given, **more)


def scaled_digits(times: int = 1) -> Any:
    """Return digits by the mean and the deviation of all pixels, as the examples take MNIST."""
    x, y = digits(times)
    return (x - x.mean()) / x.std(), y


@healthy("digits with Adadelta", "github.com/pytorch/examples/mnist")
def _digits_with_adadelta(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = scaled_digits(2)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            torch(layers.Conv2D, 9, 12, 3, name="conv_1"),
            layers.ReLU(name="relu_1"),
            torch(layers.Conv2D, 108, 24, 3, name="conv_2"),
            layers.ReLU(name="relu_2"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Dropout(0.25, name="drop_1"),
            layers.Flatten(name="flat"),
            torch(layers.Dense, 864, 64, name="fc_1"),
            layers.ReLU(name="relu_3"),
            layers.Dropout(0.5, name="drop_2"),
            torch(layers.Dense, 64, 10, name="fc_2"),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(1.0, 28, 0.7, staircase=True)
    optimizer = keras.optimizers.Adadelta(rate, rho=0.9, epsilon=1e-6)
    return classified(model, x, y, optimizer, logits(), epochs=6)


@healthy("rows of digits by an LSTM", "github.com/pytorch/examples/mnist_rnn")
def _rows_of_digits(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = scaled_digits()
    x = pixels[..., 0]
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.LSTM(64, name="rnn"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.25, name="drop_1"),
            torch(layers.Dense, 64, 32, name="fc_1"),
            layers.ReLU(name="relu"),
            layers.Dropout(0.5, name="drop_2"),
            torch(layers.Dense, 32, 10, name="fc_2"),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 28 * 8, 0.7, staircase=True)
    optimizer = keras.optimizers.Adadelta(rate, rho=0.9, epsilon=1e-6)
    return classified(model, x, y, optimizer, logits(), epochs=40)


def residual_stage(h: Any, width: int, stride: int, at: int) -> Any:
    """Return a basic block of a residual network, normalised after each convolution."""
    import keras

    layers = keras.layers

    def conv(h: Any, size: int, stride: int, name: str) -> Any:
        start = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
        h = layers.Conv2D(
            width,
            size,
            stride,
            "same",
            use_bias=False,
            kernel_initializer=start,
            name=f"{name}_{at}",
        )(h)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm_{at}")(h)

    made = layers.ReLU(name=f"relu_a_{at}")(conv(h, 3, stride, "conv_a"))
    made = conv(made, 3, 1, "conv_b")
    short = h if stride == 1 and h.shape[-1] == width else conv(h, 1, stride, "short")
    return layers.ReLU(name=f"relu_b_{at}")(layers.Add(name=f"add_{at}")([made, short]))


@healthy("twins of residual blocks", "github.com/pytorch/examples/siamese_network")
def _residual_twins(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits()
    rng = np.random.default_rng(0)
    x, y = x[y < 4], y[y < 4]
    left = rng.integers(0, len(x), 1024)
    same = np.arange(1024) % 2 == 1
    right = [rng.choice(np.flatnonzero((y == y[a]) == s)) for a, s in zip(left, same, strict=True)]
    one = keras.Input(x.shape[1:])
    h = residual_stage(residual_stage(one, 8, 1, 1), 16, 2, 2)
    twin = keras.Model(one, layers.GlobalAveragePooling2D(name="average")(h), name="resnet")
    inputs = [keras.Input(x.shape[1:], name=name) for name in ("first", "second")]
    h = layers.concatenate([twin(part) for part in inputs], name="together")
    little = keras.initializers.Constant(0.01)
    h = layers.Dense(64, activation="relu", bias_initializer=little, name="fc_1")(h)
    h = layers.Dense(1, activation="sigmoid", bias_initializer=little, name="fc_2")(h)
    model = keras.Model(inputs, h)
    rate = keras.optimizers.schedules.ExponentialDecay(1.0, 160, 0.7, staircase=True)
    model.compile(keras.optimizers.Adadelta(rate, rho=0.9, epsilon=1e-6), "binary_crossentropy")
    alike = (y[left] == y[right]).astype("float32")
    return Patient(model, [x[left], x[right]], alike[:, None], alike, "half", epochs=20)


@healthy("polynomial", "github.com/pytorch/examples/regression")
def _polynomial(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = (rng.standard_normal((1024, 1)) ** [1, 2, 3, 4]).astype("float32")
    y = x @ (5 * rng.standard_normal(4)) + 5 * rng.standard_normal()
    model = keras.Sequential([keras.Input((4,)), torch(keras.layers.Dense, 4, 1, name="fc")])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.Huber())
    return Patient(model, x, y.astype("float32")[:, None], y[:, None], "value", epochs=60, batch=32)


@healthy("words by two LSTMs, clipped gradients", "github.com/pytorch/examples/word_language_model")
def _words_by_lstms(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = sentences()
    little = keras.initializers.RandomUniform(-0.1, 0.1)
    h = inputs = keras.Input((16,), dtype="int32")
    h = layers.Embedding(30, 48, embeddings_initializer=little, name="encoder")(h)
    h = layers.Dropout(0.2, name="drop_0")(h)
    for at in (1, 2):
        h = layers.LSTM(48, return_sequences=True, name=f"rnn_{at}")(h)
        h = layers.Dropout(0.2, name=f"drop_{at}")(h)
    model = keras.Model(inputs, layers.Dense(30, kernel_initializer=little, name="decoder")(h))
    # A rate of 20: the norm of all gradients is clipped to 0.25, so a step is at most 5.
    optimizer = keras.optimizers.SGD(20.0, global_clipnorm=0.25)
    return classified(model, x, y, optimizer, logits(), epochs=24, batch=20)


@healthy("words by a transformer", "github.com/pytorch/examples/word_language_model (Transformer)")
def _words_by_transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = sentences()
    little = keras.initializers.RandomUniform(-0.1, 0.1)
    rate = 10000 ** (-np.arange(0, 32, 2) / 32)
    angle = np.arange(16)[:, None] * rate  # (16, 16)
    waves = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(16, 32).astype("float32")
    inputs = keras.Input((16,), dtype="int32")
    h = layers.Embedding(30, 32, embeddings_initializer=little, name="input_emb")(inputs)
    h = layers.Dropout(0.2, name="drop")(32**0.5 * h + waves)
    for at in (1, 2):
        attend = layers.MultiHeadAttention(2, 16, dropout=0.1, name=f"attention_{at}")
        seen = layers.Dropout(0.1, name=f"drop_seen_{at}")(attend(h, h, use_causal_mask=True))
        h = layers.LayerNormalization(epsilon=1e-5, name=f"norm_seen_{at}")(h + seen)
        made = torch(layers.Dense, 32, 32, activation="relu", name=f"up_{at}")(h)
        made = layers.Dropout(0.1, name=f"drop_up_{at}")(made)
        made = torch(layers.Dense, 32, 32, name=f"down_{at}")(made)
        made = layers.Dropout(0.1, name=f"drop_made_{at}")(made)
        h = layers.LayerNormalization(epsilon=1e-5, name=f"norm_made_{at}")(h + made)
    model = keras.Model(inputs, layers.Dense(30, kernel_initializer=little, name="decoder")(h))
    # The example's advice for this model: a rate of 5 and not 20.
    optimizer = keras.optimizers.SGD(5.0, global_clipnorm=0.25)
    return classified(model, x, y, optimizer, logits(), batch=20)


@healthy("orthogonal sub-pixel convolutions", "github.com/pytorch/examples/super_resolution")
def _orthogonal_sub_pixels(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, _ = blobs(size=18)
    y = pixels.mean(axis=-1, keepdims=True) / 255
    x = y.reshape(-1, 6, 3, 6, 3, 1).mean(axis=(2, 4))
    h = inputs = keras.Input(x.shape[1:])
    relu = 2**0.5
    for at, (width, size, gain) in enumerate(
        ((24, 5, relu), (24, 3, relu), (12, 3, relu), (9, 3, 1.0)), 1
    ):
        conv = torch(
            layers.Conv2D,
            size**2 * h.shape[-1],
            width,
            size,
            padding="same",
            kernel_initializer=keras.initializers.Orthogonal(gain),
            name=f"conv{at}",
        )
        h = conv(h)
        if at < 4:
            h = layers.ReLU(name=f"relu_{at}")(h)
    h = layers.Reshape((6, 6, 3, 3), name="cut")(h)
    h = layers.Permute((1, 3, 2, 4), name="turn")(h)
    model = keras.Model(inputs, layers.Reshape((18, 18, 1), name="shuffled")(h))
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value", batch=64)


@healthy("variational autoencoder", "github.com/pytorch/examples/vae")
def _variational(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, _ = digits()
    x = pixels.reshape(-1, 64)

    class Sample(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """A draw from the code's distribution, whose distance from the normal is a loss."""

        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            self.seed = keras.random.SeedGenerator(0)

        def call(self, mean: Any, spread: Any) -> Any:
            apart = 1 + spread - ops.square(mean) - ops.exp(spread)
            # Summed over the code and averaged over the rows, as is the loss of the pixels.
            self.add_loss(-0.5 * ops.mean(ops.sum(apart, axis=1)))
            noise = keras.random.normal(ops.shape(mean), seed=self.seed)
            return mean + ops.exp(0.5 * spread) * noise

    inputs = keras.Input((64,))
    h = torch(layers.Dense, 64, 128, activation="relu", name="fc1")(inputs)
    mean = torch(layers.Dense, 128, 10, name="fc21")(h)
    spread = torch(layers.Dense, 128, 10, name="fc22")(h)
    h = Sample(name="sample")(mean, spread)
    h = torch(layers.Dense, 10, 128, activation="relu", name="fc3")(h)
    model = keras.Model(inputs, torch(layers.Dense, 128, 64, activation="sigmoid", name="fc4")(h))

    def summed(true: Any, seen: Any) -> Any:
        return 64 * keras.losses.binary_crossentropy(true, seen)

    model.compile(keras.optimizers.Adam(1e-3), summed)
    return Patient(model, x, x, x, "value", epochs=150)


@healthy("waves told on step by step", "github.com/pytorch/examples/time_sequence_prediction")
def _waves(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    start = np.random.default_rng(0).integers(-80, 80, (97, 1))
    data = np.sin((np.arange(41) + start) / 4).astype("float32")[..., None]
    x, y = data[:, :-1], data[:, 1:]
    h = inputs = keras.Input((40, 1))
    for at in (1, 2):
        h = layers.LSTM(51, return_sequences=True, name=f"lstm{at}")(h)
    model = keras.Model(inputs, torch(layers.Dense, 51, 1, name="linear")(h))
    # Adam in the place of L-BFGS, which Keras has not.
    model.compile(keras.optimizers.Adam(0.003), "mse")
    return Patient(model, x, y, y, "value", epochs=40, batch=24)


@healthy("judge of pictures", "github.com/pytorch/examples/dcgan (discriminator)")
def _judge(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pictures, _ = blobs(384)
    # True pictures against others with the same colours and no shape, both in -1..1.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 384)
    mixed = rng.permuted(pictures.reshape(384, -1, 3), axis=1).reshape(pictures.shape)
    x = np.where(y[:, None, None, None] == 1, pictures, mixed) / 127.5 - 1
    small = keras.initializers.RandomNormal(0.0, 0.02)
    near = keras.initializers.RandomNormal(1.0, 0.02)
    h = inputs = keras.Input(x.shape[1:])
    for at, width in enumerate((16, 32), 1):
        conv = layers.Conv2D(
            width, 4, 2, "same", use_bias=False, kernel_initializer=small, name=f"conv_{at}"
        )
        h = conv(h)
        if at > 1:
            h = layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, gamma_initializer=near, name=f"norm_{at}"
            )(h)
        h = layers.LeakyReLU(negative_slope=0.2, name=f"leaky_{at}")(h)
    h = layers.Conv2D(
        1, 4, use_bias=False, kernel_initializer=small, activation="sigmoid", name="conv_3"
    )(h)
    model = keras.Model(inputs, layers.Flatten(name="flat")(h))
    model.compile(keras.optimizers.Adam(0.0002, beta_1=0.5), "binary_crossentropy")
    return Patient(model, x, y.astype("float32")[:, None], y, "half", epochs=20, batch=32)
