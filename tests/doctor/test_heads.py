"""What the doctor says of an output: its loss, its labels and its metrics, each told apart."""

from __future__ import annotations

import math
import pathlib

import keras
import numpy as np
import pytest
import yaml

from livegrad.doctor import _heads
from livegrad.doctor._facts import Output
from livegrad.doctor._heads import baseline_loss
from livegrad.doctor._keras.outputs import _metric
from livegrad.doctor._keras.words import WORDS

WHY = yaml.safe_load(pathlib.Path(__file__).with_name("why.yml").read_text("utf-8"))


def head(activation="linear", kind="meansquarederror", y=(0, 1, 0), output=None, **more):
    y = np.asarray(y)
    if output is None:
        output = np.zeros((len(y), 1))
    given = {"logits": False, "ignored": None, "metrics": []} | more
    given["metrics"] = [_metric(metric) for metric in given["metrics"]]
    return Output("output", activation, kind, output=np.asarray(output, float), y=y, **given)


def judge(given):
    return _heads.judge(given, WORDS)


def margin(signs, given):
    """Hinge: what is missing to a margin of 1."""
    return float(np.mean(np.maximum(0, 1 - np.array(signs) * given)))


def three(n=3):
    return np.full((n, 3), 1 / 3)


def steps(*classes):
    """Two examples of two steps: the class of each, in three columns."""
    return np.eye(3)[np.reshape(classes, (2, 2))]


SPARSE, CATEGORICAL = "sparsecategoricalcrossentropy", "categoricalcrossentropy"
BINARY, SQUARED = "binarycrossentropy", "meansquarederror"
TO_SPARSE = 'model.compile(..., loss="sparse_categorical_crossentropy")'
TO_ONE_HOT = 'model.compile(..., loss="categorical_crossentropy")'
MEASURED = 'model.compile(..., loss="mean_squared_error")'

LABELS = {
    "one-hot for the sparse loss": (
        head("softmax", SPARSE, np.eye(3), three()),
        "labels have the shape (3, 3), must be (3,)", TO_ONE_HOT,
    ),
    "too many columns for the sparse loss": (
        head("softmax", SPARSE, np.zeros((3, 2)), three()),
        "labels have the shape (3, 2), must be (3,)", "y = np.argmax(y, axis=-1)",
    ),
    "fractions for the sparse loss": (
        head("softmax", SPARSE, [0, 0.5, 1.5], three()),
        "2 labels are no whole numbers, above 0", MEASURED + "  # if they are measurements",
    ),
    "numbered from 1": (
        head("softmax", SPARSE, [1, 2, 3], three()),
        "labels from 1 to 3, must lie within 0 and 2", "y = y - 1",
    ),
    "a class without a unit": (
        head("softmax", SPARSE, [0, 2, 4], three()),
        "labels from 0 to 4, must lie within 0 and 2",
        'keras.layers.Dense(5, activation="softmax")',
    ),
    "a negative class": (
        head("softmax", SPARSE, [-1, 0, 2], three()),
        "labels from -1 to 2, must lie within 0 and 2",
        'keras.layers.Dense(3, activation="softmax")',
    ),
    "numbers for the one-hot loss": (
        head("softmax", CATEGORICAL, [0, 1, 2], three()),
        "labels have the shape (3,), must be (3, 3)", TO_SPARSE,
    ),
    "fractions for the one-hot loss": (
        head("softmax", CATEGORICAL, [0, 0.5, 2], three()),
        "labels have the shape (3,), must be (3, 3)", "y = keras.utils.to_categorical(y)",
    ),
    "several labels for the one-hot loss": (
        head("softmax", CATEGORICAL, [[1, 0, 0], [1, 1, 0], [1, 1, 1]], three()),
        "labels of one example sum to 1 to 3, must be 1",
        'keras.layers.Dense(3, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "class numbers against columns": (
        head("linear", SQUARED, [0, 1, 2], three()),
        "labels have the shape (3,), must be (3, 3)",
        'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "measurements against columns": (
        head("linear", SQUARED, [0.1, 1.5, 2], three()),
        "labels have the shape (3,), must be (3, 3)", "keras.layers.Dense(1)",
    ),
    "two measurements against one column": (
        head("linear", SQUARED, np.zeros((3, 2))),
        "labels have the shape (3, 2), must be (3, 1)", "keras.layers.Dense(2)",
    ),
    "signs for cross-entropy": (
        head("sigmoid", BINARY, [-1, 1, 1]),
        "labels from -1 to 1, must lie within 0 and 1", "y = (y + 1) / 2",
    ),
    "classes for one unit": (
        head("sigmoid", BINARY, [0, 1, 4]),
        "labels from 0 to 4, must lie within 0 and 1",
        'keras.layers.Dense(5, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "a scale for cross-entropy": (
        head("sigmoid", BINARY, [0, 0.5, 2.5]),
        "labels from 0 to 2.5, must lie within 0 and 1", "y = y / y.max()",
    ),
    "0 and 1 for hinge": (
        head("linear", "hinge", [0, 1, 1]),
        "labels from 0 to 1, must be -1 or 1", "y = 2 * y - 1",
    ),
    "0 and 1 for a hinge that takes them as they are": (
        head("linear", "hinge", [0, 1, 1], some=np.array([0, 1, 1]),
             cost=lambda given: margin([[0], [1], [1]], given)),
        "labels from 0 to 1, must be -1 or 1", "y = 2 * y - 1",
    ),
    "measurements for hinge": (
        head("linear", "squaredhinge", [-1, 0.5, 2]),
        "labels from -1 to 2, must be -1 or 1", MEASURED,
    ),
    "negative counts": (
        head("exponential", "poisson", [0, -0.25, 3], np.ones((3, 1))),
        "smallest label -0.25, must be at least 0", MEASURED,
    ),
    "one-hot of two for the sparse loss": (
        head("softmax", SPARSE, np.eye(2), np.full((2, 2), 0.5)),
        "labels have the shape (2, 2), must be (2,)", TO_ONE_HOT,
    ),
    "one-hot steps for the sparse loss": (
        head("softmax", SPARSE, steps(0, 1, 2, 0), steps(0, 1, 2, 0)),
        "labels have the shape (2, 2, 3), must be (2, 2)", TO_ONE_HOT,
    ),
    "one class an example for each step": (
        head("softmax", SPARSE, [0, 1], steps(0, 1, 2, 0)),
        "labels have the shape (2,), must be (2, 2)", "y = np.argmax(y, axis=-1)",
    ),
    "two classes numbered from 1": (
        head("softmax", SPARSE, [1, 2], np.full((2, 2), 0.5)),
        "labels from 1 to 2, must lie within 0 and 1", "y = y - 1",
    ),
    "numbered from 1, the first of them absent": (
        head("softmax", SPARSE, [2, 3], three(2)),
        "labels from 2 to 3, must lie within 0 and 2", "y = y - 1",
    ),
    "one class too many": (
        head("softmax", SPARSE, [0, 1, 3], three()),
        "labels from 0 to 3, must lie within 0 and 2",
        'keras.layers.Dense(4, activation="softmax")',
    ),
    "two classes too many, none of them 0": (
        head("softmax", SPARSE, [1, 2, 4], three()),
        "labels from 1 to 4, must lie within 0 and 2",
        'keras.layers.Dense(5, activation="softmax")',
    ),
    "a column of numbers for the one-hot loss": (
        head("softmax", CATEGORICAL, [[0], [1], [2]], three()),
        "labels have the shape (3, 1), must be (3, 3)", TO_SPARSE,
    ),
    "numbered steps for the one-hot loss": (
        head("softmax", CATEGORICAL, [[0, 1], [2, 0]], steps(0, 1, 2, 0)),
        "labels have the shape (2, 2), must be (2, 2, 3)", TO_SPARSE,
    ),
    "a column of numbered steps for the one-hot loss": (
        head("softmax", CATEGORICAL, [[[0], [1]], [[2], [0]]], steps(0, 1, 2, 0)),
        "labels have the shape (2, 2, 1), must be (2, 2, 3)", TO_SPARSE,
    ),
    "too few columns for the one-hot loss": (
        head("softmax", CATEGORICAL, np.eye(2), three(2)),
        "labels have the shape (2, 2), must be (2, 3)", "y = keras.utils.to_categorical(y)",
    ),
    "two labels for the one-hot loss": (
        head("softmax", CATEGORICAL, [[1, 0], [1, 1]], np.full((2, 2), 0.5)),
        "labels of one example sum to 1 to 2, must be 1",
        'keras.layers.Dense(2, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "probabilities that leave a tenth out": (
        head("softmax", CATEGORICAL, [[0.9, 0, 0], [0, 1, 0], [0, 0.5, 0.45]], three()),
        "labels of one example sum to 0.9 to 1, must be 1",
        'keras.layers.Dense(3, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "probabilities that sum to a little more": (
        head("softmax", CATEGORICAL, [[0, 0, 1], [0, 0.51, 0.51], [1, 0, 0]], three()),
        "labels of one example sum to 1 to 1.02, must be 1",
        'keras.layers.Dense(3, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "class numbers for cross-entropy of each column": (
        head("sigmoid", BINARY, [0, 1, 2], three()),
        "labels have the shape (3,), must be (3, 3)",
        'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "a column of class numbers against columns": (
        head("linear", SQUARED, [[0], [1], [2]], three()),
        "labels have the shape (3, 1), must be (3, 3)",
        'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "class numbers against two columns": (
        head("linear", SQUARED, [0, 1, 1], np.zeros((3, 2))),
        "labels have the shape (3,), must be (3, 2)",
        'keras.layers.Dense(2, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "numbered steps against columns": (
        head("linear", SQUARED, [[0, 1], [2, 0]], steps(0, 1, 2, 0)),
        "labels have the shape (2, 2), must be (2, 2, 3)",
        'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "a column of numbered steps against columns": (
        head("linear", SQUARED, [[[0], [1]], [[2], [0]]], steps(0, 1, 2, 0)),
        "labels have the shape (2, 2, 1), must be (2, 2, 3)",
        'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
    ),
    "whole numbers above the number of columns": (
        head("linear", SQUARED, [0, 1, 3], three()),
        "labels have the shape (3,), must be (3, 3)", "keras.layers.Dense(1)",
    ),
    "whole numbers below 0 against columns": (
        head("linear", SQUARED, [-1, 0, 1], three()),
        "labels have the shape (3,), must be (3, 3)", "keras.layers.Dense(1)",
    ),
    "whole numbers for hinge against columns": (
        head("linear", "hinge", [1, 1, 1], three()),
        "labels have the shape (3,), must be (3, 3)", "keras.layers.Dense(1)",
    ),
    "two whole columns against three": (
        head("linear", SQUARED, np.zeros((3, 2)), three()),
        "labels have the shape (3, 2), must be (3, 3)", "keras.layers.Dense(2)",
    ),
    "one label an example for each step": (
        head("linear", SQUARED, [0.5, 1.5], np.zeros((2, 4, 1))),
        "labels have the shape (2,), must be (2, 4, 1)", "keras.layers.Dense(1)",
    ),
    "a scale that begins below 0": (
        head("sigmoid", BINARY, [-0.5, 0.25, 1]),
        "labels from -0.5 to 1, must lie within 0 and 1",
        "y = (y - y.min()) / (y.max() - y.min())",
    ),
    "counts in three columns for cross-entropy": (
        head("sigmoid", BINARY, [[0, 2, 1], [1, 0, 0], [2, 2, 2]], three()),
        "labels from 0 to 2, must lie within 0 and 1", "y = y / y.max()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_do_not_fit_their_loss(name):
    given, evidence, fix = LABELS[name]
    found = judge(given)[0]
    assert (found.code, found.layer) == ("label-mismatch", "data")
    assert (found.evidence, found.fix) == (evidence, fix)
    assert found.why == WHY["labels"][name]


OUTPUTS = {
    "softmax of one": (
        head("softmax", BINARY),
        "softmax over 1 unit, must be at least 2",
        'keras.layers.Dense(1, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "one unit over classes": (
        head("sigmoid", SPARSE),
        "1 unit for a loss over classes, must be at least 2",
        'keras.layers.Dense(1, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "sigmoid squared": (
        head("sigmoid", SQUARED),
        "2 different labels, all 0 or 1; a measurement has more",
        'model.compile(..., loss="binary_crossentropy")',
    ),
    "softmax squared": (
        head("softmax", SQUARED, np.eye(3), three()),
        "2 different labels, all 0 or 1; a measurement has more", TO_ONE_HOT,
    ),
    "out of the range of tanh": (
        head("tanh", SQUARED, [-2, 0.5, 1, 3]),
        "50% of the targets lie outside -1 to 1, the range of tanh; must be 0 %",
        "keras.layers.Dense(1)",
    ),
    "hinge of what is never negative": (
        head("sigmoid", "hinge", [-1, 1, 1]),
        "smallest possible output 0, must be below 0", "keras.layers.Dense(1)",
    ),
    "counts of what is not positive": (
        head("linear", "poisson", [0, 1, 2, 3], [[-1], [0], [1], [2]]),
        "50% of the outputs are not above 0, must be 0 %",
        'keras.layers.Dense(1, activation="exponential")',
    ),
    "sigmoid taken for logits": (
        head("sigmoid", BINARY, logits=True),
        "the loss takes logits, which lie within -inf and inf; the outputs of sigmoid lie within 0 "
        "and 1", "keras.layers.Dense(1)",
    ),
    "sigmoids over classes": (
        head("sigmoid", SPARSE, [0, 1], [[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]),
        "outputs of one example sum to 0.75 to 1.5, must be 1 over the classes",
        'keras.layers.Dense(3, activation="softmax")',
    ),
    "softmax over labels on their own": (
        head("softmax", BINARY, np.eye(3), three()),
        "outputs of one example sum to 1 to 1, must be free for labels on their own", TO_ONE_HOT,
    ),
    "linear probabilities": (
        head("linear", BINARY, [0, 1, 0, 1], [[0.5], [2], [-1], [1]]),
        "50% of the outputs lie outside 0 to 1; linear gives no probabilities, and the loss "
        "takes no logits; must be 0 % by sigmoid",
        "model.compile(..., loss=keras.losses.BinaryCrossentropy(from_logits=True))",
    ),
    "linear probabilities of classes": (
        head("linear", SPARSE, [0, 1], [[0.5, 2, -1], [1, 0, 3]]),
        "50% of the outputs lie outside 0 to 1; linear gives no probabilities, and the loss "
        "takes no logits; must be 0 % by softmax",
        "model.compile(..., loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))",
    ),
    "tanh probabilities": (
        head("tanh", BINARY, [0, 1], [[0.5], [-0.5]]),
        "50% of the outputs lie outside 0 to 1; tanh gives no probabilities, and the loss "
        "takes no logits; must be 0 % by sigmoid", 'keras.layers.Dense(1, activation="sigmoid")',
    ),
    "unknown probabilities": (
        head("unknown", "binaryfocalcrossentropy", [0, 1], [[0.5], [-0.5]]),
        "50% of the outputs lie outside 0 to 1; the output gives no probabilities, and the loss "
        "takes no logits; must be 0 % by sigmoid",
        "model.compile(..., loss=keras.losses.BinaryFocalCrossentropy(from_logits=True))",
    ),
    "one unit over columns": (
        head("sigmoid", CATEGORICAL, [[0], [0], [0]]),
        "1 unit for a loss over classes, must be at least 2",
        'keras.layers.Dense(1, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "one unit over a column of classes": (
        head("sigmoid", SPARSE, [[0], [4], [1]]),
        "1 unit for a loss over classes, must be at least 2",
        'keras.layers.Dense(1, activation="sigmoid"); loss="binary_crossentropy"',
    ),
    "sigmoids squared": (
        head("sigmoid", SQUARED, np.eye(3), three()),
        "2 different labels, all 0 or 1; a measurement has more",
        'model.compile(..., loss="binary_crossentropy")',
    ),
    "sigmoids squared, several labels": (
        head("sigmoid", SQUARED, [[1, 1, 0], [0, 0, 0]], three(2)),
        "2 different labels, all 0 or 1; a measurement has more",
        'model.compile(..., loss="binary_crossentropy")',
    ),
    "softmax taken for logits": (
        head("softmax", SPARSE, [0, 1], three(2), logits=True),
        "the loss takes logits, which lie within -inf and inf; the outputs of softmax lie within 0 "
        "and 1", "keras.layers.Dense(3)",
    ),
    "hard sigmoids over classes": (
        head("hard_sigmoid", CATEGORICAL, np.eye(3)[:2], [[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]),
        "outputs of one example sum to 0.75 to 1.5, must be 1 over the classes",
        'keras.layers.Dense(3, activation="softmax")',
    ),
    "two sigmoids over classes": (
        head("sigmoid", SPARSE, [0, 1], [[0.5, 0.25], [0.25, 0.25]]),
        "outputs of one example sum to 0.5 to 0.75, must be 1 over the classes",
        'keras.layers.Dense(2, activation="softmax")',
    ),
    "softmax over two labels on their own": (
        head("softmax", BINARY, np.eye(2), np.full((2, 2), 0.5)),
        "outputs of one example sum to 1 to 1, must be free for labels on their own", TO_ONE_HOT,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_that_do_not_fit_their_loss(name):
    given, evidence, fix = OUTPUTS[name]
    (found,) = judge(given)
    assert (found.code, found.layer) == ("output-loss-mismatch", "output")
    assert (found.evidence, found.fix) == (evidence, fix)
    assert found.why == WHY["outputs"][name]


@pytest.mark.parametrize(
    "loss",
    [
        *["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"],
        *["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"],
    ],
)
def test_the_loss_for_logits_is_keras_s_own(loss):
    y = np.arange(3) if loss.startswith("Sparse") else np.eye(3)
    (found,) = judge(head("linear", loss.lower(), y, three() - 1))
    assert found.fix == f"model.compile(..., loss=keras.losses.{loss}(from_logits=True))"
    assert getattr(keras.losses, loss)(from_logits=True).from_logits


FITTING = {
    "an unknown activation within 0 and 1": head("unknown", BINARY, output=[[0.0], [0.5], [1.0]]),
    "an unknown activation for logits": head(
        "unknown", BINARY, output=[[-9], [0], [9]], logits=True
    ),
    "linear logits": head("linear", BINARY, output=[[-9], [0], [9]], logits=True),
    "a column of labels": head("sigmoid", BINARY, [[0], [1], [0]]),
    "labels between 0 and 1": head("sigmoid", BINARY, [0.0, 0.5, 1.0]),
    "classes": head("softmax", SPARSE, [0, 1, 2], three()),
    "a column of classes": head("softmax", SPARSE, [[0], [1], [2]], three()),
    "a class that is ignored": head("softmax", SPARSE, [-1, 0, 2], three(), ignored=-1),
    "one-hot classes": head("softmax", CATEGORICAL, np.eye(3), three()),
    "the ends of tanh's range": head("tanh", SQUARED, [-1, 0.5, 1]),
    "measurements through a sigmoid": head("sigmoid", SQUARED, [0.25, 0.5, 0.75]),
    "0 and 1 for a hinge that takes 0 for -1": head(
        "linear", "hinge", [0, 1, 1], some=np.array([0, 1, 1]),
        cost=lambda given: margin([[-1], [1], [1]], given),
    ),
    "signs for hinge": head("tanh", "hinge", [-1, 1, 1]),
    "counts": head("exponential", "poisson", [0, 1, 5], np.ones((3, 1))),
    "positive counts": head("linear", "poisson", [0, 1, 5], np.ones((3, 1))),
    "counts of a softplus that underflows": head("softplus", "poisson", [0, 1, 5]),
    "hard sigmoid": head("hard_sigmoid", BINARY),
    "several labels": head("sigmoid", BINARY, np.ones((3, 3)), three()),
    "a label for each step": head("linear", SQUARED, np.ones((2, 4)), np.zeros((2, 4, 1))),
    "a column of labels for each step": head(
        "linear", SQUARED, np.ones((2, 4, 1)), np.zeros((2, 4, 1))
    ),
    "two classes": head("softmax", SPARSE, [0, 1], np.full((2, 2), 0.5)),
    "one class only": head("softmax", SPARSE, [1, 1], three(2)),
    "a class for each step": head("softmax", SPARSE, [[0, 1], [2, 0]], steps(0, 1, 2, 0)),
    "a column of classes for each step": head(
        "softmax", SPARSE, [[[0], [1]], [[2], [0]]], steps(0, 1, 2, 0)
    ),
    "one-hot classes for each step": head(
        "softmax", CATEGORICAL, steps(0, 1, 2, 0), steps(0, 0, 0, 0)
    ),
    "nothing but a class that is ignored": head(
        "softmax", SPARSE, [9, 9, 9], three(), ignored=9
    ),
    "probabilities rounded": head(
        "softmax", CATEGORICAL, [[0.3333, 0.3333, 0.3333], [0, 0.5004, 0.5]], three(2)
    ),
    "labels of the rectifier's range": head("relu", SQUARED, [0, 0.5, 7]),
}  # fmt: skip


@pytest.mark.parametrize("name", FITTING)
def test_what_fits_is_not_named(name):
    assert judge(FITTING[name]) == []


@pytest.mark.parametrize("activation", ["linear", "unknown"])
def test_an_activation_without_a_name_is_not_written_down(activation):
    (found,) = judge(head(activation, SPARSE, [0, 2, 4], three() - 1, logits=True))
    assert found.fix == "keras.layers.Dense(5)"


def test_the_sums_of_outputs_are_over_the_last_axis():
    output = np.array([[[0.5, 0.5], [0.25, 0.25], [1, 2]], [[0, 1], [1, 0], [0.5, 0.5]]])
    assert _heads._sums(head("softmax", SPARSE, [0, 1], output)) == "0.5 to 3"


def test_labels_and_output_are_both_judged():
    found = judge(head("linear", BINARY, [-1, 1, 1], [[-1], [0], [2]]))
    assert [finding.code for finding in found] == ["label-mismatch", "output-loss-mismatch"]


METRICS = {
    "accuracy of measurements": (
        head("linear", SQUARED, [0.5, 1.5, 2.5], metrics=["acc"]),
        "acc counts equal numbers, and the targets take 3 values, above 2",
        'model.compile(..., metrics=["mean_absolute_error"])',
    ),
    "one half on logits": (
        head("linear", BINARY, logits=True, metrics=["binary_accuracy"]),
        "threshold 0.5 on logits, must be 0",
        "model.compile(..., metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])",
    ),
    "columns for class numbers": (
        head("softmax", SPARSE, [0, 1, 2], three(), metrics=["categorical_accuracy"]),
        "categoricalaccuracy for labels of the shape (3,), outputs 3 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
    "class numbers for columns": (
        head("softmax", CATEGORICAL, np.eye(3), three(), metrics=["sparse_categorical_accuracy"]),
        "sparsecategoricalaccuracy for labels of the shape (3, 3), outputs 3 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
    "equal numbers for classes": (
        head("softmax", SPARSE, [0, 1, 2], three(), metrics=[keras.metrics.Accuracy()]),
        "accuracy for labels of the shape (3,), outputs 3 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
    "accuracy of counts": (
        head("exponential", "poisson", [0, 1, 2], np.ones((3, 1)), metrics=["accuracy"]),
        "accuracy counts equal numbers, and the targets take 3 values, above 2",
        'model.compile(..., metrics=["mean_absolute_error"])',
    ),
    "a class of accuracy of measurements": (
        head("linear", SQUARED, [0.5, 1.5, 2.5], metrics=[keras.metrics.BinaryAccuracy()]),
        "binaryaccuracy counts equal numbers, and the targets take 3 values, above 2",
        'model.compile(..., metrics=["mean_absolute_error"])',
    ),
    "the second metric": (
        head("linear", SQUARED, [0.5, 1.5, 2.5], metrics=["mae", "accuracy"]),
        "accuracy counts equal numbers, and the targets take 3 values, above 2",
        'model.compile(..., metrics=["mean_absolute_error"])',
    ),
    "a class's one half on logits": (
        head("linear", BINARY, logits=True, metrics=[keras.metrics.BinaryAccuracy()]),
        "threshold 0.5 on logits, must be 0",
        "model.compile(..., metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])",
    ),
    "a function's one half on logits": (
        head("linear", BINARY, logits=True, metrics=[keras.metrics.binary_accuracy]),
        "threshold 0.5 on logits, must be 0",
        "model.compile(..., metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])",
    ),
    "a word's one half on logits": (
        head("linear", BINARY, logits=True, metrics=["accuracy"]),
        "threshold 0.5 on logits, must be 0",
        "model.compile(..., metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])",
    ),
    "the largest of several labels": (
        head("sigmoid", BINARY, [[1, 1, 0], [0, 0, 0]], np.full((2, 3), 0.5), metrics=["accuracy"]),
        "accuracy compares the largest of 3 columns, and labels of one example sum to 0 to 2, "
        "must be 1",
        'model.compile(..., metrics=["binary_accuracy"])',
    ),
    "columns for the numbers of two classes": (
        head(
            "softmax", SPARSE, [0, 1], np.full((2, 2), 0.5), metrics=["categorical_accuracy"]
        ),
        "categoricalaccuracy for labels of the shape (2,), outputs 2 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
    "class numbers for one-hot steps": (
        head(
            "softmax", CATEGORICAL, steps(0, 1, 2, 0), steps(0, 0, 0, 0),
            metrics=["sparse_categorical_accuracy"],
        ),
        "sparsecategoricalaccuracy for labels of the shape (2, 2, 3), outputs 3 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
    "columns for a column of class numbers": (
        head("softmax", SPARSE, [[0], [1]], three(2), metrics=["categorical_accuracy"]),
        "categoricalaccuracy for labels of the shape (2, 1), outputs 3 wide",
        'model.compile(..., metrics=["accuracy"])',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_metrics_that_do_not_fit(name):
    given, evidence, fix = METRICS[name]
    (found,) = judge(given)
    assert (found.code, found.layer) == ("metric-mismatch", "output")
    assert (found.evidence, found.fix) == (evidence, fix)
    assert found.why == WHY["metrics"][name]


@pytest.mark.parametrize(
    "given",
    [
        head("linear", SQUARED, [0.5, 1.5, 2.5], metrics=["mean_absolute_error"]),
        head("linear", SQUARED, [0, 1, 1], metrics=["accuracy"]),
        head("sigmoid", BINARY, metrics=["accuracy"]),
        head("linear", BINARY, logits=True, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)]),
        head("softmax", SPARSE, [0, 1, 2], three(), metrics=["accuracy"]),
        head("softmax", SPARSE, [0, 1, 2], three(), metrics=["sparse_categorical_accuracy"]),
        head("softmax", CATEGORICAL, np.eye(3), three(), metrics=["categorical_accuracy"]),
        head("linear", SQUARED, [0.5, 1.5, 2.5], metrics=[keras.metrics.RootMeanSquaredError()]),
        head("exponential", "poisson", [0, 1, 1], np.ones((3, 1)), metrics=["accuracy"]),
        head("sigmoid", BINARY, metrics=["binary_accuracy"]),
        head("linear", BINARY, logits=True, metrics=["mae"]),
        head("linear", SPARSE, [0, 1, 2], three(), logits=True, metrics=["accuracy"]),
        head("linear", "hinge", [-1, 1, 1], metrics=["accuracy"]),
    ],
)
def test_metrics_that_fit(given):
    assert judge(given) == []


def test_kerass_accuracy_of_several_labels_compares_the_largest():
    y = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    # Each label is right, and of equal ones the first is taken for the largest.
    x = np.where(y == 1, [3.0, 4.0, 5.0], -3.0)
    assert model.evaluate(x, y, verbose=0)[1] == pytest.approx(1 / 3)


def test_a_metric_over_one_class_is_not_judged():
    given = head("sigmoid", SPARSE, [0, 0, 0], metrics=["categorical_accuracy"])
    assert [finding.code for finding in judge(given)] == ["output-loss-mismatch"]


@pytest.mark.parametrize("name", _heads._RANGES)
def test_a_range_is_that_of_kerass_function(name):
    z = np.linspace(-50, 50, 1001, dtype="float32")
    pair = np.stack([z, np.zeros_like(z)], axis=-1)
    values = np.asarray(keras.activations.get(name)(pair))[:, 0]
    low, high = _heads._RANGES[name]
    assert values.min() == pytest.approx(low, abs=0.02)
    assert values.max() == pytest.approx(high, abs=0.02) if high < np.inf else values.max() >= 50


@pytest.mark.parametrize(
    ("y", "output", "whole"),
    [
        (np.eye(3), three(), True),
        (steps(0, 1, 2, 0), steps(0, 0, 0, 0), True),
        ([0, 1, 0], three(), False),
        (np.ones((3, 1)), np.ones((3, 1)), False),
        (np.eye(2), three(2), False),
        ([[2, -1, 0], [1, 0, 0]], three(2), False),
        ([[1, 1, 0], [0, 1, 0]], three(2), False),
        ([[1, 1, 1], [0, 0, 0], [0, 0, 0]], three(), False),
        ([[0, 1], [1, 0]], np.ones((2, 2)), True),
    ],
)
def test_one_hot_is_one_1_in_each_row_of_as_many_columns_as_units(y, output, whole):
    assert _heads._one_hot(head("softmax", SQUARED, y, output)) is whole


def test_knowing_nothing_is_the_best_constant_answer():
    y = np.array([0.0, 1.0, 1.0, 4.0])
    constants = np.linspace(-1, 5, 6001)
    for kind, loss in [(SQUARED, lambda c: np.mean((y - c) ** 2)),
                       ("meanabsoluteerror", lambda c: np.mean(np.abs(y - c)))]:  # fmt: skip
        best = min(loss(c) for c in constants)
        assert baseline_loss(head("linear", kind, y)) == pytest.approx(best, abs=1e-3)
    p = 0.75
    entropy = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    assert baseline_loss(head("sigmoid", BINARY, [1, 1, 1, 0])) == pytest.approx(entropy)
    assert baseline_loss(head("softmax", SPARSE, [1, 1, 1, 0])) == pytest.approx(entropy)
    columns = np.eye(3)[[1, 1, 1, 0]]
    assert baseline_loss(head("softmax", CATEGORICAL, columns)) == pytest.approx(entropy)
    assert baseline_loss(head("sigmoid", BINARY, [1, 1])) == pytest.approx(0, abs=1e-5)
    assert baseline_loss(head("linear", "hinge", [-1, 1])) is None


def test_knowing_nothing_of_several_columns_is_their_mean():
    y = np.array([[0, 10], [1, 10], [1, 40], [0, 40]])
    assert baseline_loss(head("linear", SQUARED, y)) == pytest.approx((0.25 + 225) / 2)
    assert baseline_loss(head("linear", "meanabsoluteerror", y)) == pytest.approx((0.5 + 15) / 2)
    both = np.array([[0, 1], [1, 1], [0, 1], [0, 1]])
    p = 0.25
    entropy = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    assert baseline_loss(head("sigmoid", BINARY, both)) == pytest.approx(entropy / 2, abs=1e-5)
    counts = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert baseline_loss(head("softmax", CATEGORICAL, steps(0, 0, 1, 2))) == pytest.approx(counts)
    numbers = np.array([[0, 0], [1, 2]])
    assert baseline_loss(head("softmax", SPARSE, numbers)) == pytest.approx(counts)


def test_knowing_nothing_is_worked_out_in_double_precision():
    y = np.array([0, 600], "float16")
    assert baseline_loss(head("linear", SQUARED, y)) == pytest.approx(300**2)


# Distributions and logarithms -----------------------------------------------------------------

DIVERGENCE, LOGARITHMS = "kldivergence", "negativeloglikelihood"
DIVERGES = "The divergence of what is no distribution has no lower bound at the labels."


def test_what_a_divergence_takes_sums_to_1():
    given = head("relu", DIVERGENCE, np.eye(3), [[0.5, 0.5, 0.5], [1, 0, 0], [0, 0.25, 0.5]])
    (found,) = judge(given)
    assert (found.code, found.layer, found.why) == ("output-loss-mismatch", "output", DIVERGES)
    assert found.evidence == "outputs of one example sum to 0.75 to 1.5, must be 1"
    assert found.fix == 'keras.layers.Dense(3, activation="softmax")'


@pytest.mark.parametrize(
    ("activation", "total", "found"),
    [("relu", 1.0009, False), ("relu", 1.0012, True), ("unknown", 0.9991, False),
     ("sigmoid", 0.9988, True), ("softmax", 3.0, False)],
)  # fmt: skip
def test_a_distribution_sums_to_1_within_a_thousandth(activation, total, found):
    assert bool(judge(head(activation, DIVERGENCE, np.eye(3), three() * total))) == found


def test_labels_of_a_divergence_have_the_outputs_shape():
    (found,) = judge(head("softmax", DIVERGENCE, [0, 1, 2], three()))
    assert (found.code, found.stops) == ("label-mismatch", True)
    assert found.evidence == "labels have the shape (3,), must be (3, 3)"


def test_what_a_likelihood_takes_are_logarithms_of_a_distribution():
    output = np.log([[0.5, 0.5, 0.5], [1, 0.5, 0.25], [0.25, 0.25, 0.25]])
    (found,) = judge(head("linear", LOGARITHMS, [0, 1, 2], output))
    assert (found.code, found.layer) == ("output-loss-mismatch", "output")
    assert found.evidence == (
        "exp of the outputs of one example sums to 0.75 to 1.75, must be 1: the loss takes "
        "logarithms of probabilities"
    )
    assert found.fix == (
        "model.compile(..., loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))"
    )
    assert found.why.startswith("What is no logarithm of a probability can fall without end")


@pytest.mark.parametrize(
    ("activation", "total", "found"),
    [("linear", 1.0009, False), ("linear", 1.0012, True), ("unknown", 0.9991, False),
     ("unknown", 0.9988, True), ("log_softmax", 3.0, False), ("softmax", 3.0, True)],
)  # fmt: skip
def test_the_exponentials_sum_to_1_within_a_thousandth(activation, total, found):
    given = head(activation, LOGARITHMS, [0, 1, 2], np.log(three() * total))
    assert bool(judge(given)) == found


def test_scores_that_have_no_exponential_are_no_logarithms():
    (found,) = judge(head("linear", LOGARITHMS, [0, 1, 2], three() + 1e4))
    assert "sums to 1.56e+22 to 1.56e+22" in found.evidence


@pytest.mark.parametrize(
    ("y", "evidence"),
    [
        (np.eye(3), "labels have the shape (3, 3), must be (3,)"),
        ([0, 1, 3], "labels from 0 to 3, must lie within 0 and 2"),
        ([0, 0.5, 1], "1 labels are no whole numbers, above 0"),
    ],
)
def test_labels_of_a_likelihood_are_class_numbers(y, evidence):
    (found,) = judge(head("log_softmax", LOGARITHMS, y, np.log(three())))
    assert (found.code, found.evidence) == ("label-mismatch", evidence)


# Several labels, columns and shapes -----------------------------------------------------------


def test_a_softmax_for_several_labels_at_once_is_named():
    (found,) = judge(head("softmax", SQUARED, [[1, 1, 0], [0, 0, 0], [0, 1, 0]], three()))
    assert (found.code, found.layer) == ("output-loss-mismatch", "output")
    assert found.evidence == "labels of one example sum to 0 to 2, the outputs of softmax to 1"
    assert found.fix == 'keras.layers.Dense(3, activation="sigmoid"); loss="binary_crossentropy"'


@pytest.mark.parametrize(
    ("y", "output"),
    [([[0.5, 0.5, 0], [1, 0, 0]], three(2)), ([[0.2, 0.5, 0.9], [0.1, 0, 1]], three(2))],
)
def test_shares_may_be_measured_by_a_softmax(y, output):
    assert judge(head("softmax", SQUARED, y, output)) == []


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (three(), True),
        (three() * 1.0009, True),
        (three() * 1.0012, False),
        (three() - np.array([0.5, -0.25, -0.25]), False),
        (three() - 1, False),
    ],
)
def test_logits_of_an_unknown_layer_that_sum_to_1_are_probabilities(output, found):
    said = judge(head("unknown", SPARSE, [0, 1, 2], output, logits=True))
    assert [one.evidence for one in said] == [
        "the loss takes logits, which lie within -inf and inf; the outputs of unknown lie within "
        "0 and 1"
    ] * found
    # One alone sums to nothing, and a linear layer gives what it gives.
    assert judge(head("linear", SPARSE, [0, 1, 2], output, logits=True)) == []
    assert judge(head("unknown", BINARY, output=np.ones((3, 1)), logits=True)) == []


@pytest.mark.parametrize(
    ("y", "strict", "evidence"),
    [
        ([0, 1, 0], False, None),
        ([[0], [1], [0]], False, None),
        ([[0], [1], [0]], True, None),
        ([0, 1, 0], True, "labels have the shape (3,), must be (3, 1)"),
    ],
)
def test_a_strict_loss_wants_the_last_axis_too(y, strict, evidence):
    found = judge(head("sigmoid", BINARY, y, strict=strict))
    assert [one.evidence for one in found] == ([evidence] if evidence else [])


def test_outputs_that_are_not_finite_are_not_judged():
    given = head("linear", BINARY, [-1, 1, 1], [[np.nan], [2], [-1]])
    assert [found.code for found in judge(given)] == ["label-mismatch"]
    assert judge(head("linear", "poisson", [1, 2, 3], [[-np.inf], [2], [-1]])) == []


@pytest.mark.parametrize(("classes", "share"), [(3, "67%"), (10, "90%"), (1000, "100%")])
def test_binary_accuracy_of_columns_is_told_with_what_0_everywhere_gets(classes, share):
    y, output = np.eye(classes)[:3], np.full((3, classes), 1 / classes)
    for kind in (CATEGORICAL, SQUARED):
        given = head("softmax", kind, y, output, metrics=["binary_accuracy"])
        (found,) = [one for one in judge(given) if one.code == "metric-mismatch"]
        assert found.layer == "output" and found.fix == 'model.compile(..., metrics=["accuracy"])'
        assert found.evidence == (
            f"binaryaccuracy counts each of {classes} columns, of which one is 1: saying 0 "
            f"everywhere is right in {share}"
        )


@pytest.mark.parametrize(
    ("y", "metric"),
    [
        (np.eye(2), "binary_accuracy"),
        (np.eye(3), "accuracy"),
        (np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]]), "binary_accuracy"),
        (np.array([[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]]), "binary_accuracy"),
    ],
)
def test_columns_of_their_own_are_counted_by_binary_accuracy(y, metric):
    output = np.full(y.shape, 0.5)
    given = head("sigmoid", BINARY, y, output, metrics=[metric])
    assert judge(given) == []


@pytest.mark.parametrize("kind", ["meanabsolutepercentageerror", "meansquaredlogarithmicerror",
                                  "huber", "logcosh"])  # fmt: skip
def test_measurements_are_known_by_all_their_losses(kind):
    assert kind in _heads.KNOWN
    (found,) = judge(head("tanh", kind, [-2, 0.5, 1, 3], np.zeros((4, 1))))
    assert found.evidence.startswith("50% of the targets lie outside -1 to 1, the range of tanh")
    assert baseline_loss(head("linear", kind, [1.0, 2.0])) is None


def test_the_least_loss_is_the_labels_own_where_they_are_shares():
    q = np.array([0.25, 0.5, 1.0])
    own = -np.mean([0.25 * np.log(0.25) + 0.75 * np.log(0.75), np.log(0.5), 0.0])
    assert _heads.least_loss(head("sigmoid", BINARY, q)) == pytest.approx(own)
    assert _heads.least_loss(head("sigmoid", BINARY, [0, 1, 1])) == pytest.approx(0, abs=1e-9)
    assert _heads.least_loss(head("linear", SQUARED, q)) == 0
    shares = np.array([[0.5, 0.5, 0], [1, 0, 0], [0, 0, 1]])
    made = head("softmax", CATEGORICAL, shares, three())
    assert _heads.least_loss(made) == pytest.approx(np.log(2) / 3)
