"""Models of words, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import (
    after_norm,
    classified,
    logits,
    onehot,
    positions,
    reviews,
    sentences,
)


def _praise(model: Any, x: Any, y: Any, optimizer: Any = "adam", **more: Any) -> Patient:
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y.astype("float32"), y, "half", **more)


@healthy("two bidirectional LSTMs on reviews", "keras.io/examples/nlp/bidirectional_lstm_imdb")
def _bidirectional(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews()
    inputs = keras.Input((None,), dtype="int32")
    h = layers.Embedding(200, 32, name="embedding")(inputs)
    lstm = layers.LSTM(16, return_sequences=True, name="lstm_1")
    h = layers.Bidirectional(lstm, name="both_1")(h)
    h = layers.Bidirectional(layers.LSTM(16, name="lstm_2"), name="both_2")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(h))
    return _praise(model, x, y, epochs=8, batch=32)


@healthy("transformer on reviews", "keras.io/examples/nlp/text_classification_with_transformer")
def _transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews()
    inputs = keras.Input((24,), dtype="int32")
    h = positions(layers.Embedding(200, 32, name="embedding")(inputs))
    h = after_norm(h, 2, 32, 32)
    h = layers.GlobalAveragePooling1D(name="average")(h)
    h = layers.Dropout(0.1, name="drop_1")(h)
    h = layers.Dense(20, activation="relu", name="dense")(h)
    h = layers.Dropout(0.1, name="drop_2")(h)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    loss = "sparse_categorical_crossentropy"
    return classified(model, x, y, "adam", loss, epochs=10, batch=32)


@healthy("convolutions on reviews", "keras.io/examples/nlp/text_classification_from_scratch")
def _convolutions(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews(length=40)
    inputs = keras.Input((None,), dtype="int64")
    h = layers.Embedding(200, 32, name="embedding")(inputs)
    h = layers.Dropout(0.5, name="drop_words")(h)
    for at in (1, 2):
        conv = layers.Conv1D(
            32, 5, strides=3, activation="relu", padding="valid", name=f"conv_{at}"
        )
        h = conv(h)
    h = layers.GlobalMaxPooling1D(name="max")(h)
    h = layers.Dense(32, activation="relu", name="dense")(h)
    h = layers.Dropout(0.5, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(h))
    return _praise(model, x, y, epochs=30, batch=32)


@healthy("frozen vectors of words", "keras.io/examples/nlp/pretrained_word_embeddings")
def _frozen_words(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews(length=40)
    # In place of vectors from elsewhere, those of the words' company: which go with which.
    seen = np.stack([(x == word).any(axis=1) for word in range(200)]).astype("float64")
    seen[0] = 0  # the padding goes with none
    company = seen @ seen.T
    usual = np.outer(seen.sum(axis=1), seen.sum(axis=1)) / len(x)
    left, sizes, _ = np.linalg.svd(np.log((company + 1) / (usual + 1)))
    vectors = (left[:, :24] * np.sqrt(sizes[:24])).astype("float32")
    known = layers.Embedding(200, 24, trainable=False, name="embedding")
    known.build((1,))
    known.set_weights([vectors])
    inputs = keras.Input((None,), dtype="int32")
    h = layers.Conv1D(32, 5, activation="relu", name="conv_1")(known(inputs))
    h = layers.MaxPooling1D(3, name="pool")(h)
    h = layers.Conv1D(32, 5, activation="relu", name="conv_2")(h)
    h = layers.GlobalMaxPooling1D(name="max")(h)
    h = layers.Dense(32, activation="relu", name="dense")(h)
    h = layers.Dropout(0.5, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    loss = "sparse_categorical_crossentropy"
    return classified(model, x, y, "rmsprop", loss, epochs=20, batch=32)


@healthy(
    "one expert for each word", "keras.io/examples/nlp/text_classification_with_switch_transformer"
)
def _switch(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = reviews()

    class Switch(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """Each word goes to the expert that the router finds likeliest; all get their share."""

        def __init__(self, experts: int, width: int, **more: Any) -> None:
            super().__init__(**more)
            self.route = layers.Dense(experts, name="route")
            self.up = [layers.Dense(width, activation="relu") for _ in range(experts)]
            self.down = [layers.Dense(width) for _ in range(experts)]

        def build(self, shape: Any) -> None:
            for part in (self.route, *self.up, *self.down):
                part.build(shape)

        def call(self, x: Any) -> Any:
            likely = ops.softmax(self.route(x))  # (rows, words, experts)
            chosen = ops.one_hot(ops.argmax(likely, axis=-1), likely.shape[-1])
            share = ops.mean(chosen, axis=(0, 1)) * ops.mean(likely, axis=(0, 1))
            self.add_loss(ops.mean(share) * likely.shape[-1] ** 2)
            made = [down(up(x)) for up, down in zip(self.up, self.down, strict=True)]
            return ops.sum((likely * chosen)[..., None, :] * ops.stack(made, axis=-1), axis=-1)

    inputs = keras.Input((24,), dtype="int32")
    h = positions(layers.Embedding(200, 32, name="embedding")(inputs))
    seen = layers.MultiHeadAttention(2, 32, name="attention")(h, h)
    seen = layers.Dropout(0.1, name="drop_seen")(seen)
    h = layers.LayerNormalization(epsilon=1e-6, name="norm_seen")(h + seen)
    made = layers.Dropout(0.1, name="drop_made")(Switch(4, 32, name="switch")(h))
    h = layers.LayerNormalization(epsilon=1e-6, name="norm_made")(h + made)
    h = layers.GlobalAveragePooling1D(name="average")(h)
    h = layers.Dropout(0.25, name="drop_1")(h)
    h = layers.Dense(32, activation="relu", name="dense")(h)
    h = layers.Dropout(0.25, name="drop_2")(h)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    optimizer, loss = keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy"
    return classified(model, x, y, optimizer, loss, epochs=10, batch=32)


@healthy("sums learned letter by letter", "keras.io/examples/nlp/addition_rnn")
def _sums(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    letters = " +0123456789"
    pairs = [(a, b) for a in range(30) for b in range(a + 1)]
    asked = [f"{a}+{b}".ljust(5)[::-1] for a, b in pairs]
    answer = [str(a + b).ljust(2) for a, b in pairs]
    x = onehot(np.array([[letters.index(c) for c in line] for line in asked]), 12)
    y = np.array([[letters.index(c) for c in line] for line in answer])
    model = keras.Sequential(
        [
            keras.Input((5, 12)),
            layers.LSTM(64, name="encoder"),
            layers.RepeatVector(2, name="repeat"),
            layers.LSTM(64, return_sequences=True, name="decoder"),
            layers.Dense(12, activation="softmax", name="output"),
        ]
    )
    return classified(model, x, y, "adam", "categorical_crossentropy", epochs=130, batch=32)


@healthy("translation of letters with two LSTMs", "keras.io/examples/nlp/lstm_seq2seq")
def _translation(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # The other language says each letter otherwise and starts with the last.
    rng = np.random.default_rng(0)
    said = rng.integers(0, 10, (768, 5))
    other = rng.permutation(10)[said[:, ::-1]]
    before = np.concatenate([np.full((768, 1), 10), other[:, :-1]], axis=1)  # 10 starts the line
    x = [onehot(said, 10), onehot(before, 11)]
    inputs = [keras.Input((None, 10), name="heard"), keras.Input((None, 11), name="begun")]
    _, *state = layers.LSTM(64, return_state=True, name="encoder")(inputs[0])
    decoder = layers.LSTM(64, return_sequences=True, return_state=True, name="decoder")
    h, *_ = decoder(inputs[1], initial_state=state)
    model = keras.Model(inputs, layers.Dense(11, activation="softmax", name="output")(h))
    return classified(model, x, other, "rmsprop", "categorical_crossentropy", epochs=40, batch=32)


@healthy("next letter", "keras.io/examples/generative/lstm_character_level_text_generation")
def _next_letter(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    words = ["the", "cat", "and", "dog", "ran", "home", "late", "today"]
    rng = np.random.default_rng(0)
    text = " ".join(rng.choice(words, 300))
    letters = sorted(set(text))
    code = np.array([letters.index(c) for c in text])
    starts = np.arange(0, len(code) - 10, 1)
    x = onehot(code[starts[:, None] + np.arange(10)], len(letters))
    y = code[starts + 10]
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.LSTM(64, name="lstm"),
            layers.Dense(len(letters), activation="softmax", name="output"),
        ]
    )
    optimizer = keras.optimizers.RMSprop(learning_rate=0.01)
    return classified(model, x, y, optimizer, "categorical_crossentropy", epochs=20, batch=128)


@healthy(
    "small model of a language",
    "keras.io/examples/generative/text_generation_with_miniature_gpt",
)
def _small_gpt(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = sentences()
    inputs = keras.Input((16,), dtype="int32")
    h = positions(layers.Embedding(30, 32, name="embedding")(inputs))
    h = after_norm(h, 2, 16, 32, use_causal_mask=True)
    # The example gives out the last representation as well, with no loss on it.
    model = keras.Model(inputs, layers.Dense(30, name="output")(h))
    return classified(model, x, y, "adam", logits(), epochs=15, batch=32)


@healthy("Fourier mixing of questions", "keras.io/examples/nlp/fnet_classification_with_keras_hub")
def _fourier_words(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews()
    inputs = keras.Input((24,), dtype="int32")
    h = positions(layers.Embedding(200, 32, name="embedding")(inputs))
    for at in (1, 2):
        real, _ = keras.ops.fft2((h, keras.ops.zeros_like(h)))
        h = layers.LayerNormalization(name=f"norm_mixed_{at}")(h + real)
        made = layers.Dense(64, activation="relu", name=f"up_{at}")(h)
        made = layers.Dropout(0.1, name=f"drop_{at}")(layers.Dense(32, name=f"down_{at}")(made))
        h = layers.LayerNormalization(name=f"norm_made_{at}")(h + made)
    h = layers.GlobalAveragePooling1D(name="average")(h)
    h = layers.Dropout(0.1, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(h))
    return _praise(model, x, y, keras.optimizers.Adam(learning_rate=0.001), batch=32)
