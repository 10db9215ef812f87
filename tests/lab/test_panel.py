"""The panel: its data, its rates, its decisions, and what must never be at an end of a grid."""

from dataclasses import asdict

import numpy as np
import pytest

from livegrad import activations
from livegrad_lab import panel, verdicts
from livegrad_lab.verdicts import Comparison, Setting


@pytest.mark.parametrize("data", panel.DATA)
def test_no_example_is_in_two_parts_and_the_features_are_scaled(data):
    parts = panel.examples(data, 3)
    assert [len(x) for x, _ in parts] == list(panel.SIZES[data])
    rows = [row.tobytes() for x, _ in parts for row in x]
    twins = len(panel.loaded(data)[0]) - len(np.unique(panel.loaded(data)[0], axis=0))
    assert len(rows) - len(set(rows)) <= twins
    x = parts[0][0]
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    assert (x**2).mean() == pytest.approx(1.0)
    assert not np.array_equal(panel.examples(data, 4)[0][0], x)


def test_an_arm_differs_from_its_rival_in_one_thing():
    for one in verdicts.COMPARISONS:
        left, right = asdict(panel.ARMS[one.left]), asdict(panel.ARMS[one.right])
        differ = [name for name in left if left[name] != right[name]]
        if one.right in {"tanh", "sigmoid"} and one.left == "relu":
            # Another activation brings the weights that pair with it.
            pairs = {name: activations.get(name).initializer for name in ("relu", one.right)}
            assert differ == ["activation", "initializer"] and pairs["relu"] == "he_normal"
            assert pairs[one.right].startswith("glorot")
        else:
            assert differ in (["activation"], ["initializer"])


def test_only_the_hidden_layers_have_the_arm_s_weights():
    layer = panel._hidden("zeros", classes=10)
    rng = np.random.default_rng(0)
    assert not layer((64, 16), rng).any() and not layer((16, 16), rng).any()
    assert layer((16, 10), rng).std() == pytest.approx(np.sqrt(2 / 26), rel=0.2)


def test_a_run_counts_right_answers_at_each_rate(monkeypatch):
    monkeypatch.setattr(panel, "EARLY", 2)
    monkeypatch.setattr(panel, "MOST", 12)
    monkeypatch.setattr(panel, "CHUNK", 5)
    found = panel.run("breast cancer", "adam", 3, 16, 0)
    assert found["epochs"] in {7, 12}  # two, then five at a time
    assert list(found["right"]) == list(panel.ARMS)
    table = np.array(list(found["right"].values()))  # (arms, rates, 4)
    assert table.shape == (len(panel.ARMS), 9, 4)
    assert (table[..., ::2] <= 120).all() and (table[..., 1::2] <= 249).all()
    assert table[0, 5, 2] > 108  # ReLU with He's weights, at 0.01, has learned it


def test_the_sigmoid_has_a_grid_of_its_own():
    assert panel.grid("sgd", "relu") == panel.GRIDS["sgd"]
    assert panel.grid("sgd", "sigmoid")[0] == pytest.approx(0.03)
    assert panel.grid("adam", "sigmoid") == panel.GRIDS["adam"]


def made(**arms):
    """Accuracies in one setting: for each arm, its mean at each rate, the same in both parts."""
    noise = np.random.default_rng(1).normal(0, 1e-4, (10, 1))
    table = {name: np.stack([noise + np.array(rates)] * 2) for name, rates in arms.items()}
    return {Setting("digits", "sgd", 3, 16, "early"): table}


GRID = (0.5, 0.6, 0.7, 0.8, 0.7, 0.6, 0.5)


def test_the_best_rate_is_that_of_the_mean_and_of_near_ones_the_middle_one():
    (found,) = made(a=GRID, b=(0.5, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3), c=(0.797, 0.799) + 5 * (0.8,))
    table = made(a=GRID, b=(0.5, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3), c=(0.797, 0.799) + 5 * (0.8,))
    assert verdicts.best_rates(table[found]) == {"a": 3, "b": 1, "c": 3}


def test_a_best_rate_at_an_end_of_its_grid_is_named():
    table = made(
        relu=GRID,
        tanh=(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3),
        sigmoid=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        # Better than naming one class always, by nothing: no rate of it is a best one.
        ELU=(0.13, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
    )
    assert verdicts.edges(table) == [
        "tanh: 0.003 with digits, sgd, 3, 16, early",
        "sigmoid: 30 with digits, sgd, 3, 16, early",
    ]


def test_no_best_rate_of_the_panel_lies_at_an_end_of_its_grid():
    assert verdicts.edges(verdicts.results()[0]) == []


@pytest.mark.parametrize(
    ("relation", "margin", "difference", "outcome"),
    [
        ("above", 0.01, 0.03, "borne out"),
        ("above", 0.01, 0.0, "contradicted"),
        ("above", -0.02, -0.01, "borne out"),
        ("above", -0.02, -0.05, "contradicted"),
        ("equal", 0.02, 0.01, "borne out"),
        ("equal", 0.02, 0.04, "contradicted"),
        ("equal", 0.02, -0.04, "contradicted"),
        ("equal", 0.02, 0.02, "open"),
    ],
)
def test_a_case_is_decided_on_its_side_of_the_margin(relation, margin, difference, outcome):
    one = Comparison("x", "left", relation, "right", margin)
    table = made(left=[rate + difference for rate in GRID], right=GRID)
    (setting,) = table
    noise = np.random.default_rng(2).normal(0, 0.002, 10)
    table[setting]["left"][1] += noise[:, None]
    (found,) = verdicts.decide(table, [one])
    assert found.outcome == outcome


def test_the_largest_p_that_decided_is_that_of_a_decided_case():
    table = made(relu=[rate + 0.03 for rate in GRID], tanh=GRID)
    better = Comparison("x", "relu", "above", "tanh", 0.01)
    worse = Comparison("x", "tanh", "above", "relu", 0.0)
    for one in (better, worse):
        found = verdicts.decide(table, [one])
        assert found[0].outcome != "open"
        assert verdicts.largest_called(found) == 2.0**-10
    assert verdicts.largest_called([]) == 0.0


def test_noise_is_hardly_ever_decided_for_a_difference():
    rng = np.random.default_rng(0)
    one = Comparison("x", "left", "above", "right", 0.0)
    table = {
        Setting("digits", "adam", at, 16, "early"): {
            "left": rng.normal(0.8, 0.02, (2, 10, 1)),
            "right": rng.normal(0.8, 0.02, (2, 10, 1)),
        }
        for at in range(200)
    }
    assert {found.outcome for found in verdicts.decide(table, [one])} == {"open"}


def test_the_correction_is_benjamini_s_and_hochberg_s():
    # Their example of 15 p-values (1995, section 3.2): the four smallest are rejected.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262]
    p += [0.5719, 0.6528, 0.7590, 1.000]
    assert (verdicts.benjamini_hochberg(p) < 0.05).sum() == 4


def test_each_setting_is_asked_for_once():
    todo = panel.settings()
    assert len(todo) == 2 * 3 * 2 * 2 * 10
    assert len({tuple(one.items()) for one in todo}) == len(todo)
