"""The sample that the doctor measures on: which rows, in which form, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs livegrad[torch]")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset  # noqa: E402

from livegrad.doctor import examine  # noqa: E402
from livegrad.doctor._torch.data import draw  # noqa: E402


def numbers(n, *rest):
    return np.arange(n * int(np.prod(rest or 1)), dtype="float64").reshape(n, *rest)


@pytest.mark.parametrize(
    ("count", "rows", "taken"),
    [(10, 4, [0, 3, 6, 9]), (3, 9, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (7, 1, [0]), (1, 1, [0])],
)
@pytest.mark.parametrize("form", [np.asarray, torch.as_tensor])
def test_arrays_and_tensors_give_rows_evenly_spaced(count, rows, taken, form):
    sample = draw(form(numbers(count, 2)), form(np.arange(count)), np.int64(rows))
    assert sample.rows == len(taken) and sample.total == count and sample.batch is None
    assert sample.x.tolist() == numbers(count, 2)[taken].tolist() and sample.y.tolist() == taken
    (labels,) = sample.labels
    assert labels.tolist() == list(range(count)) and sample.bad == ""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_arrays_take_the_parameters_precision_and_tensors_stay(dtype):
    like = torch.zeros(1, dtype=dtype)
    sample = draw(np.ones((2, 1)), np.array([True, False]), 2, like)
    assert sample.x.dtype == sample.y.dtype == dtype
    x = {
        "a": np.array([[1]], "uint8"),
        "b": np.array([True]),
        "c": torch.ones(1, dtype=torch.int16),
    }
    sample = draw(x, torch.ones(1, dtype=torch.float16), 2, like)
    assert [part.dtype for part in sample.x.values()] == [torch.int64, torch.bool, torch.int16]
    assert sample.y.dtype == torch.float16
    assert draw(np.ones((2, 1)), np.ones(2), 2).x.dtype == torch.get_default_dtype()


def test_samples_share_nothing_with_the_data():
    x, y = np.zeros((4, 2), "float32"), torch.zeros(4)
    sample = draw(x, y, 4)
    sample.x.add_(1)
    sample.y.add_(1)
    part = sample.fresh(True)
    assert part.x.requires_grad and not part.x.is_leaf and not part.y.requires_grad
    part.x.add_(1)
    part.y.add_(1)
    assert not x.any() and not y.any() and (sample.x == 1).all() and (sample.y == 1).all()


def test_some_rows_of_a_sample_are_a_sample():
    x = {"a": numbers(4, 1), "b": (numbers(4, 2), "text")}
    part = draw(x, [numbers(4), numbers(4)], 4).some(3)
    assert part.rows == 3 and part.x["b"][0].shape == (3, 2) and part.x["b"][1] == "text"
    assert [tuple(y.shape) for y in part.y] == [(3,), (3,)]
    assert part.some(np.array([2, 0])).y[0].tolist() == [2, 0]
    assert draw(numbers(2, 1), numbers(2), 2).some(5).rows == 2


def test_a_list_of_numbers_is_one_array():
    assert draw([[1.0], [2.0]], [0, 1], 2).x.shape == (2, 1)


@pytest.mark.parametrize(("rows", "labels"), [(3, 3), (4, 6), (6, 6), (7, 8), (99, 8)])
def test_a_loader_gives_its_first_batches(rows, labels):
    x = torch.arange(8.0)
    loader = DataLoader(TensorDataset(x[:, None], x), batch_size=3)
    sample = draw(loader, None, rows)
    assert sample.labels[0].tolist() == list(range(labels)) and sample.rows == min(rows, labels)
    assert (sample.batch, sample.total) == (3, 8)
    at = np.linspace(0, labels - 1, sample.rows).astype(int).tolist()
    assert sample.y.tolist() == at and sample.x.tolist() == [[n] for n in at]


def test_a_loader_of_several_inputs_has_the_labels_last():
    loader = DataLoader(TensorDataset(torch.ones(4, 1), torch.ones(4, 2), torch.ones(4)), 2)
    sample = draw(loader, None, 4)
    assert [part.shape[1] for part in sample.x] == [1, 2] and sample.y.shape == (4,)


class Dicts(Dataset):
    def __init__(self, label="labels"):
        self.label = label

    def __len__(self):
        return 6

    def __getitem__(self, at):
        return {"ids": torch.full((3,), at), self.label: torch.tensor(at), "name": "text"}


@pytest.mark.parametrize("label", ["labels", "label", "targets", "target", "y"])
def test_batches_that_are_dicts(label):
    loader = DataLoader(Dicts(label), 2)
    own = draw(loader, None, 4, own=True)
    assert set(own.x) == {"ids", label, "name"} and own.y is None and own.labels == []
    sample = draw(loader, None, 4)
    assert set(sample.x) == {"ids", "name"} and sample.y.tolist() == [0, 1, 2, 3]
    sample = draw({"ids": torch.ones(4, 3), label: torch.arange(4)}, None, 4)
    assert list(sample.x) == ["ids"] and sample.y.tolist() == [0, 1, 2, 3]


def test_batches_that_do_not_fit_each_other_are_not_joined():
    padded = [(torch.ones(2, 5), torch.ones(2)), (torch.ones(2, 7), torch.ones(2))]
    sample = draw(padded, None, 64)
    assert sample.rows == 2 and sample.x.shape == (2, 5)


def test_a_stream_without_length():
    class Stream(IterableDataset):
        def __iter__(self):
            return ((torch.ones(2), torch.ones(1)) for _ in range(5))

    sample = draw(DataLoader(Stream(), 2), None, 4)
    assert (sample.rows, sample.total, sample.batch) == (4, 4, 2)


@pytest.mark.parametrize(
    ("x", "y", "rows", "said"),
    [
        (np.ones((3, 1)), np.ones(2), 4, "x and y must have as many examples, got 3 and 2"),
        (np.ones((0, 1)), np.ones(0), 4, "x must hold at least one example, got the shape (0, 1)"),
        (
            np.ones((2, 1)),
            np.float32(1)[...],
            4,
            "y must hold at least one example, got the shape ()",
        ),
        (np.array(["a"]), np.ones(1), 4, "x must hold numbers, got dtype <U1"),
        (np.ones((2, 1)), np.ones(2), 0, "rows must be a whole number of at least 1, got 0"),
        (
            np.ones((2, 1)),
            None,
            4,
            "y must be given with tensors; a loader may bring its own labels",
        ),
        ({"a": np.ones(1)}, None, 4, "y must be given with a dict with the keys a; a loader may"),
        ("text", np.ones(1), 4, "x must hold at least one example, got no tensor"),
        (7, None, 4, "x must be an array of examples, got 7 (int)"),
        ([], None, 4, "x must hold at least one example, got an empty loader"),
        ([(1, 2)], None, 4, "a loader must give tensors, got int"),
        ([torch.ones(2)], None, 4, "a loader must give (x, y), or a dict of what the module takes"),
    ],
)
def test_what_does_not_fit_is_refused(x, y, rows, said):
    if isinstance(x, str):
        x = {"a": x}
        y = {}
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        draw(x, y, rows)


def test_numbers_that_are_not_finite_are_told():
    x = numbers(4, 2)
    x[1] = np.nan
    sample = draw(x, numbers(4), 2)
    assert sample.bad == "2 of 8 values of x are not finite, must be 0"
    report = examine(nn.Linear(2, 1), x, numbers(4)[:, None], loss=nn.MSELoss())
    assert report.codes == ("non-finite",)


def test_a_module_takes_a_tuple_or_names():
    sample = draw((numbers(2, 1), numbers(2, 2)), numbers(2), 2)
    assert sample.call(lambda a, b: (a.shape[1], b.shape[1])) == (1, 2)
    sample = draw({"b": numbers(2, 1), "a": numbers(2, 2)}, numbers(2), 2)
    assert sample.call(lambda a, b: (a.shape[1], b.shape[1])) == (2, 1)
    assert draw(numbers(2, 3), numbers(2), 2).call(lambda x: x.shape[1]) == 3
