"""The panel of practices: its networks, its rates, and what is recorded of a run."""

from dataclasses import asdict

import numpy as np
import pytest

from livegrad_lab import panel, practices, verdicts
from livegrad_lab.blocks import Network
from livegrad_lab.verdicts import Comparison, Setting


def test_a_network_differs_from_the_first_of_its_group_in_one_thing():
    for group in practices.GROUPS.values():
        first, *others = group.networks.values()
        assert first == Network()
        for one in others:
            differ = {name for name, value in asdict(one).items() if value != asdict(first)[name]}
            # Clipping is for large weights, scaling for rounded numbers: their pairs differ in one.
            assert len(differ) == 1 or differ in ({"gain", "clip"}, {"precision", "scale"})


def test_no_name_is_in_two_groups():
    names = [name for group in practices.GROUPS.values() for name in group.networks]
    assert len(names) == len(set(names)) == 33


def test_rates_are_shifted_for_weights_of_another_size():
    assert practices.grid("sgd", "plain") == practices.GRIDS["sgd"]
    ratio = np.divide(practices.grid("adam", "batch norm, a tenth"), practices.GRIDS["adam"])
    np.testing.assert_allclose(ratio, 0.3)
    assert practices.SHIFTS.keys() <= {n for g in practices.GROUPS.values() for n in g.networks}


def test_no_best_rate_lies_at_an_end_of_its_grid():
    table, _ = verdicts.results(practices)
    assert verdicts.edges(table, practices.grid) == []


def test_each_setting_is_asked_for_once():
    todo = practices.settings()
    assert len({tuple(one.items()) for one in todo}) == len(todo)
    assert len(todo) == 6 * 24 * 10 + 2 * 6 * 10


def test_a_run_says_how_many_are_right_and_how_sure_it_is():
    setting = {"group": "large batch", "data": "breast cancer", "optimizer": "adam"}
    found = practices.run(**setting, depth=3, width=16, seed=1)
    right = np.array(found["right"]["large batch"])
    assert right.shape == (len(practices.GRIDS["adam"]), 4)
    sizes = np.array(panel.SIZES["breast cancer"][1:] * 2)
    assert (right <= sizes).all() and right[3:7, 3].min() > 0.9 * sizes[1]
    sure = np.array(found["sure"]["large batch"])
    assert sure.shape == (len(right), 2) and ((sure >= 0.5) & (sure <= 1)).all()


def test_a_record_that_has_all_runs_is_read_and_one_that_has_not_is_not(monkeypatch):
    def given(function, settings):
        return ["run anew"] * len(settings)

    monkeypatch.setattr(verdicts, "sweep", given)
    todo = practices.settings()[:2]
    assert [one["epochs"] for one in verdicts.kept_or_run(practices.run, todo)] == [60, 60]
    other = [*todo, todo[0] | {"seed": 99}]
    assert verdicts.kept_or_run(practices.run, other) == ["run anew"] * 3


def made(**arms):
    """What was measured in one setting, alike for all seeds but for a little noise."""
    noise = np.random.default_rng(1).normal(0, 1e-4, (10, 1))
    table = {name: np.stack([noise + np.array(row) for row in rows]) for name, rows in arms.items()}
    return {Setting("digits", "sgd", 3, 16, "early"): table}


def test_an_arm_may_be_asked_at_the_rate_of_another():
    rates = (0.5, 0.6, 0.8, 0.7, 0.5)
    small = (0.5, 0.8, 0.6, 0.5, 0.5)
    table = made(large=[rates, rates, rates], small=[small, small, small])
    one = Comparison("x", "large", "above", "large", 0.01, rate_of="small")
    (found,) = verdicts.decide(table, [one])
    assert found.differences.mean() == pytest.approx(0.2)
    assert found.outcome == "borne out"


def test_calibration_is_compared_by_the_gap():
    rates = (0.5, 0.8, 0.5)
    table = made(plain=[rates, rates, (0.3, 0.2, 0.3)], smoothed=[rates, rates, (0.3, 0.05, 0.3)])
    one = Comparison("x", "plain", "above", "smoothed", 0.01, quantity="calibration gap")
    (found,) = verdicts.decide(table, [one])
    assert found.differences.mean() == pytest.approx(0.15)


def test_a_comparison_is_made_only_where_both_arms_are():
    table = made(plain=[(0.1, 0.2, 0.1)] * 2)
    assert verdicts.decide(table, [Comparison("x", "plain", "above", "absent", 0.01)]) == []
