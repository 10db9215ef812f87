"""More of PyTorch's examples (github.com/pytorch/examples): graphs, policies, larger parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import classified, logits, pictures, positions, sentences
from livegrad_lab.world.working.torch_examples import residual_stage, torch


def _poles() -> tuple[Array, Array]:
    """Return states of a cart with a pole, shape (1024, 4), and which way a good push goes."""
    x = np.random.default_rng(0).uniform(-1, 1, (1024, 4)) * [2.4, 2, 0.2, 2]
    return x.astype("float32"), (x @ [0.1, 0.3, 8.0, 1.0] > 0).astype("int32")


@healthy("policy for a pole", "github.com/pytorch/examples/reinforcement_learning/reinforce")
def _policy(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = _poles()
    model = keras.Sequential(
        [
            keras.Input((4,)),
            torch(layers.Dense, 4, 128, name="affine1"),
            layers.Dropout(0.6, name="dropout"),
            layers.ReLU(name="relu"),
            torch(layers.Dense, 128, 2, activation="softmax", name="affine2"),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-2)
    return classified(model, x, y, optimizer, "sparse_categorical_crossentropy", epochs=20)


@healthy("actor and critic", "github.com/pytorch/examples/reinforcement_learning/actor_critic")
def _actor_critic(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = _poles()
    worth = 1 - np.abs(x[:, 2:3]) / 0.2  # of a state: the pole upright is best
    inputs = keras.Input((4,))
    h = torch(layers.Dense, 4, 128, activation="relu", name="affine1")(inputs)
    action = torch(layers.Dense, 128, 2, activation="softmax", name="action_head")(h)
    value = torch(layers.Dense, 128, 1, name="value_head")(h)
    model = keras.Model(inputs, [action, value])
    # The critic's loss is the smooth one of the example.
    losses = ["sparse_categorical_crossentropy", keras.losses.Huber()]
    model.compile(keras.optimizers.Adam(3e-2), losses)
    return Patient(model, x, [y, worth], y, "class", epochs=20)


def _graphs() -> tuple[Array, Array, Array]:
    """Return features (64, 24, 8), neighbours with each itself (64, 24, 24) and kinds (64, 24).

    Nodes of one kind are mostly tied to each other; a node's own features say little.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (64, 24))
    alike = y[:, :, None] == y[:, None]
    tied = rng.random((64, 24, 24)) < np.where(alike, 0.5, 0.03)
    tied = np.triu(tied, 1) | np.triu(tied, 1).swapaxes(1, 2) | np.eye(24, dtype=bool)
    x = rng.random((64, 24, 8)) < 0.25 + 0.45 * np.eye(8)[y]
    x = x / np.maximum(x.sum(axis=2, keepdims=True), 1)
    return x.astype("float32"), tied.astype("float32"), y


@healthy("graph convolutions", "github.com/pytorch/examples/gcn")
def _graph_convolutions(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, tied, y = _graphs()
    degree = tied.sum(axis=2) ** -0.5
    near = degree[:, :, None] * tied * degree[:, None]
    inputs = [keras.Input((24, 8), name="features"), keras.Input((24, 24), name="near")]
    start = {"kernel_initializer": "glorot_normal"}
    h = keras.ops.matmul(inputs[1], layers.Dense(16, name="gc1", **start)(inputs[0]))
    h = layers.Dropout(0.5, name="dropout")(layers.ReLU(name="relu")(h))
    h = keras.ops.matmul(inputs[1], layers.Dense(3, name="gc2", **start)(h))
    model = keras.Model(inputs, h)
    optimizer = keras.optimizers.Adam(0.01, weight_decay=5e-4)
    return classified(model, [x, near], y, optimizer, logits(), epochs=200, batch=8)


@healthy("graph attention", "github.com/pytorch/examples/gat")
def _graph_attention(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, tied, y = _graphs()
    inputs = [keras.Input((24, 8), name="features"), keras.Input((24, 24), name="tied")]

    def attend(h: Any, width: int, heads: int, at: int) -> Any:
        """Return the nodes, each the mean over the heads of its neighbours by their weights."""
        start = {"use_bias": False, "kernel_initializer": "glorot_normal"}
        made = layers.Dense(width * heads, name=f"project_{at}", **start)(h)
        made = layers.Dropout(0.6, name=f"drop_{at}")(made)
        parts = []
        for head in range(heads):
            one = made[..., head * width : (head + 1) * width]
            own = layers.Dense(1, name=f"own_{at}_{head}", **start)(one)
            other = layers.Dense(1, name=f"other_{at}_{head}", **start)(one)
            score = layers.LeakyReLU(negative_slope=0.2, name=f"leaky_{at}_{head}")(
                own + ops.swapaxes(other, 1, 2)
            )
            score = ops.where(inputs[1] > 0, score, -9e15)
            weight = layers.Softmax(name=f"weights_{at}_{head}")(score)
            weight = layers.Dropout(0.6, name=f"drop_weights_{at}_{head}")(weight)
            parts.append(ops.matmul(weight, one))
        return sum(parts[1:], parts[0]) / heads

    h = layers.ELU(name="elu")(attend(inputs[0], 16, 4, 1))
    model = keras.Model(inputs, attend(h, 3, 1, 2))
    optimizer = keras.optimizers.Adam(0.005, weight_decay=5e-4)
    return classified(model, [x, tied], y, optimizer, logits(), epochs=300, batch=8)


@healthy("two sentences compared", "github.com/pytorch/examples/legacy/snli")
def _two_sentences(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # The second says the first again, the contrary word for word, or something else.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 1024)
    first = rng.integers(0, 6, (1024, 4))
    other = rng.integers(0, 6, (1024, 4))
    second = np.select([y[:, None] == 0, y[:, None] == 1], [first, 5 - first], other)
    inputs = [keras.Input((4,), dtype="int32", name=name) for name in ("premise", "hypothesis")]
    embed = layers.Embedding(6, 32, embeddings_initializer="random_normal", name="embed")
    project = torch(layers.Dense, 32, 48, activation="relu", name="projection")
    encoder = layers.LSTM(48, name="encoder")
    h = layers.concatenate([encoder(project(embed(part))) for part in inputs], name="together")
    for at in (1, 2, 3):
        h = torch(layers.Dense, 96, 96, name=f"out_{at}")(h)
        h = layers.Dropout(0.2, name=f"dropout_{at}")(layers.ReLU(name=f"relu_{at}")(h))
    model = keras.Model(inputs, torch(layers.Dense, 96, 3, name="scores")(h))
    return classified(model, [first, second], y, keras.optimizers.Adam(0.001), logits(), epochs=40)


@healthy("GPT with a norm before each part", "github.com/pytorch/examples/distributed/minGPT-ddp")
def _min_gpt(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = sentences()
    small = keras.initializers.RandomNormal(0.0, 0.02)
    smaller = keras.initializers.RandomNormal(0.0, 0.02 / 2)  # by the root of twice the depth
    inputs = keras.Input((16,), dtype="int32")
    h = layers.Embedding(30, 48, embeddings_initializer=small, name="tok_emb")(inputs)
    h = layers.Dropout(0.1, name="drop")(positions(h, "pos_emb"))
    for at in (1, 2):
        seen = layers.LayerNormalization(epsilon=1e-5, name=f"ln1_{at}")(h)
        seen = layers.MultiHeadAttention(3, 16, dropout=0.1, name=f"attn_{at}")(
            seen, seen, use_causal_mask=True
        )
        seen = layers.Dense(48, kernel_initializer=smaller, name=f"c_proj_{at}")(seen)
        h = h + layers.Dropout(0.1, name=f"drop_attn_{at}")(seen)
        made = layers.LayerNormalization(epsilon=1e-5, name=f"ln2_{at}")(h)
        made = layers.Dense(192, activation="gelu", kernel_initializer=small, name=f"up_{at}")(made)
        made = layers.Dense(48, kernel_initializer=small, name=f"down_{at}")(made)
        h = h + layers.Dropout(0.1, name=f"drop_mlp_{at}")(made)
    h = layers.LayerNormalization(epsilon=1e-5, name="ln_f")(h)
    model = keras.Model(
        inputs, layers.Dense(30, use_bias=False, kernel_initializer=small, name="head")(h)
    )
    optimizer = keras.optimizers.AdamW(3e-4, weight_decay=0.1, beta_2=0.95, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    return classified(model, x, y, optimizer, logits(), epochs=25, batch=32)


@healthy("small residual network with momentum", "github.com/pytorch/examples/imagenet")
def _small_resnet(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()
    x = (x / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    start = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    h = inputs = keras.Input(x.shape[1:])
    h = layers.Conv2D(8, 3, padding="same", use_bias=False, kernel_initializer=start, name="stem")(
        h
    )
    h = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="stem_norm")(h)
    h = layers.MaxPooling2D(2, name="pool")(layers.ReLU(name="stem_relu")(h))
    for at, (width, stride) in enumerate(((8, 1), (8, 1), (16, 2), (16, 1)), 1):
        h = residual_stage(h, width, stride, at)
    h = layers.GlobalAveragePooling2D(name="average")(h)
    model = keras.Model(inputs, torch(layers.Dense, 16, 4, name="fc")(h))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-4)
    return classified(model, x.astype("float32"), y, optimizer, logits(), epochs=15, batch=32)
