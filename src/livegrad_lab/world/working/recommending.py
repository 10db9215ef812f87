"""Models of who likes what, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import ratings


@healthy("ratings of films", "keras.io/examples/structured_data/collaborative_filtering_movielens")
def _film_ratings(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = ratings()
    inputs = keras.Input((2,), dtype="int32")

    def vectors(size: int, at: int, name: str) -> list[Any]:
        wide = layers.Embedding(
            size,
            16,
            embeddings_initializer="he_normal",
            embeddings_regularizer=keras.regularizers.L2(1e-6),
            name=name,
        )
        return [wide(inputs[:, at]), layers.Embedding(size, 1, name=f"{name}_bias")(inputs[:, at])]

    (person, warm), (film, fame) = vectors(40, 0, "person"), vectors(60, 1, "film")
    h = layers.Dot(axes=1, name="dot")([person, film]) + warm + fame
    model = keras.Model(inputs, layers.Activation("sigmoid", name="output")(h))
    model.compile(keras.optimizers.Adam(0.001), keras.losses.BinaryCrossentropy())
    return Patient(model, x, y, y, "value", epochs=40, batch=128)


@healthy(
    "embeddings in two small tables", "keras.io/examples/keras_recipes/memory_efficient_embeddings"
)
def _two_tables(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pairs, share = ratings()
    y = 5 * share
    inputs = [keras.Input((), dtype="int32", name=name) for name in ("person", "film")]

    def pieced(number: Any, buckets: int, name: str) -> Any:
        """Return the product of a vector of the quotient and one of the remainder."""
        parts = (number // buckets, number % buckets)
        h = [
            layers.Embedding(buckets, 16, name=f"{name}_{part}")(index)
            for part, index in zip(("quotient", "remainder"), parts, strict=True)
        ]
        return layers.multiply(h, name=name)

    person = pieced(inputs[0], 8, "person_vector")
    film = layers.Embedding(60, 16, name="film_vector")(inputs[1])
    h = layers.Dot(axes=1, name="dot")([person, film])
    model = keras.Model(inputs, layers.Rescaling(5, name="output")(keras.ops.sigmoid(h)))
    model.compile(
        keras.optimizers.Adam(0.001),
        keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
    )
    return Patient(model, [pairs[:, 0], pairs[:, 1]], y, y, "value", epochs=60, batch=128)


@healthy("two towers", "keras.io/keras_rs/examples/deep_recommender")
def _two_towers(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pairs, y = ratings()
    inputs = [keras.Input((), dtype="int32", name=name) for name in ("person", "film")]

    def tower(number: Any, size: int, name: str) -> Any:
        h = layers.Embedding(size, 32, name=f"{name}_embedding")(number)
        h = layers.Dense(64, activation="relu", name=f"{name}_1")(h)
        return layers.Dense(32, name=f"{name}_2")(h)

    person, film = tower(inputs[0], 40, "person_tower"), tower(inputs[1], 60, "film_tower")
    model = keras.Model(inputs, layers.Dot(axes=1, name="dot")([person, film]))
    model.compile(keras.optimizers.Adagrad(0.05), keras.losses.MeanSquaredError())
    return Patient(model, [pairs[:, 0], pairs[:, 1]], y, y, "value", epochs=90)


@healthy("products of all pairs of features", "keras.io/keras_rs/examples/dlrm")
def _dot_interaction(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pairs, share = ratings()
    genre = pairs[:, 1] % 6
    y = 1 + 4 * share  # one to five stars
    inputs = [keras.Input((), dtype="int32", name=name) for name in ("person", "film", "genre")]
    h = [
        layers.Embedding(size + 1, 8, name=f"embedding_{part.name}")(part)
        for size, part in zip((40, 60, 6), inputs, strict=True)
    ]
    products = [ops.sum(h[a] * h[b], axis=-1) for a, b in ((0, 1), (0, 2), (1, 2))]
    joint = ops.stack(products, axis=1)
    for at in (1, 2, 3):
        joint = layers.Dense(48, activation="relu", name=f"dense_{at}")(joint)
    model = keras.Model(inputs, layers.Dense(1, name="output")(joint))
    model.compile(
        keras.optimizers.AdamW(learning_rate=0.01),
        keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.RootMeanSquaredError()],
    )
    x = [pairs[:, 0], pairs[:, 1], genre.astype("int32")]
    return Patient(model, x, y, y, "value", epochs=20, batch=128)
