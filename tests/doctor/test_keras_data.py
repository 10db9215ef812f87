"""The sample that the doctor measures on: which rows, in which form, and what is refused."""

import re

import keras
import numpy as np
import pytest

from livegrad.doctor._keras.backend import array
from livegrad.doctor._keras.data import draw


def numbers(n, *rest):
    return np.arange(n * int(np.prod(rest or 1)), dtype="float64").reshape(n, *rest)


@pytest.mark.parametrize(
    ("count", "rows", "taken"),
    [(10, 4, [0, 3, 6, 9]), (3, 9, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (7, 1, [0]), (1, 1, [0])],
)
def test_arrays_give_rows_evenly_spaced(count, rows, taken):
    sample = draw(numbers(count, 2), np.arange(count), np.int64(rows))
    assert sample.rows == len(taken) and sample.weight is None
    assert array(sample.x).tolist() == numbers(count, 2)[taken].tolist()
    assert array(sample.y).tolist() == taken
    (labels,) = sample.labels
    assert labels.tolist() == list(range(count))


def test_floating_numbers_take_keras_s_precision_and_others_stay():
    sample = draw(np.ones((2, 1), "float16"), np.array([1, 2], "int16"), 2)
    types = map(keras.backend.standardize_dtype, (sample.x.dtype, sample.y.dtype))
    assert tuple(types) == ("float32", "int16")


def test_some_rows_of_a_sample_are_a_sample():
    x = {"a": numbers(4, 1), "b": numbers(4, 2)}
    whole = draw(x, [numbers(4), numbers(4)], 4)
    part = whole.some(3)
    assert part.rows == 3 and part.weight is None and len(part.labels) == 2
    assert part.x["b"].shape == (3, 2) and [y.shape for y in part.y] == [(3,), (3,)]
    assert draw(numbers(2, 1), numbers(2), 2).some(5).rows == 2
    part = whole.some(np.array([3, 1]))
    assert part.rows == 2 and array(part.x["a"]).tolist() == [[3], [1]]
    assert [array(y).tolist() for y in part.y] == [[3, 1], [3, 1]]
    weighted = draw(iter([(numbers(3, 1), numbers(3), numbers(3))]), None, 3)
    assert array(weighted.some(np.array([2, 0])).weight).tolist() == [2, 0]


def test_a_list_of_numbers_is_one_array_and_a_list_of_arrays_several():
    assert draw([[1.0], [2.0]], [0, 1], 2).x.shape == (2, 1)
    sample = draw([numbers(2, 1), numbers(2, 3)], (numbers(2), numbers(2)), 2)
    assert [part.shape for part in sample.x] == [(2, 1), (2, 3)] and len(sample.y) == 2


def batches(sizes, weight=False):
    start = 0
    for size in sizes:
        x = np.arange(start, start + size, dtype="float64")
        start += size
        yield (x[:, None], x, 2 * x) if weight else (x[:, None], x)


@pytest.mark.parametrize(("rows", "labels"), [(3, 3), (4, 6), (6, 6), (7, 8), (99, 8)])
@pytest.mark.parametrize("weight", [False, True])
def test_a_data_set_gives_its_first_batches(rows, labels, weight):
    sample = draw(batches([3, 3, 2], weight), None, rows)
    assert sample.labels[0].tolist() == list(range(labels))
    assert sample.rows == min(rows, labels)
    at = np.linspace(0, labels - 1, sample.rows).astype(int).tolist()
    assert array(sample.y).tolist() == at and array(sample.x).tolist() == [[n] for n in at]
    assert (array(sample.weight).tolist() == [2 * n for n in at]) if weight else not sample.weight


class Set(keras.utils.PyDataset):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, at):
        return np.full((2, 1), float(at)), np.full(2, float(at))


def test_a_keras_data_set_is_read_by_its_length():
    assert array(draw(Set(3), None, 99).y).tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="got an empty data set"):
        draw(Set(0), None, 9)


@pytest.mark.parametrize(("order", "parts"), [(1, "2 and 3"), (-1, "3 and 2")])
def test_batches_that_differ_in_their_parts_are_refused(order, parts):
    given = [(np.ones((2, 1)), np.ones(2)), (np.ones((2, 1)), np.ones(2), np.ones(2))]
    said = f"^each batch of the data set x must give as many parts, got {parts}$"
    with pytest.raises(ValueError, match=said):
        draw(iter(given[::order]), None, 4)


ROWS = "rows must be a whole number of at least 1, got "
ALONE = "y must be given with arrays, got None: only a data set brings its own labels"
EMPTY = "must hold at least one example, got the shape "
ONE = np.ones(2)
BAD = np.array([1.0, np.nan, np.inf])


@pytest.mark.parametrize(
    ("x", "y", "rows", "said"),
    [
        *[(ONE, ONE, rows, f"{ROWS}{rows!r}") for rows in (True, 0, -1, 2.0, "2", None)],
        *[(x, None, 2, ALONE) for x in (ONE, [ONE], {"a": ONE})],
        (5, None, 2, "x must be an array of examples, got 5 (int)"),
        (ONE, np.array(["a", "b"]), 2, "y must hold numbers, got dtype <U1"),
        (np.array([b"a", b"b"]), ONE, 2, "x must hold numbers, got dtype |S1"),
        (np.array([None, 1]), ONE, 2, "x must hold numbers, got dtype object"),
        (np.float64(1), ONE, 2, "x must be an array of examples, got np.float64(1.0) (float64)"),
        (ONE, np.empty((0, 3)), 2, f"y {EMPTY}(0, 3)"),
        (ONE, np.ones(3), 2, "x and y must have as many examples, got 2 and 3"),
        (
            [ONE, np.ones(4)],
            ONE,
            2,
            "x must have as many examples in each of its arrays, got 2 and 4",
        ),
        (iter([]), None, 2, "x must hold at least one example, got an empty data set"),
        (iter([ONE]), None, 2, "the data set x must give (x, y) or (x, y, sample_weight)"),
        (iter([(ONE,)]), None, 2, "the data set x must give (x, y) or (x, y, sample_weight)"),
        (
            iter([(ONE, ONE, ONE, ONE)]),
            None,
            2,
            "the data set x must give (x, y) or (x, y, sample_w",
        ),
        (iter([(1.0, ONE)]), None, 2, "the data set x must be batched, got a single number as "),
        (iter([(ONE, 1.0)]), None, 2, "the data set x must be batched, got a single number as "),
    ],
)
def test_what_is_no_sample_is_refused_by_name(x, y, rows, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        draw(x, y, rows)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (BAD, np.ones(3), "2 of 3 values of x are not finite, must be 0"),
        (np.ones(3), -BAD, "2 of 3 values of y are not finite, must be 0"),
        (iter([(ONE, ONE, BAD[:2])]), None, "1 of 2 values of sample_weight are not finite, "),
        (BAD, BAD[::-1], "2 of 3 values of x are not finite, must be 0"),
        (np.ones(3), np.ones(3), ""),
    ],
)
def test_what_is_not_finite_is_counted_and_not_refused(x, y, said):
    bad = draw(x, y, 2).bad
    assert bad.startswith(said) and bool(bad) == bool(said)


@pytest.mark.parametrize("bad", [[1, np.inf], [-np.inf, 1], [np.nan, 1], [1, np.nan]])
def test_one_infinite_end_is_enough(bad):
    said = "1 of 2 values of x are not finite, must be 0"
    assert draw(np.array(bad, float), np.ones(2), 2).bad == said


def test_whole_numbers_are_not_asked_to_be_finite():
    sample = draw(np.array([1, 2]), np.array([True, False]), 2)
    assert (sample.rows, sample.bad) == (2, "")
