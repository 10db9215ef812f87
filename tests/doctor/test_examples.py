"""What the doctor tells from the data themselves: on arrays written down, and on planted laws."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from livegrad.doctor import _examples
from livegrad.doctor._facts import Metric, Output
from livegrad.doctor._keras.words import WORDS

SPARSE, CATEGORICAL = "sparsecategoricalcrossentropy", "categoricalcrossentropy"
BINARY, SQUARED = "binarycrossentropy", "meansquarederror"


def told(*x, y=None, bad=""):
    """Stand for a probe that has these inputs."""
    return types.SimpleNamespace(
        x=[np.asarray(one) for one in x], y=[y], bad=bad, words=WORDS, rows=len(x[0])
    )


def head(kind=SQUARED, y=(0, 1), activation="linear", units=1, **more):
    y = np.asarray(y)
    return Output(
        "output", activation, kind, False, None, output=np.zeros((len(y), units)), y=y, **more
    )


# Not finite and constant ----------------------------------------------------------------------


def test_what_is_not_finite_is_told_as_it_was_counted_and_stops():
    (found,) = _examples.not_finite(told([1.0], bad="2 of 3 values of x are not finite, must be 0"))
    assert (found.code, found.layer, found.stops) == ("non-finite", "data", True)
    assert found.evidence == "2 of 3 values of x are not finite, must be 0"


@pytest.mark.parametrize(
    ("x", "found"),
    [
        # Half of the difference is the standard deviation, and the size is 1.
        ([[1.0], [1 + 1.9e-6]], True),
        ([[1.0], [1 + 2.1e-6]], False),
        ([[1e-30], [1e-30]], True),
        ([[1e-30], [2e-30]], False),
        ([[0], [0]], True),
        ([[3, 4], [3, 4]], True),
        ([[3, 4], [3, 5]], False),
        (np.full((2, 3, 3, 1), 255, "uint8"), True),
        (np.full((2, 1), np.finfo("float32").max, "float32"), True),
        (np.array([[1.0], [-1.0]], "float32") * np.finfo("float32").max, False),
        # One example has none to differ from, and what is empty has no size.
        ([[1.0]], False),
        (np.zeros((2, 0)), False),
        (np.zeros(2), True),
    ],
)
def test_examples_differ_by_more_than_a_millionth_of_their_size(x, found):
    said = _examples.constant(told(x))
    assert [(one.code, one.layer) for one in said] == [("constant-input", "data")] * found


def test_a_constant_input_is_told_with_its_spread_and_its_size():
    (found,) = _examples.constant(told([[3, 4], [3, 4]]))
    size = math.sqrt((9 + 16) / 2)
    assert found.evidence == (
        f"data: spread over the examples 0, must be above 1e-6 of their size {size:.3g}"
    )
    differ = np.arange(6.0).reshape(3, 2)
    (found,) = _examples.constant(told(differ, np.ones((3, 1)), np.zeros((3, 1))))
    assert found.evidence == (
        "data, input 2: spread over the examples 0, must be above 1e-6 of their size 1"
    )


def test_an_empty_input_does_not_hide_one_that_is_constant():
    (found,) = _examples.constant(told(np.zeros((2, 0)), [[7.0], [7.0]]))
    assert found.evidence.startswith("data, input 2: ")


def test_one_feature_that_is_constant_is_no_constant_input():
    assert _examples.constant(told([[1.0, 0.0], [1.0, 1.0]])) == []


# Rows of a table ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whole", "said", "fix"),
    [
        ([[0, 4]], None, None),
        ([[0, 5]], "indices from 0 to 5, must lie within 0 and 4", "a table of at least 6 rows"),
        ([[-1, 4]], "indices from -1 to 4, must lie within 0 and 4", "x = x - x.min()"),
        ([[-2, 9]], "indices from -2 to 9, must lie within 0 and 4", "x = x - x.min()"),
        (
            [[1], [7]],
            "indices from 7 to 7, must lie within 0 and 4",
            "a table of at least 8 rows",
        ),
        ([], None, None),
    ],
)
def test_an_index_is_one_of_the_tables_rows(whole, said, fix):
    found = _examples.indices("words", 5, [np.array(one) for one in whole])
    assert [(one.evidence, one.fix) for one in found] == ([(said, fix)] if said else [])
    for one in found:
        assert (one.code, one.layer, one.stops) == ("index-range", "words", True)


# The size of targets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([148.0, -148.0], None),
        ([149.0, -149.0], "root mean square 149 of the targets, above e^5 = 148; their spread is "
         "149"),
        ([300, 300], "root mean square 300 of the targets, above e^5 = 148; their spread is 0"),
        ([[0.0068], [-0.0068]], None),
        ([0.0067, -0.0067], "root mean square 0.0067 of the targets, below e^-5 = 0.0067; their "
         "spread is 0.0067"),
        ([0.0, 0.0], None),
        (np.array([6e4, -6e4], "float16"), "root mean square 6e+04 of the targets, above e^5 = 148"
         "; their spread is 6e+04"),
        (np.array([200, 100], "uint8"), "root mean square 158 of the targets, above e^5 = 148; "
         "their spread is 50"),
    ],
)  # fmt: skip
def test_targets_are_within_e5_of_the_first_outputs(y, said):
    found = _examples.target(head(y=y), "scaled")
    assert [one.evidence for one in found] == ([said] if said else [])
    for one in found:
        assert (one.code, one.layer, one.fix) == ("unscaled-target", "data", "scaled")


@pytest.mark.parametrize(
    ("kind", "activation", "found"),
    [
        *[(kind, "linear", True) for kind in (SQUARED, "meanabsoluteerror", "huber", "logcosh")],
        (SQUARED, "unknown", True),
        (SQUARED, "relu", False),
        (SQUARED, "exponential", False),
        ("poisson", "linear", False),
        ("meanabsolutepercentageerror", "linear", False),
        (BINARY, "linear", False),
        ("", "linear", False),
    ],
)
def test_only_measurements_of_a_free_output_have_a_size(kind, activation, found):
    assert bool(_examples.target(head(kind, [1e4, -1e4], activation), "")) == found


# One class that is nearly all -----------------------------------------------------------------


def labels(rest, most=0, rare=1):
    """One rare label and as many as that of the other class."""
    return np.array([rare, *[most] * rest])


@pytest.mark.parametrize(("rest", "found"), [(18, False), (19, True), (99, True)])
def test_a_class_is_nearly_all_from_19_in_20(rest, found):
    for given in [
        head(BINARY, labels(rest)),
        head(BINARY, labels(rest).astype(bool)[:, None]),
        head(SPARSE, labels(rest), units=2),
        head(SPARSE, labels(rest)[:, None], units=2),
        head(CATEGORICAL, np.eye(2)[labels(rest)], units=2),
    ]:
        said = _examples.imbalance(given)
        assert [(one.code, one.layer) for one in said] == [("class-imbalance", "data")] * found
        if found:
            assert said[0].evidence == (
                f"{rest / (rest + 1):.1%} of the labels are 0: always saying so is right as often; "
                "from 95% on"
            )


@pytest.mark.parametrize(("most", "rare", "bias"), [(0, 1, "-2.94"), (1, 0, "2.94")])
def test_the_last_bias_is_the_logit_of_the_label_1(most, rare, bias):
    (found,) = _examples.imbalance(head(BINARY, labels(19, most, rare)))
    assert f"{math.log(19):.2f}" == "2.94"
    assert f"of the labels are {most}: " in found.evidence
    assert found.fix == (
        f"class_weight={{...}}; last bias {bias}; metrics that count the rare class"
    )


def test_the_biases_of_classes_are_logarithms_of_their_shares():
    y = [*[2] * 98, 0, 1]
    (found,) = _examples.imbalance(head(SPARSE, y, units=3))
    assert found.evidence.startswith("98.0% of the labels are 2: ")
    assert "last bias log of each class's share; " in found.fix
    # Two classes have two biases too, and labels that are no probabilities have no logit.
    for given in [head(SPARSE, labels(99), units=2), head(BINARY, [0] * 98 + [1, 2])]:
        assert "last bias log of each class's share; " in _examples.imbalance(given)[0].fix


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (head(BINARY, labels(99)), True),
        (head(BINARY, labels(99), weighted=True), False),
        (head(BINARY, labels(99), metrics=[Metric("auc")]), False),
        (head(BINARY, labels(99), metrics=[Metric("auc"), Metric("binaryaccuracy")]), True),
        (head(BINARY, labels(99), metrics=[Metric("acc")]), True),
        (head("binaryfocalcrossentropy", labels(99)), True),
        # Of several labels an example one is not all, nor is the first of several steps.
        (head(BINARY, np.eye(100, 3), units=3), False),
        (head(SPARSE, np.stack([labels(99), np.arange(100)], 1), units=100), False),
        (head(CATEGORICAL, np.eye(2)[labels(99)][:, None], units=2), False),
        # One class alone, and shares of one, are no classes of which one is rare.
        (head(BINARY, np.zeros(100)), False),
        (head(BINARY, labels(99, most=0.1, rare=0.9)), False),
        (head(SQUARED, labels(99)), False),
        (head("hinge", labels(99, most=-1)), False),
    ],
)
def test_what_is_nearly_all_is_a_class_that_accuracy_counts(given, found):
    assert bool(_examples.imbalance(given)) == found


# Labels that no input tells of ----------------------------------------------------------------


def noise(seed, n=48, features=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, features)), rng.integers(0, 2, n)


def test_labels_of_pure_chance_are_seldom_taken_for_told():
    """The level 1/20 is kept by four learners together; most p-values are far from it."""
    p = np.array([_examples.related([noise(seed)[0]], noise(seed)[1]) for seed in range(60)])
    # Of 60 draws at 1/20 more than 8 come once in a hundred.
    assert np.sum(p <= 0.05) <= 8 and p.max() == 1.0
    # Four times the smallest p of four learners, which go by much the same.
    assert np.mean(p > 0.2) > 0.5 and np.median(p) > 0.3
    steps = p[p < 1] / 0.04
    assert np.allclose(steps, np.round(steps))


def laws():
    """Inputs and labels with one relation each."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((96, 3))
    words = rng.integers(0, 30, (96, 12))
    image = rng.standard_normal((96, 5, 5, 2))
    image[:48, ..., 1] *= 1.5
    lifted = rng.standard_normal((96, 7, 2)) + np.where(np.arange(96) % 2, 0.5, 0)[:, None, None]
    return {
        "a line": ([x], (x[:, 0] > 0).astype(int)),
        "a measurement": ([x], x[:, 1] + 0.5 * x[:, 2]),
        "columns": ([x], np.stack([x[:, 0], -x[:, 1]], 1)),
        "classes": ([x], np.digitize(x[:, 0], [-0.5, 0.5])),
        "the corners of a square": ([x[:, :2]], (x[:, 0] * x[:, 1] > 0).astype(int)),
        "the distance from the middle": ([x[:, :2]], (np.hypot(*x[:, :2].T) > 1).astype(float)),
        "a word wherever it stands": ([words], (words == 3).any(axis=1).astype(int)),
        "the spread of a channel": ([image], (np.arange(96) < 48).astype(int)),
        "the mean of the steps": ([lifted], np.arange(96) % 2),
        "the second input": ([rng.standard_normal((96, 2)), x], (x[:, 0] > 0)[:, None]),
        "inputs of very unlike sizes": ([x * [1e6, 1e-6, 1]], (x[:, 1] > 0).astype(int)),
    }


@pytest.mark.parametrize("name", laws())
def test_a_planted_law_is_told_and_its_labels_shuffled_are_not(name):
    x, y = laws()[name]
    # No shuffle of 99 does as well, for one learner of four at least.
    assert _examples.related(x, y) == pytest.approx(0.04)
    order = np.random.default_rng(1).permutation(len(y))
    assert _examples.related(x, y[order]) > 0.05
    assert _examples.related(x, y) == _examples.related(x, y, seed=0)


@pytest.mark.parametrize(
    ("x", "y", "known"),
    [
        (noise(0, 48)[0], noise(0, 48)[1], True),
        (noise(0, 47)[0], noise(0, 47)[1], False),
        (noise(0)[0], np.zeros((48, 65)) + np.arange(48)[:, None], False),
        (noise(0)[0], np.zeros((48, 64)) + np.arange(48)[:, None], True),
        (noise(0)[0], np.ones(48), False),
        (np.ones((48, 2)), noise(0)[1], False),
        # Names, as of users, tell nothing of a new one; few kinds do.
        (np.arange(48), noise(0)[1], False),
        (np.arange(96).reshape(48, 2), noise(0)[1], False),
        (np.arange(48) % 17, noise(0)[1], False),
        (np.arange(48) % 16, noise(0)[1], True),
        (np.arange(144).reshape(48, 3), noise(0)[1], True),
        (np.arange(48.0), noise(0)[1], True),
    ],
)
def test_what_cannot_be_learned_by_heart_of_so_many_is_judged(x, y, known):
    assert (_examples.related([x], y) is not None) == known


def test_one_input_of_names_is_enough_not_to_judge():
    x, y = noise(0)
    assert _examples.related([x, np.arange(48)], y) is None


def test_no_inputs_tell_nothing():
    assert _examples.related([], noise(0)[1]) is None
    assert _examples.related([np.zeros((48, 0))], noise(0)[1]) is None


@pytest.mark.parametrize(
    ("y", "columns"),
    [
        (np.arange(50) % 2, 1),
        (np.arange(50) % 3, 3),
        (np.arange(100) % 50, 50),
        (np.arange(102) % 51, 1),
        ((np.arange(50) % 3).astype(float), 1),
        (np.arange(50)[:, None] % 3, 3),
        (np.arange(50) % 2 == 0, 1),
        (np.arange(100).reshape(50, 2), 2),
        (np.arange(100).reshape(50, 2) % 7, 2),
        (np.stack([np.arange(50.0), np.ones(50)], 1), 1),
    ],
)
def test_answers_are_columns_of_mean_0_and_spread_1(y, columns):
    answers = _examples._answers(y)
    assert answers.shape == (len(y), columns)
    np.testing.assert_allclose(answers.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(answers.std(axis=0), 1)
    assert _examples._answers(np.full(9, 3.0)) is None


def test_words_are_counted_and_places_are_joined():
    counts, flat = _examples._tables(np.array([[0, 2, 2], [1, 1, 1]]))
    assert counts.tolist() == [[1, 0, 2], [0, 3, 0]] and flat.tolist() == [[0, 2, 2], [1, 1, 1]]
    (alone,) = _examples._tables(np.array([[0, 5000], [1, 1]]))
    assert alone.shape == (2, 2)
    assert _examples._tables(np.array([[0, 4999], [1, 1]]))[0].shape == (2, 5000)
    # A word that is below 0 is counted as the first.
    assert _examples._tables(np.array([[-3, 1]]))[0].tolist() == [[1, 1]]
    image = np.arange(24.0).reshape(2, 3, 2, 2)
    flat, mean, std = _examples._tables(image)
    assert flat.shape == (2, 12) and mean.tolist() == [[5, 6], [17, 18]]
    assert std[0].tolist() == pytest.approx([np.std([0, 2, 4, 6, 8, 10])] * 2)
    assert [table.shape for table in _examples._tables(image[:, :, 0])] == [(2, 6), (2, 2), (2, 2)]
    assert [table.shape for table in _examples._tables(np.arange(9) % 3)] == [(9, 1)]
    (wide,) = _examples._tables(np.arange(8194.0)[None])
    assert wide.shape == (1, 4096) and (wide[0, 0], wide[0, -1]) == (0, 8193)
    for size in (4096, 4097):
        assert _examples._tables(np.arange(float(size))[None])[0].shape == (1, 4096)


def test_four_learners_go_by_what_is_alike():
    """Four corners, each a spread from the middle: neighbours are 2 apart, and others 4."""
    corners = np.array([[0.0, 10, 7], [2, 10, 7], [0, 30, 7], [2, 30, 7]])
    alike = np.array([[1.0, 0, 0, -1], [0, 1, -1, 0], [0, -1, 1, 0], [-1, 0, 0, 1]])
    far = 2 - 2 * alike
    assert np.median(far[far > 0]) == 2
    expected = [alike, np.exp(-far / 2), np.exp(-4 * far), (1 + alike) ** 2]
    for inputs in ([corners], [corners[:, :1], corners[:, 1:]]):
        for found, wanted in zip(_examples._kernels(inputs), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_an_answer_is_not_told_by_itself():
    """On a kernel of no likeness but to oneself nothing held out is told."""
    y = np.where(np.arange(16) % 3, 1.0, -1.0)[:, None, None]
    assert _examples._scores(np.eye(16), y, np.arange(16) % 4).tolist() == [0]


def test_a_held_out_answer_is_told_by_the_others():
    """On a kernel of two groups, each of one answer, all shares are those of ridge regression."""
    group = np.repeat([1.0, -1.0], 8)
    kernel, folds = np.outer(group, group), np.arange(16) % 4
    y = np.stack([group, -group, np.ones(16)], axis=1)[:, :, None]
    # Twelve of sixteen are left: kernel 1, its trace 12, the ridge a tenth of their mean.
    share = 12 / (12 + 0.1)
    np.testing.assert_allclose(_examples._scores(kernel, y, folds), [share, share, 0], atol=1e-12)


def test_a_mean_of_several_columns_is_the_score():
    group = np.repeat([1.0, -1.0], 8)
    y = np.stack([group, np.ones(16)], axis=1)[:, None]
    (score,) = _examples._scores(np.outer(group, group), y, np.arange(16) % 4)
    assert score == pytest.approx(12 / 12.1 / 2)


def test_labels_unrelated_to_one_output_are_named_with_their_p():
    x, y = noise(3, 64)
    p = _examples.related([x], y)
    assert p > 0.05
    (found,) = _examples.unrelated(told(x, y=y), head(BINARY, y, some=y))
    assert (found.code, found.layer) == ("unrelated-labels", "data")
    assert found.evidence == (
        f"four cheap learners do no better on the labels than on shuffled ones: p {p:.2f}, must be "
        "at most 0.05"
    )
    assert _examples.unrelated(told(x, y=y), head(BINARY, y)) == []
    several = told(x, y=y)
    several.y = [y, y]
    assert _examples.unrelated(several, head(BINARY, y, some=y)) == []
    (x,), y = laws()["a line"]
    assert _examples.unrelated(told(x, y=y), head(BINARY, y, some=y)) == []
    few, less = noise(3, 40)
    assert _examples.unrelated(told(few, y=less), head(BINARY, less, some=less)) == []
