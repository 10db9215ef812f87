"""Where a gradient ends, and what a loss rewards: on calls and losses written down."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from livegrad.doctor import _gradients
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Weight
from livegrad.doctor._keras.words import WORDS

G = np.ones((2, 3))
ZERO = np.zeros((2, 3))


def weight(path, place, shape=(3, 3)):
    return Weight(path.rpartition("/")[2], path, shape, lambda: np.ones(shape), place=place)


def layer(name, place=None, kind="dense", **given):
    """A layer with a kernel at this place among the weights, and a bias that is not looked at."""
    weights = {}
    if place is not None:
        weights = {"kernel": weight(f"{name}/kernel", place)}
        weights["bias"] = weight(f"{name}/bias", place, (3,))
    return Layer(name, kind, weights=weights, **given)


class Chain:
    """Calls in a row, each given what the one before it made."""

    def __init__(self):
        self.calls, self.layers = [], []

    def add(self, layer, gradient=G, below=G, unseen=False):
        """Add a call; ``unseen``: something unknown was computed in between."""
        last = self.calls[-1].output if self.calls else np.ones((2, 3))
        given = last + 0 if unseen else last
        parents = [len(self.calls) - 1] if self.calls else []
        call = Call(layer, [given], np.ones((2, 3)), parents, first=not self.calls)
        call.gradient = call.delta = gradient
        call.gradients = [below]
        self.calls.append(call)
        self.layers.append(layer)
        return self

    def cut(self, weights, loss=1.0, outputs=None, more=()):
        probe = types.SimpleNamespace(layers=[*self.layers, *more], words=WORDS)
        outputs = [self.calls[-1].output] if outputs is None else outputs
        return _gradients.cut(probe, Pass(self.calls, outputs, loss, weights))


def said(found):
    return [(one.code, one.layer, one.evidence) for one in found]


# Cut ------------------------------------------------------------------------------------------


def test_a_gradient_that_reaches_all_kernels_is_not_cut():
    chain = Chain().add(layer("a", 0)).add(layer("b", 1))
    assert chain.cut([G, G]) == []
    # A bias has no gradient of its own to speak of, nor has what is frozen or was not called.
    assert chain.cut([G, G, None], more=[layer("unused", 2)]) == []
    chain.add(Layer("frozen", "dense", weights={"k": weight("k", None)}))
    assert chain.cut([G, None]) != [] and chain.cut([G, G]) == []
    biased = Chain().add(Layer("a", "dense", weights={"bias": weight("a/bias", 0, (3,))}))
    assert biased.cut([None]) == []


def test_no_kernel_with_a_gradient_is_a_cut_at_what_passes_none_on():
    chain = Chain().add(layer("a", 0), None, None).add(layer("round", kind="other"), G, None)
    chain.add(Layer("end", "activation"), G, G)
    assert said(chain.cut([None])) == [
        ("cut-gradient", "round", "0 of 1 kernels get a gradient, must be all of them")
    ]
    assert "with a slope" in chain.cut([None])[0].fix


def test_of_weights_that_pass_none_on_what_they_were_given_is_the_cause():
    chain = Chain().add(layer("a", 0), None, None).add(layer("round", kind="other"), None, None)
    chain.add(layer("b", 1), G, None)
    assert said(chain.cut([None, G])) == [
        ("cut-gradient", "round", "1 of 2 kernels get a gradient, must be all of them")
    ]


def test_a_cut_that_no_call_shows_is_the_losss_or_the_last_layers_without():
    chain = Chain().add(layer("a", 0), None, None).add(layer("b", 1), None, None)
    assert said(chain.cut([None, None])) == [
        ("cut-gradient", "loss", "0 of 2 kernels get a gradient, must be all of them")
    ]
    chain.add(layer("c", 2), G, G)
    assert said(chain.cut([None, None, G])) == [
        ("cut-gradient", "b", "1 of 3 kernels get a gradient, must be all of them")
    ]


def test_the_first_layer_of_all_is_given_the_data_and_cuts_nothing():
    # The data have no gradient: whole numbers, or numbers that nobody asks for.
    chain = Chain().add(layer("a", 0), G, None)
    assert _gradients._ends(Pass(chain.calls, [], 1.0, [])) is None
    chain.add(layer("b", 1), G, G)
    assert chain.cut([G, G]) == []
    chain.calls[1].first, chain.calls[1].gradients = True, [None]
    assert _gradients._ends(Pass(chain.calls, [], 1.0, [])) is None
    chain.calls[1].first, chain.calls[1].gradients = False, []
    assert _gradients._ends(Pass(chain.calls, [], 1.0, [])) is None


def test_a_bias_that_comes_first_does_not_hide_a_kernel():
    weights = {"bias": weight("a/bias", 0, (3,)), "kernel": weight("a/kernel", 1)}
    chain = Chain().add(Layer("a", "dense", weights=weights), None, None).add(layer("b", 2), G, G)
    assert len(chain.cut([G, None, G])) == 1 and chain.cut([G, G, G]) == []


@pytest.mark.parametrize(
    ("gradient", "delta", "found"), [(G, None, "b"), (None, G, "b"), (None, None, None)]
)
def test_a_call_is_given_a_gradient_for_what_it_makes_or_what_it_bends(gradient, delta, found):
    chain = Chain().add(layer("a", kind="other")).add(layer("b", kind="other"), G, None)
    chain.calls[1].gradient, chain.calls[1].delta = gradient, delta
    assert _gradients._ends(Pass(chain.calls, [], 1.0, [])) == found
    chain.calls[1].parents = []
    assert _gradients._ends(Pass(chain.calls, [], 1.0, [])) is None


def test_each_way_into_a_layer_is_looked_at():
    chain = Chain().add(layer("a", 0), G, G).add(layer("b", 1), ZERO, ZERO)
    chain.add(layer("join", kind="other"), G, G)
    join = chain.calls[2]
    join.parents, join.inputs = [0, 1], [chain.calls[0].output, chain.calls[1].output]
    join.gradients = [G, ZERO]
    assert [one.layer for one in chain.cut([G, ZERO])] == ["join"]


def test_an_output_without_a_loss_has_no_gradient_and_is_no_cut():
    chain = Chain().add(layer("a", 0), G, G).add(layer("b", 1), None, None)
    one = chain.calls[0].output
    assert len(chain.cut([G, None])) == 1
    assert len(chain.cut([G, None], outputs=[one, one])) == 1
    assert chain.cut([G, None], outputs=[one, chain.calls[1].output]) == []


def test_a_loss_that_was_not_computed_tells_of_no_gradient():
    chain = Chain().add(layer("a", 0), None, None).add(layer("b", 1), G, None)
    assert len(chain.cut([None, G])) == 1
    assert chain.cut([None, G], loss=math.nan) == []


def test_a_gradient_of_0_below_something_unseen_is_a_cut():
    chain = Chain().add(layer("a", 0), ZERO, ZERO).add(layer("b", 1), G, G, unseen=True)
    assert said(chain.cut([ZERO, G])) == [
        (
            "cut-gradient",
            "b",
            "the gradient below b is 0 in all 6 entries, must be another number in some",
        )
    ]
    # Where nothing comes out of it either, the cause lies above.
    chain.calls[1].gradients = [ZERO]
    assert chain.cut([ZERO, G]) == []
    chain.calls[1].gradients = [None]
    assert chain.cut([ZERO, G]) == []


@pytest.mark.parametrize(
    ("above", "gradient", "found"),
    [
        (layer("flat", kind="other"), G, True),
        # A kernel of 0, dead units and a flat end have other names.
        (layer("flat", 1), G, False),
        (layer("flat", 1, kind="other"), G, False),
        (layer("flat", kind="activation"), G, False),
        (layer("flat", kind="passing"), G, False),
        (layer("flat", kind="other"), ZERO, False),
        (layer("flat", kind="other"), None, False),
    ],
)
def test_a_function_that_is_not_known_and_gives_a_gradient_of_0_is_a_cut(above, gradient, found):
    chain = Chain().add(layer("a", 0), ZERO, ZERO).add(above, gradient, ZERO)
    assert [one.layer for one in chain.cut([ZERO, G])] == ["flat"] * found


@pytest.mark.parametrize(
    ("gradient", "trainable", "found"),
    [
        (ZERO, True, True),
        (ZERO, False, False),
        (np.where(np.arange(6).reshape(2, 3) == 5, 1e-30, 0), True, False),
        (None, True, False),
        (np.zeros((0, 3)), True, False),
    ],
)
def test_a_gradient_is_cut_where_all_its_entries_are_0(gradient, trainable, found):
    chain = Chain().add(layer("a", 0, trainable=trainable), gradient, G)
    chain.add(layer("flat", kind="other"), G, ZERO)
    assert [one.layer for one in chain.cut([G])] == ["flat"] * found


def test_the_cut_next_to_the_output_is_named():
    chain = Chain().add(layer("a", 0), ZERO, ZERO).add(layer("first", kind="other"), G, ZERO)
    chain.add(layer("b", 1), ZERO, G).add(layer("second", kind="other"), G, ZERO)
    assert [one.layer for one in chain.cut([G, G])] == ["second"]


# Left out -------------------------------------------------------------------------------------


def left_out(moved, *layers):
    optimizer = Optimizer("SGD", False, 0.1, moved=moved)
    probe = types.SimpleNamespace(layers=layers, optimizer=optimizer, words=WORDS)
    return _gradients.left_out(probe)


def test_the_first_layer_that_the_optimizer_was_not_made_for_is_named():
    layers = [layer("a", 0), layer("b", 1), layer("c", 2)]
    known = {"a/kernel", "a/bias", "b/bias"}
    (found,) = left_out(frozenset(known), *layers)
    assert (found.code, found.layer) == ("frozen", "b")
    assert found.evidence == "1 of its 2 trainable weights are not the optimizer's, must be 0"
    assert found.fix == "model.compile(...)  # again, after trainable was changed"
    (found,) = left_out(frozenset(known | {"b/kernel"}), *layers)
    assert found.layer == "c" and found.evidence.startswith("2 of its 2 trainable weights")
    every = frozenset(f"{name}/{what}" for name in "abc" for what in ("kernel", "bias"))
    assert left_out(every, *layers) == [] == left_out(None, *layers)


def test_weights_that_do_not_train_need_no_optimizer():
    frozen = Layer("frozen", "dense", weights={"kernel": weight("frozen/kernel", None)})
    assert left_out(frozenset({"a/kernel", "a/bias"}), frozen, layer("a", 0)) == []
    assert left_out(frozenset(), frozen) == []


# Losses that are asked ------------------------------------------------------------------------


def head(cost, some, output, kind=""):
    some, output = np.asarray(some), np.asarray(output, float)
    return Output("output", "linear", kind, False, None, output, some, cost=cost, some=some)


N = np.arange(8.0)


def spread_out(some):
    """A squared error that compares each answer with all labels."""
    return lambda p: float(np.mean((np.asarray(some) - p) ** 2))


def one_by_one(some):
    some = np.asarray(some)
    return lambda p: float(np.mean((some - p.reshape(some.shape)) ** 2))


def test_a_loss_that_compares_each_answer_with_all_labels_is_named():
    (found,) = _gradients.paired(head(spread_out(N), N, np.ones((8, 1))))
    assert (found.code, found.layer) == ("label-mismatch", "data")
    assert found.evidence.startswith("the loss is ")
    assert found.evidence.endswith("; labels (8,), answers (8, 1)")
    assert "and the same where the answers change places" in found.evidence
    wide = np.random.default_rng(0)
    wide = np.asarray(np.ones((8, 1)) + wide.normal(0, 1.0, (8, 1)), "float32")
    said = float(found.evidence.split()[3].rstrip(","))
    assert said == pytest.approx(spread_out(N)(wide), rel=1e-4)


def refuses(p):
    raise ValueError("shapes")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (head(spread_out(N), N, np.ones((8, 1))), True),
        (head(spread_out(N), N, np.ones((9, 1))), True),  # the last batch may be larger
        (head(one_by_one(N), N, np.ones((8, 1))), False),
        (head(spread_out(N), N, np.ones((8, 1)), kind="meansquarederror"), False),
        (head(None, N, np.ones((8, 1))), False),
        (head(spread_out(N[:4]), N[:4], np.ones((4, 1))), True),
        (head(spread_out(N[:3]), N[:3], np.ones((4, 1))), False),
        (head(spread_out(N[:3]), N[:3], np.ones((3, 1))), False),
        (head(spread_out(np.ones(8)), np.ones(8), np.ones((8, 1))), False),
        (head(refuses, N, np.ones((8, 1))), False),
        (head(lambda p: math.nan, N, np.ones((8, 1))), False),
        (head(lambda p: math.inf, N, np.ones((8, 1))), False),
        (head(lambda p: 3.0, N, np.ones((8, 1))), True),
        (head(spread_out(N % 2), N % 2, np.ones((8, 1))), True),
    ],
)
def test_a_loss_ignores_the_pairing_where_it_is_the_same_for_answers_exchanged(given, found):
    assert bool(_gradients.paired(given)) == found


@pytest.mark.parametrize(("first", "second", "found"), [
    (1e3, 1e3 + 0.9e-2, True), (1e3, 1e3 + 1.1e-2, False), (1e3, 1e3 - 1.1e-2, False),
    (-1e3, -1e3 - 0.9e-2, True), (-1e3, -1e3 - 1.1e-2, False), (0.0, 0.0, True),
])  # fmt: skip
def test_a_hundred_thousandth_of_a_loss_is_rounding(first, second, found):
    costs = iter([first, second])
    assert bool(_gradients.paired(head(lambda p: next(costs), N, np.ones((8, 1))))) == found


def test_labels_that_are_not_given_pair_with_nothing():
    given = head(spread_out(N), N, np.ones((8, 1)))
    given.some = None
    assert _gradients.paired(given) == [] == _gradients.sign(given, None)


def sign(cost, some, output, kind=""):
    return _gradients.sign(head(cost, some, output, kind), None)


def test_a_loss_that_rewards_wrong_answers_is_named_with_both_costs():
    (found,) = sign(lambda p: -one_by_one(N)(p), N, np.ones((8, 1)) * 9)
    assert (found.code, found.layer, found.fix) == ("loss-sign", "loss", "loss = -loss")
    # Half way round each answer is 4 off.
    assert found.evidence == (
        "the labels as answers cost 0, those of other examples -16; what is right must cost less"
    ).replace("cost 0", "cost -0")


@pytest.mark.parametrize(
    ("cost", "found"),
    [
        (lambda p: -one_by_one(N)(p), True),
        (one_by_one(N), False),
        (lambda p: 3.0, False),
        # The first answer is 0 where the labels are the answers, and 4 where others are.
        (lambda p: 1e3 if p[0, 0] else 1e3 + 0.9e-3, False),
        (lambda p: 1e3 if p[0, 0] else 1e3 + 1.1e-3, True),
        (lambda p: -1e3 if p[0, 0] else -1e3 + 0.9e-3, False),
        (lambda p: -1e3 if p[0, 0] else -1e3 + 1.1e-3, True),
        (lambda p: math.nan, False),
        (lambda p: -math.inf if p[0, 0] else 1.0, False),
        (lambda p: 1.0 if p[0, 0] else math.inf, False),
        (refuses, False),
        (None, False),
    ],
)
def test_a_loss_has_the_wrong_sign_where_the_labels_cost_more_than_others(cost, found):
    assert bool(sign(cost, N, np.ones((8, 1)) * 9)) == found
    assert sign(cost, N, np.ones((8, 1)) * 9, kind="meansquarederror") == []


def test_labels_that_are_all_the_same_have_no_wrong_answer():
    assert sign(lambda p: -float(p[0, 0]), np.ones(8), np.ones((8, 1)) * 9) == []
    assert sign(lambda p: -float(p[0, 0]), [1.0], np.ones((1, 1)) * 9) == []


def answers(y, output):
    found = _gradients._answers(head(None, np.asarray(y), np.asarray(output, float)))
    return None if found is None else found.tolist()


def test_labels_take_the_form_of_the_answers():
    assert answers([0, 3], [[5], [-5]]) == [[0], [3]]
    assert answers([[0], [3]], [[5], [-5]]) == [[0], [3]]
    assert answers([True, False], [[5], [-5]]) == [[1], [0]]
    # What is a probability is not quite sure.
    assert answers([0, 1], [[0.0], [1.0]]) == pytest.approx(np.array([[0.01], [0.99]]))
    assert answers([0, 1], [[0.0], [1.1]]) == [[0], [1]] == answers([0, 1], [[-0.1], [1.0]])
    # Class numbers are columns: of probabilities where the outputs sum to 1, else of scores.
    third = np.full((2, 3), 1 / 3)
    assert answers([0, 2], third) == pytest.approx(
        np.array([[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3], [0.1 / 3, 0.1 / 3, 0.9 + 0.1 / 3]])
    )
    assert answers([0, 2], np.eye(3)[:2])[0] == pytest.approx([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    assert answers([0, 2], third + 0.01) == [[5, 0, 0], [0, 0, 5]]
    assert answers([0, 2], third + np.array([-0.4, 0.2, 0.2])) == [[5, 0, 0], [0, 0, 5]]
    assert answers([[0], [2]], third * 9) == [[5, 0, 0], [0, 0, 5]]
    assert answers([0.0, 2.0], third * 9) == [[5, 0, 0], [0, 0, 5]]
    steps = answers([[0, 1], [2, 2]], np.ones((2, 2, 3)))
    assert np.argmax(steps, axis=-1).tolist() == [[0, 1], [2, 2]]
    # Fewer labels than rows: those of the glance.
    assert answers([0, 3], [[5], [-5], [1]]) == [[0], [3]]


@pytest.mark.parametrize(
    ("y", "output"),
    [
        (["a", "b"], [[5], [-5]]),
        ([0, 3], np.ones((2, 3))),
        ([-1, 0], np.ones((2, 3))),
        ([0.5, 0], np.ones((2, 3))),
        ([[0, 1], [1, 1]], np.ones((2, 3))),
        ([1j, 0], [[5], [-5]]),
    ],
)
def test_labels_that_have_no_such_form_are_not_asked_for(y, output):
    assert answers(y, output) is None
