"""How far back a gradient reaches, and where attention looks: on arrays written down."""

from __future__ import annotations

import types

import numpy as np
import pytest

from livegrad.doctor import _sequences
from livegrad.doctor._examples import related
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass
from livegrad.doctor._keras.words import WORDS
from livegrad.signals import GRADIENT_BOUNDS

(LOW, HIGH), (LOW_SGD, HIGH_SGD) = GRADIENT_BOUNDS["Adam"], GRADIENT_BOUNDS["SGD"]


def noise(n=64, steps=8, width=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, steps, width))


def falling(x, *sizes):
    """A gradient of these sizes, step by step."""
    return np.ones_like(x) * np.array(sizes)[:, None]


def recurrent(x, gradient, name="cells", kind="recurrent", type="LSTM"):
    return Call(Layer(name, kind, type), [x], x[:, -1], [], True, gradients=[gradient])


def judged(*calls, x=None, y=None, adaptive=True, layers=()):
    rows = np.arange(64) % 2 if y is None else y
    probe = types.SimpleNamespace(
        x=[noise()] if x is None else x,
        optimizer=Optimizer("Adam", adaptive, 0.1),
        layers=list(layers),
        words=WORDS,
    )
    head = Output("output", "sigmoid", "binarycrossentropy", False, None, rows, rows, some=rows)
    return _sequences.memory(probe, Pass(list(calls), [], 1.0, []), [head])


# Too large ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("adaptive", "high"), [(True, HIGH), (False, HIGH_SGD)])
@pytest.mark.parametrize(("times", "found"), [(0.99, False), (1.01, True), (1e6, True)])
def test_a_gradient_may_grow_backwards_up_to_the_products_bound(adaptive, high, times, found):
    x = noise()
    ratio = high * times
    sizes = np.geomspace(ratio, 1, 8)
    said = judged(recurrent(x, falling(x, *sizes)), adaptive=adaptive)
    assert [(one.code, one.layer) for one in said] == [("exploding-gradient", "cells")] * found
    if found:
        assert said[0].evidence == (
            f"the gradient at the first of 8 steps is {ratio:.3g} times that at the last, above "
            f"{high:g}"
        )


def test_what_is_largest_in_the_later_half_does_not_grow_backwards():
    x = noise()
    large = 10 * HIGH
    assert judged(recurrent(x, falling(x, large, 1, 1, 2 * large, 1, 1, 1, 1)))
    assert not judged(recurrent(x, falling(x, large, 1, 1, 1, 2 * large, 1, 1, 1)))
    # Behind the last word of a mask there is no gradient at all.
    assert not judged(recurrent(x, falling(x, large, 1, 1, 1, 1, 1, 1, 0)))


def test_the_size_of_a_step_is_over_examples_and_entries():
    x = noise(2, 3, 2)
    gradient = np.zeros((2, 3, 2))
    gradient[0, 0, 1], gradient[1, 2, 0], gradient[:, 1] = 6 * HIGH, 3.0, 1.0
    (found,) = judged(recurrent(x, gradient), y=np.arange(2))
    assert f" is {2 * HIGH:.3g} times that at the last" in found.evidence
    gradient[1, 2] = 6.0  # two entries, together larger by the root of 2
    assert judged(recurrent(x, gradient), y=np.arange(2)) == []


@pytest.mark.parametrize(
    "call",
    [
        recurrent(noise(steps=2), falling(noise(steps=2), 1e9, 1)),
        recurrent(noise(), falling(noise(), *[1e9] * 4, 1, 1, 1, 1), kind="dense"),
        recurrent(noise(), None),
        recurrent(noise(), np.zeros((64, 8, 3))),
        recurrent(noise()[..., None], np.ones((64, 8, 3, 1))),
        Call(Layer("cells", "recurrent"), [], None, [], True, gradients=[noise()]),
        Call(Layer("cells", "recurrent"), [noise()], None, [], True),
    ],
)
def test_what_is_no_sequence_of_three_steps_is_not_judged(call):
    assert judged(call) == []


def test_the_first_layer_that_is_at_fault_is_named():
    x = noise()
    calls = [recurrent(x, falling(x, *[1] * 8), "well"),
             recurrent(x, falling(x, *[9e9] * 4, *[1] * 4), "first"),
             recurrent(x, falling(x, *[9e9] * 4, *[1] * 4), "second")]  # fmt: skip
    # What comes before and is not judged does not hide it.
    before = [recurrent(x, None, kind="dense"), recurrent(x, None), recurrent(x, np.zeros_like(x)),
              recurrent(x[:, :2], falling(x[:, :2], 1, 1))]  # fmt: skip
    assert [found.layer for found in judged(*before, *calls)] == ["first"]


def test_recurrent_layers_are_advised_by_their_type():
    x = noise()
    gradient = falling(x, *np.geomspace(1e9, 1, 8))
    (found,) = judged(recurrent(x, gradient, type="SimpleRNN"))
    assert 'recurrent_initializer="orthogonal"' in found.fix
    (found,) = judged(recurrent(x, gradient, type="GRU"))
    assert found.fix.startswith("x = x[:, ::k]")


# Padding --------------------------------------------------------------------------------------


def padded(short=64, by=5, steps=8, value=0.0):
    """So many of 64 examples end in so many steps of one vector."""
    x = noise(steps=steps)
    x[:short, steps - by :] = value
    return x


def left(x, by, share):
    """A gradient of 1 at the last step, and of this share before the padding."""
    steps = x.shape[1]
    return falling(x, *[share] * (steps - by), *[share] * (by - 1), 1.0)


@pytest.mark.parametrize(("adaptive", "low"), [(True, LOW), (False, LOW_SGD)])
@pytest.mark.parametrize(("times", "found"), [(0.99, True), (1.01, False)])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_padding_at_the_end_is_named_by_the_gradient_that_is_left(
    adaptive, low, times, found, value
):
    x = padded(value=value)
    said = judged(recurrent(x, left(x, 5, low * times)), adaptive=adaptive)
    assert [(one.code, one.layer) for one in said] == [("ignored-mask", "cells")] * found
    if found:
        assert said[0].evidence == (
            "5 steps of padding follow the last word, in the middle; the gradient that is left "
            f"there is {low * times:.2g} of that at the end, below {low:g}"
        )
        assert "mask_zero=True" in said[0].fix


@pytest.mark.parametrize(("short", "found"), [(64, True), (32, True), (31, False), (0, False)])
def test_padding_is_a_fault_where_half_of_the_examples_are_shorter(short, found):
    x = padded(short)
    assert bool(judged(recurrent(x, left(x, 5, LOW / 10)))) == found


def test_a_last_step_alone_is_no_padding_and_a_step_of_the_same_value_earlier_is_none():
    x = padded(by=1)
    assert judged(recurrent(x, left(x, 1, LOW / 10))) == []
    x = padded(by=2)
    (found,) = judged(recurrent(x, left(x, 2, LOW / 10)))
    assert found.evidence.startswith("2 steps of padding")
    x = noise()
    x[:, 5] = x[:, 7] = 0
    assert judged(recurrent(x, falling(x, *[LOW / 10] * 7, 1))) == []
    x[:, 6] = 0
    (found,) = judged(recurrent(x, falling(x, *[LOW / 10] * 7, 1)))
    assert found.evidence.startswith("3 steps of padding")


def test_padding_of_unlike_lengths_is_told_by_its_median():
    x = noise()
    for at in range(64):
        x[at, 3 + at % 3 :] = 0
    (found,) = judged(recurrent(x, falling(x, *[LOW / 10] * 7, 1)))
    assert found.evidence.startswith("4 steps of padding")


def test_the_gradient_that_is_left_is_that_at_the_last_word():
    x = padded(by=3)
    assert len(judged(recurrent(x, falling(x, 1, 1, 1, 1, LOW / 10, 1, 1, 1)))) == 1
    assert judged(recurrent(x, falling(x, *[LOW / 10] * 4, 2 * LOW, *[LOW / 10] * 2, 1))) == []


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([], True),
        ([Layer("words", "embedding", masked=True)], False),
        ([Layer("words", "embedding")], True),
        ([Layer("cells", "recurrent", masked=True)], True),
        ([Layer("mask", "passing", "Masking")], False),
    ],
)
def test_padding_that_is_left_out_is_no_fault(layers, found):
    x = padded()
    assert bool(judged(recurrent(x, left(x, 5, LOW / 10)), layers=layers)) == found


# Forgotten ------------------------------------------------------------------------------------


def law(place):
    """A series, and labels that one step alone tells."""
    x = noise(96)
    return x, (x[:, place, 0] > 0).astype(int)


def forgets(x, y, *sizes, **more):
    return judged(recurrent(x, falling(x, *sizes)), x=[x], y=y, **more)


def test_early_steps_that_tell_the_labels_and_get_no_gradient_are_named():
    x, y = law(1)
    (found,) = forgets(x, y, *[LOW / 10] * 5, 1, 1, 2)
    assert (found.code, found.layer) == ("vanishing-gradient", "cells")
    early, late = related([x[:, :5]], y), related([x[:, 5:]], y)
    assert early <= 0.05 < late
    assert found.evidence == (
        f"the gradient at the first of 8 steps is {LOW / 20:.2g} of the largest, below {LOW:g}; "
        f"the 5 steps that it does not reach tell the labels (p {early:.2g}), the others do not "
        f"(p {late:.2g})"
    )


@pytest.mark.parametrize(("place", "found"), [(0, True), (4, True), (5, False), (7, False)])
def test_forgetting_is_a_fault_only_where_the_forgotten_steps_tell(place, found):
    x, y = law(place)
    assert bool(forgets(x, y, *[LOW / 10] * 5, 1, 1, 1)) == found


def test_labels_that_both_or_none_tell_do_not_show_what_is_forgotten():
    x, y = law(0)
    x[:, 7] = x[:, 0]
    assert forgets(x, y, *[LOW / 10] * 5, 1, 1, 1) == []
    assert forgets(x, np.random.default_rng(5).integers(0, 2, 96), *[LOW / 10] * 5, 1, 1, 1) == []


@pytest.mark.parametrize(("times", "found"), [(0.99, True), (1.01, False)])
@pytest.mark.parametrize(("adaptive", "low"), [(True, LOW), (False, LOW_SGD)])
def test_a_gradient_reaches_a_step_from_the_products_bound_on(times, found, adaptive, low):
    x, y = law(1)
    for size in (1e-6, 1.0, 1e6):
        sizes = np.array([*[low * times] * 5, 1, 1, 1]) * size
        assert bool(forgets(x, y, *sizes, adaptive=adaptive)) == found


def test_what_reaches_the_first_step_is_not_forgotten():
    x, y = law(1)
    assert forgets(x, y, 1, *[LOW / 10] * 4, 1, 1, 1) == []


def test_series_that_are_not_one_are_not_asked():
    x, y = law(1)
    call = recurrent(x, falling(x, *[LOW / 10] * 5, 1, 1, 1))
    assert len(judged(call, x=[x], y=y)) == 1
    assert len(judged(call, x=[x, x[:, 0], x[:, 0, 0]], y=y)) == 1
    assert judged(call, x=[x, x], y=y) == judged(call, x=[x[:, :6]], y=y) == []
    few = slice(0, 40)  # too few to tell anything by
    short = recurrent(x[few], falling(x[few], *[LOW / 10] * 5, 1, 1, 1))
    assert judged(short, x=[x[few]], y=y[few]) == []


def test_several_outputs_or_none_do_not_say_what_matters():
    x, y = law(1)
    call = recurrent(x, falling(x, *[LOW / 10] * 5, 1, 1, 1))
    probe = types.SimpleNamespace(
        x=[x], optimizer=Optimizer("Adam", True, 0.1), layers=[], words=WORDS
    )
    head = Output("output", "sigmoid", "binarycrossentropy", False, None, y, y, some=y)
    result = Pass([call], [], 1.0, [])
    assert len(_sequences.memory(probe, result, [head])) == 1
    assert _sequences.memory(probe, result, [head, head]) == []
    head.some = None
    assert _sequences.memory(probe, result, [head]) == _sequences.memory(probe, result, []) == []


# Attention ------------------------------------------------------------------------------------


def looks(scores, kind="attention", own=True, name="look", outputs=()):
    """Judge an attention with these scores, or a call whose output they are."""
    scores = np.asarray(scores, float)
    call = Call(Layer(name, kind), [], scores, [], True, scores=scores if own else None)
    return _sequences.attention(
        types.SimpleNamespace(words=WORDS), Pass([call], list(outputs), 1.0, [])
    )


def shares(largest, keys=8, queries=10, sure=10):
    """Some of the queries give one key the largest share, the others give two keys a half."""
    scores = np.zeros((1, 1, queries, keys))
    scores[..., :2] = 0.5
    scores[:, :, :sure] = (1 - largest) / (keys - 1)
    scores[:, :, :sure, 0] = largest
    return scores


# 4 p (1 - p) is a twentieth at p = (1 + sqrt(0.95)) / 2 = 0.98734.
@pytest.mark.parametrize(("largest", "found"), [(0.9873, False), (0.9874, True), (1.0, True)])
def test_a_query_looks_at_one_key_where_the_slope_is_below_a_twentieth(largest, found):
    said = looks(shares(largest))
    assert [(one.code, one.layer) for one in said] == [("attention", "look")] * found
    if found:
        assert said[0].evidence == "100% of the queries give one of 8 keys nearly all, above 50%"
        assert "keras.ops.sqrt(d)" in said[0].fix


@pytest.mark.parametrize(("sure", "found"), [(5, False), (6, True)])
def test_more_than_half_of_the_queries_must_look_so(sure, found):
    said = looks(shares(1.0, sure=sure))
    assert [one.evidence[:4] for one in said] == ["60% "] * found


@pytest.mark.parametrize(("keys", "found"), [(7, False), (8, True)])
def test_of_few_keys_one_may_be_all(keys, found):
    assert bool(looks(shares(1.0, keys))) == found
    assert bool(looks(np.full((2, 1, 4, keys), 1 / keys))) == found


def test_scores_that_are_all_0_are_named():
    (found,) = looks(np.full((2, 1, 4, 10), 0.1))
    assert found.evidence == "each query gives each of 10 keys the same share, to the last digit"
    nearly = np.full((2, 1, 4, 10), 0.1)
    nearly[0, 0, 0, :2] += [1e-9, -1e-9]
    assert looks(nearly) == []
    # A mask that gives all keys nothing is none of both.
    assert looks(np.zeros((2, 1, 4, 10))) == []


def test_a_softmax_of_ones_own_is_an_attention_too():
    flat = shares(1.0)
    for kind, found in [("activation", 1), ("other", 1), ("dense", 0), ("merging", 0)]:
        assert len(looks(flat, kind, own=False)) == found
    assert looks(flat, "other", own=False)[0].layer == "look"
    # An answer, what does not sum to 1, what is below 0 and what has no places are none.
    call = Call(Layer("end", "activation"), [], flat, [], True)
    probe = types.SimpleNamespace(words=WORDS)
    assert _sequences.attention(probe, Pass([call], [flat], 1.0, [])) == []
    assert looks(flat * 1.01, "other", own=False) == []
    assert looks(flat * 1.0005, "other", own=False) != []
    below = flat.copy()
    below[..., 1:3] += [0.1, -0.1]
    assert looks(below, "other", own=False) == []
    assert looks(flat[0, 0], "other", own=False) == [] != looks(flat[0], "other", own=False)
    assert looks(np.ones((2, 3, 1)), "other", own=False) == []
    none = Call(Layer("none", "other"), [], None, [], True)
    assert _sequences.attention(probe, Pass([none], [], 1.0, [])) == []


@pytest.mark.parametrize("keys", [8, 79, 81, 1000])
def test_many_small_shares_are_not_one_that_is_nearly_all(keys):
    scores = np.random.default_rng(0).uniform(0.9, 1.1, (1, 1, 10, keys))
    assert looks(scores / scores.sum(axis=-1, keepdims=True)) == []


def test_the_first_attention_at_fault_is_named():
    probe = types.SimpleNamespace(words=WORDS)
    calls = [
        Call(Layer(name, "attention"), [], None, [], True, scores=scores)
        for name, scores in [
            *[("few", shares(1.0, keys=7)), ("well", shares(0.5))],
            *[("a", shares(1.0)), ("b", shares(1.0))],
        ]
    ]
    assert [f.layer for f in _sequences.attention(probe, Pass(calls, [], 1.0, []))] == ["a"]


# After the first steps --------------------------------------------------------------------------


def grown(*passes, kind="recurrent"):
    """Judge what passes after each step show; the first is that before all steps."""
    shown = iter(passes)

    class Probe:
        optimizer = Optimizer("Adam", True, 0.1)
        words = WORDS

        def stepper(self):
            return types.SimpleNamespace(step=lambda gradients: None, values=[])

        def run(self, values):
            return next(shown)

    return _sequences.grows(Probe(), next(shown))


def after(ratio, kind="recurrent", last=1.0):
    x = noise()
    call = recurrent(x, falling(x, *np.geomspace(ratio, 1, 8)), kind=kind)
    call.output = call.output * last
    return Pass([call], [], 1.0, [np.ones(1)])


def test_a_layer_that_explodes_in_time_after_some_steps_is_named():
    calm, wild = after(2.0), after(2 * HIGH)
    (found,) = grown(calm, calm, wild)
    assert (found.code, found.layer) == ("exploding-gradient", "cells")
    assert found.evidence.startswith("after 2 steps of this rate the gradient at the first of 8 ")
    (found,) = grown(calm, wild)
    assert found.evidence.startswith("after 1 step of this rate ")
    assert [one.layer for one in grown(calm, after(2.0, last=np.inf))] == ["cells"]


def test_what_does_not_grow_or_is_no_layer_of_steps_is_none():
    calm = after(2.0)
    assert grown(*[calm] * 6) == []
    # Backwards in time it falls.
    assert grown(calm, *[after(1e-9)] * 5) == []
    assert grown(after(2.0, "dense"), after(2 * HIGH, "dense")) == []
    broken = after(2.0)
    broken.weights = [np.array([np.nan])]
    assert grown(calm, broken) == []
