"""The networks that papers train: built as they say, each at its best rate, inside its grid."""

import math

import numpy as np
import pytest
from scipy.special import softmax

from livegrad import MLP
from livegrad_lab import panel, retrained, verdicts
from livegrad_lab.papers import trained
from livegrad_lab.papers.trained import found, learned
from livegrad_lab.retrained import MASKS, PAPERS
from livegrad_lab.verdicts import Setting

RUNS = list(
    zip(
        retrained.settings(),
        verdicts.kept_or_run(retrained.run, retrained.settings()),
        strict=True,
    )
)


def test_all_grids_of_a_paper_are_of_one_length():
    for group in PAPERS.values():
        assert len({len(rates) for _, rates in group.arms.values()}) == 1


def test_each_setting_is_asked_for_once_and_each_depth_by_one_paper():
    todo = retrained.settings()
    assert len({tuple(one.items()) for one in todo}) == len(todo)
    depths = [depth for group in PAPERS.values() for depth in group.depths]
    assert len(set(depths)) == len(depths)


def test_no_best_rate_lies_at_an_end_of_its_grid():
    assert verdicts.edges(trained.measured(), retrained.grid) == []


def test_a_best_rate_at_an_end_of_its_grid_is_named():
    table = trained.measured()
    setting = next(setting for setting in table if setting.depth == 2)
    cut = {arm: accuracies[..., :3] for arm, accuracies in table[setting].items()}
    assert any("dropout: " in one for one in verdicts.edges({setting: cut}, retrained.grid))


def unstable(run, arm):
    """Whether the largest rate is too large: worse than to know nothing."""
    return not run["loss"][arm][-1] < 1.1 * math.log(retrained.CLASSES)


def test_who_never_learns_was_tried_up_to_rates_that_are_too_large():
    for setting, run in RUNS:
        for arm in run["loss"]:
            if not any(learned(setting["paper"], setting["depth"], arm)):
                assert unstable(run, arm), (setting, arm)


def test_a_largest_rate_that_is_not_too_large_is_seen():
    assert not unstable({"loss": {"a": [3.0, 2.0, 2.3]}}, "a")
    assert unstable({"loss": {"a": [2.0, 2.3, 2.6]}}, "a")
    assert unstable({"loss": {"a": [2.0, 2.3, math.inf]}}, "a")


@pytest.mark.parametrize(
    ("before", "after", "over"),
    [
        ((1.0, 1.0), (0.01, 0.96), True),
        ((1.0, 1.0), (0.01, 0.94), False),
        ((2.29, 0.1), (2.29, 0.01), False),  # on its plateau, which it may yet leave
    ],
)
def test_the_end_is_where_nobody_gets_any_further(before, after, over):
    assert retrained.ended(np.array(before), np.array(after)) is over


def test_a_network_starts_as_its_paper_says():
    group = PAPERS["schoenholz-2017"]
    stack = retrained._built(group, 64, 40, 64, seed=1)
    rates = len(group.rates("variance 1.0"))
    for at, variance in ((0, 1.0), (rates, 1.761)):
        assert 64 * stack.weights[5][at].var() == pytest.approx(variance, rel=0.1)
        biases = [offsets[at] for offsets in stack.biases[:-1]]
        assert np.var(biases) == pytest.approx(0.05, rel=0.1)
        assert not stack.biases[-1][at].any()
    assert not any(
        offsets.any() for offsets in retrained._built(PAPERS["he-2015"], 64, 22, 64, 0).biases
    )


def test_the_arms_of_a_paper_differ_in_one_thing():
    for group in PAPERS.values():
        arms = [arm for arm, _ in group.arms.values()]
        activations = {arm.activation for arm in arms}
        assert len(activations) == 1 and {arm.clip for arm in arms} == {math.inf}
        assert len({arm.initializer for arm in arms}) == len(arms)


def test_averages_over_masks_are_those_of_the_network_with_dropout():
    group = PAPERS["srivastava-2014"]
    stack = retrained._built(group, 64, 2, 64, seed=0)
    x, y = panel.examples("digits", 0)[1]
    counts = retrained._averaged(stack, x[:50], y[:50], seed=0)
    assert counts.shape == (len(MASKS), len(group.rates("dropout")))
    net = MLP([64, 64, 64, 10], "relu", "he_normal", "multiclass", 0.5, rng=0)
    pairs = zip(stack.weights, stack.biases, strict=True)
    net.set_weights([array for w, b in pairs for array in (w[0], b[0, 0])])
    drawn = [softmax(net.forward(x[:50], training=True).logits, axis=1) for _ in range(MASKS[-1])]
    averages = [np.mean(drawn[:count], axis=0) for count in MASKS]  # (50, classes) each
    right = [int((average.argmax(axis=1) == y[:50]).sum()) for average in averages]
    assert counts[:, 0].tolist() == right and len(set(right)) > 1


def test_what_is_found_is_measured_on_test_images_at_the_rate_that_validation_chose():
    table = trained.measured()[Setting("digits", "sgd", 5, 32, "early")]
    one = found("glorot-2010", 5, "orthogonal", "early")
    at = PAPERS["glorot-2010"].rates("orthogonal").index(one.rate)
    assert at == verdicts.best_rates(table)["orthogonal"]
    assert one.accuracies == tuple(table["orthogonal"][1][:, at])
    assert len(one.accuracies) == retrained.SEEDS


def test_a_network_has_learned_from_three_times_chance_on(monkeypatch):
    table = {Setting("digits", "sgd", 5, 32, "early"): {"orthogonal": np.full((2, 2, 6), 0.31)}}
    table[Setting("digits", "sgd", 5, 32, "early")]["orthogonal"][1, 1] = 0.29
    monkeypatch.setattr(trained, "measured", lambda: table)
    assert learned("glorot-2010", 5, "orthogonal", "early") == [1.0, 0.0]
