"""Faults and sound models that showed, in programs the doctor was not written with, what it missed.

Each was rebuilt from the kind of question that people ask; beside each fault stands what looks
like it and is sound.
"""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from livegrad.doctor import _examples, examine
from livegrad.doctor._facts import Output

L = keras.layers


@pytest.fixture(autouse=True)
def seeded():
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)


def table(n=256, features=16, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def found(model, x, y, **given):
    report = examine(model, x, y, batch_size=32, epochs=given.pop("epochs", 10), **given)
    return [(one.code, one.layer) for one in report.findings], report


def classifier(h, inputs, rate=0.01):
    model = keras.Model(inputs, L.Dense(1, "sigmoid", name="out")(h))
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return model


# Shortcuts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bent", [True, False])
def test_a_branch_whose_last_scale_is_0_is_no_fault_beside_a_shortcut(bent):
    x, y = table()
    inputs = keras.Input((16,))
    h = L.Dense(32, "relu")(inputs)
    for at in range(3):
        branch = L.Dense(32, "relu", name=f"first_{at}")(h)
        branch = L.Dense(32, name=f"second_{at}")(branch)
        h = L.Add()([h, L.BatchNormalization(gamma_initializer="zeros")(branch)])
        h = L.ReLU()(h) if bent else h
    assert found(classifier(h, inputs), x, y)[0] == []


def test_a_scale_of_0_without_a_shortcut_passes_no_gradient():
    x, y = table()
    inputs = keras.Input((16,))
    h = L.Dense(32, "relu")(inputs)
    h = L.Dense(32, name="below")(h)
    h = L.BatchNormalization(gamma_initializer="zeros", name="zero")(h)
    codes, _ = found(classifier(L.ReLU()(h), inputs), x, y)
    assert codes and codes[0][0] in ("vanishing-gradient", "dead-units")


# Examples that meet ---------------------------------------------------------------------------


def mixing(reshape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 6, 4)).astype("float32")
    inputs = keras.Input((6, 4))
    h = L.LSTM(8, return_sequences=True)(inputs)
    h = L.Lambda(reshape, output_shape=(6, 8), name="turned")(h)
    return classifier(L.GlobalAveragePooling1D()(h), inputs), x, (x[:, 0, 0] > 0).astype("float32")


def test_examples_that_are_joined_across_their_border_are_named():
    def turned(h):
        steps_first = keras.ops.transpose(h, (1, 0, 2))
        return keras.ops.reshape(steps_first, (-1, 6, 8))  # no way back: the order is another

    model, x, y = mixing(turned)
    codes, report = found(model, x, y)
    assert codes == [("wrong-axis", "turned")]
    assert "answers to the same 8 change by" in report.findings[0].evidence


def test_a_way_there_and_back_mixes_nothing():
    def turned(h):
        return keras.ops.transpose(keras.ops.transpose(h, (1, 0, 2)), (1, 0, 2))

    model, x, y = mixing(turned)
    assert found(model, x, y)[0] == []


def test_a_batch_normalisation_mixes_by_design():
    x, y = table()
    inputs = keras.Input((16,))
    h = L.ReLU()(L.BatchNormalization()(L.Dense(32)(inputs)))
    assert found(classifier(h, inputs), x, y)[0] == []


def test_a_model_for_batches_of_one_size_is_judged_without():
    x, y = table()
    inputs = keras.Input(batch_shape=(32, 16))
    model = classifier(L.Dense(16, "relu")(inputs), inputs)
    assert found(model, x[:32], y[:32])[0] == []


# Examples that become one ---------------------------------------------------------------------


def tokens(cast):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 50, (256, 8)).astype("float32")
    inputs = keras.Input((8,))
    ids = L.Lambda(cast, output_shape=(8,), name="cast")(inputs)
    h = L.GlobalAveragePooling1D()(L.Embedding(50, 8, name="table")(ids))
    return classifier(h, inputs), x, (x[:, 0] > 25).astype("float32")


def test_a_cast_that_makes_all_words_the_same_is_named_where_they_are_looked_up():
    model, x, y = tokens(lambda v: keras.ops.cast(v / 50, "int32"))
    codes, report = found(model, x, y)
    assert codes == [("constant-input", "table")]
    assert "the same rows to look up" in report.findings[0].why


def test_words_that_differ_are_no_fault():
    model, x, y = tokens(lambda v: keras.ops.cast(v, "int32"))
    assert found(model, x, y)[0] == []


@pytest.mark.parametrize("zeros", [True, False])
def test_places_and_kinds_that_are_the_same_in_all_examples_are_no_fault(zeros):
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 50, (256, 8))
    words, kinds = keras.Input((8,), dtype="int32"), keras.Input((8,), dtype="int32")
    places = L.Lambda(
        lambda v: keras.ops.zeros_like(v) + keras.ops.arange(8, dtype="int32"), output_shape=(8,)
    )(words)
    h = L.Embedding(50, 8)(words) + L.Embedding(8, 8)(places) + L.Embedding(2, 8)(kinds)
    h = L.Dense(16, "relu")(L.GlobalAveragePooling1D()(h))
    out = L.Dense(1, "sigmoid", kernel_initializer="zeros" if zeros else "glorot_uniform")(h)
    model = keras.Model([words, kinds], out)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    y = (ids[:, 0] > 25).astype("float32")
    codes, _ = found(model, [ids, np.zeros_like(ids)], y)
    assert "constant-input" not in [code for code, _ in codes]


def test_last_weights_of_0_make_all_answers_the_same_and_are_no_fault():
    x, y = table()
    inputs = keras.Input((16,))
    h = L.Dense(32, "relu")(inputs)
    model = keras.Model(inputs, L.Dense(1, "sigmoid", kernel_initializer="zeros")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    assert found(model, x, y)[0] == []


# Losses of one's own --------------------------------------------------------------------------


def test_a_loss_without_a_slope_is_named_though_a_penalty_has_one():
    x, y = table()
    inputs = keras.Input((16,))
    h = L.Dense(16, "relu", kernel_regularizer="l2")(inputs)
    model = keras.Model(inputs, L.Dense(1, "sigmoid")(h))

    def wrong(y, p):
        right = keras.ops.reshape(y, (-1, 1)) == keras.ops.round(p)
        return keras.ops.mean(1 - keras.ops.cast(right, "float32")) + 0 * keras.ops.sum(p)

    model.compile("adam", wrong)
    codes, report = found(model, x, y)
    assert codes == [("cut-gradient", "loss")]
    assert "no slope for any of the 256 entries" in report.findings[0].evidence


def test_a_loss_that_is_given_the_logits_behind_the_answers_has_its_slope_there():
    x, y = table()
    inputs = keras.Input((16,))
    model = classifier(L.Dense(16, "relu")(inputs), inputs)

    def own(y, p):
        each = keras.losses.binary_crossentropy(keras.ops.reshape(y, (-1, 1)), p)
        return keras.ops.mean(each)

    model.compile(keras.optimizers.Adam(0.01), own)
    assert found(model, x, y)[0] == []


def test_a_loss_that_is_given_the_logits_before_a_layer_of_softmax_has_its_slope_there():
    x, y = table()
    inputs = keras.Input((16,))
    model = keras.Model(inputs, L.Softmax()(L.Dense(2)(L.Dense(16, "relu")(inputs))))
    model.compile(
        keras.optimizers.Adam(0.01),
        lambda t, p: 2 * keras.losses.categorical_crossentropy(t, p),
    )
    assert found(model, x, np.eye(2)[y.astype(int)])[0] == []


def pairs(loss):
    x, y = table()
    other = np.where(y[:, None] > 0, x, -x) + 0.1 * table(seed=1)[0]
    one, two = keras.Input((16,)), keras.Input((16,))
    tower = keras.Sequential([L.Dense(32, "relu"), L.Dense(8)])
    apart = L.Lambda(
        lambda v: keras.ops.sqrt(keras.ops.sum((v[0] - v[1]) ** 2, -1, keepdims=True) + 1e-6),
        output_shape=(1,),
    )([tower(one), tower(two)])
    model = keras.Model([one, two], apart)
    model.compile(keras.optimizers.Adam(0.003), loss)
    return model, [x, other.astype("float32")], y


def contrastive(y, d):
    y = keras.ops.reshape(y, (-1, 1))
    return keras.ops.mean(y * d**2 + (1 - y) * keras.ops.maximum(1 - d, 0) ** 2)


def test_a_distance_that_is_to_be_0_where_the_label_is_1_is_no_wrong_sign():
    assert "loss-sign" not in [code for code, _ in found(*pairs(contrastive))[0]]


def test_a_distance_that_is_driven_from_its_label_is_one():
    def away(y, d):
        return -keras.ops.mean((keras.ops.reshape(y, (-1, 1)) - d) ** 2)

    assert ("loss-sign", "loss") in found(*pairs(away))[0]


# Labels ---------------------------------------------------------------------------------------


def head(y, kind="binarycrossentropy", units=1, **given):
    output = np.zeros((len(y), *y.shape[1:]) if y.ndim > 1 else (len(y), units), "float32")
    return Output("out", "sigmoid", kind, False, None, output, y, some=y, **given)


def test_of_a_map_each_place_is_counted():
    y = np.zeros((40, 8, 8, 1))
    y[:, 3:5, 3:5] = 1  # never in the corner
    (finding,) = _examples.imbalance(head(np.where(np.arange(40)[:, None, None, None] < 32, y, 0)))
    assert finding.evidence.startswith("95.0% of the labels are 0")
    assert f"last bias {np.log(0.05 / 0.95):.2f}" in finding.fix
    y[:, 2:6, 2:6] = 1
    assert _examples.imbalance(head(y)) == []
    # Of the steps of a sequence many may be padding.
    assert _examples.imbalance(head(np.zeros((40, 60, 1)) + (np.arange(60) < 2)[:, None])) == []


@pytest.mark.parametrize(("rare", "judged"), [(15, False), (16, True)])
def test_labels_are_not_called_unrelated_for_want_of_a_class(rare, judged):
    x = np.random.default_rng(0).standard_normal((256, 8))
    probe = SimpleNamespace(x=[x], y=[None])
    y = np.zeros(256, int)
    y[np.random.default_rng(1).permutation(256)[:rare]] = 1
    assert bool(_examples.unrelated(probe, head(y))) == judged


@pytest.mark.parametrize(
    ("weights", "counts", "named"),
    [
        ([0.9, 0.1], [90, 10], True),
        ([0.1, 0.9], [90, 10], False),
        ([1.0, 1.0], [90, 10], False),
        ([2.0, 1.0], [55, 45], False),
        ([0.8, 0.15, 0.05], [70, 20, 10], True),
        ([0.8, 0.05, 0.15], [70, 20, 10], False),
        ([1.0, 1.0, 0.0], [50, 40, 10], False),
        ([0.0, 0.0], [90, 10], False),
    ],
)
def test_class_weights_that_rise_with_the_classes_are_turned_round(weights, counts, named):
    y = np.repeat(np.arange(len(counts)), counts)
    one = head(y, "sparsecategoricalcrossentropy", len(counts), weighted=True)
    one.classes = np.array(weights)
    findings = _examples.imbalance(one)
    assert [finding.code for finding in findings] == named * ["class-imbalance"]
    if weights == [0.9, 0.1]:
        assert "90.0% of the labels are 0, and by the weights 98.8%" in findings[0].evidence


def test_labels_of_another_shape_are_named_alone():
    x, y = table()
    model = keras.Sequential([keras.Input((16,)), L.Dense(10, "softmax")])
    model.compile("adam", "mean_squared_error", metrics=["accuracy"])
    classes = (10 * np.random.default_rng(0).random(len(y))).astype(int)[:, None]
    assert found(model, x, classes)[0] == [("label-mismatch", "data")]


# Steps ----------------------------------------------------------------------------------------


def test_a_warm_up_without_end_is_told_its_rates_and_a_rate_that_would_do():
    x, y = table()
    inputs = keras.Input((16,))
    model = classifier(L.Dense(16, "relu")(inputs), inputs)
    model.compile(keras.optimizers.Adam(Slow()), "binary_crossentropy")
    codes, report = found(model, x, y)
    assert codes == [("learning-rate", "optimizer")]
    assert "the rate is 1e-06 now, and 8e-05 at the last" in report.findings[0].evidence
    assert "Adam(0.004)" in report.findings[0].fix  # the mean rate, a hundred times


class Slow(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises for ever."""

    def __call__(self, step):
        return 1e-6 * (keras.ops.cast(step, "float32") + 1)

    def get_config(self):
        return {}


def test_a_loss_with_weights_is_not_held_against_the_loss_of_knowing_nothing_without():
    from livegrad.doctor._heads import baseline_loss

    y = (np.arange(100) < 6).astype("float32")
    assert baseline_loss(head(y)) == pytest.approx(0.2269, abs=1e-4)
    assert baseline_loss(head(y, weighted=True)) is None


# Normalisation --------------------------------------------------------------------------------


class Deaf(L.Layer):
    """A dense layer with a normalisation that is never told of training."""

    def __init__(self, **given):
        super().__init__(**given)
        self.dense, self.norm = L.Dense(32, name="inner"), L.BatchNormalization(name="norm")

    def call(self, x):
        return keras.ops.relu(self.norm(3 * self.dense(x) + 1, training=False))


def test_a_normalisation_that_is_never_called_as_in_training_is_named():
    x, y = table()
    inputs = keras.Input((16,))
    codes, report = found(classifier(Deaf(name="deaf")(inputs), inputs), x, y)
    assert ("normalization", "norm") in codes
    assert "training=training" in report.findings[0].fix


@pytest.mark.parametrize("column", ["constant", "all"])
def test_inputs_that_are_normalised_already_pass_a_normalisation_as_they_are(column):
    x, y = table()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    inputs = keras.Input((16,))
    h = L.BatchNormalization()(inputs)
    if column == "constant":
        x[:, 3] = 0
    else:
        h = L.BatchNormalization()(L.Dense(16, kernel_initializer="zeros")(inputs))
        h = L.Add()([h, inputs])
    codes, _ = found(classifier(L.Dense(16, "relu")(h), inputs), x, y)
    assert "normalization" not in [code for code, _ in codes]


def test_one_that_has_averages_of_its_own_is_frozen_on_purpose():
    x, y = table()
    inputs = keras.Input((16,))
    deaf = Deaf(name="deaf")
    model = classifier(deaf(inputs), inputs)
    deaf.norm.moving_variance.assign(4 * np.ones(32))
    assert ("normalization", "norm") not in found(model, x, y)[0]
