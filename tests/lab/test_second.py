"""The second set has its own record, names its codes as the doctor does, and counts as it says."""

import dataclasses
import types

import pytest

from livegrad import doctor
from livegrad_lab import closure
from livegrad_lab.world import EXAMPLES
from livegrad_lab.world.second import SECOND, check, counted, each, run_second, table, verdict
from livegrad_lab.world.second.case import Second, faulty

CASE = Second("a", "b", lambda mended: None, "c", "frozen", ("head", "model"), ("cut-gradient",))


def test_the_first_set_does_not_depend_on_the_second():
    reached = closure.reached("from livegrad_lab.world.score import run_example")
    assert not [path for path in reached if "second" in path.parts]
    own = closure.reached("from livegrad_lab.world.second.score import run_second")
    assert {path.name for path in own if "second" in path.parts} >= {"modules.py", "working.py"}


def test_no_case_is_in_the_first_set():
    assert not {*SECOND} & {*EXAMPLES}
    first = {example.source for example in EXAMPLES.values()}
    assert not {case.source for case in SECOND.values()} & first


def test_codes_are_the_doctors():
    assert {code for case in SECOND.values() for code in case.codes} <= {*doctor.PAGES}
    assert all(case.code != other for case in SECOND.values() for other in case.also)
    assert not [case for case in SECOND.values() if case.codes and not case.fault]


def test_two_thirds_are_of_keras():
    ill = [case for case in SECOND.values() if case.fault]
    well = [case for case in SECOND.values() if not case.fault]
    assert len(ill) >= 40 and len(well) >= 30
    for some in (ill, well):
        assert 0.55 < sum(not case.torch for case in some) / len(some) < 0.75


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([("frozen", "head")], "hit"),
        ([("cut-gradient", "model")], "hit"),
        ([("batch-size", "data"), ("frozen", "head")], "hit"),
        ([("frozen", "body")], "half"),
        ([("batch-size", "head")], "miss"),
        ([], "miss"),
    ],
)
def test_a_hit_has_its_code_and_its_place(found, said):
    assert verdict(CASE, {"found": found}) == said


def test_any_place_will_do_where_none_is_said():
    assert verdict(dataclasses.replace(CASE, places=()), {"found": [("frozen", "x")]}) == "hit"


def test_a_healthy_model_is_calm_without_a_finding():
    well = dataclasses.replace(CASE, fault="", code="", also=(), places=())
    assert verdict(well, {"found": []}) == "calm"
    assert verdict(well, {"found": [("frozen", "head")]}) == "alarm"


def test_counts_are_of_what_was_looked_at():
    ill = next(name for name, case in SECOND.items() if case.code == "wrong-axis")
    well = [name for name, case in SECOND.items() if not case.fault][:2]
    rows = {
        ill: {"found": [("precision", "data"), ("wrong-axis", "loss")]},
        well[0]: {"found": []},
        well[1]: {"found": [("precision", "data")]},
    }
    count = counted(rows)
    assert count["hit"] == (1, 1) and count["half"] == count["miss"] == (0, 1)
    assert count["the case's own code is the first finding"] == (0, 1)
    assert count["other findings in faulty models"] == (1, 1)
    assert count["healthy models with an alarm"] == (1, 2)
    assert "| hit | 1 of 1: 100% [" in table(rows)
    assert "| hit | `precision` at data, `wrong-axis` at loss |" in each(rows)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="name must be new"):
        faulty(next(iter(SECOND)), "a", "frozen", source="b")(lambda mended: None)


@pytest.mark.parametrize("name", ["line of seven points with a ReLU at its end"])
def test_a_fault_shows_and_its_fix_cures_it(name):
    before, after, _ = check.checked(SECOND[name])
    assert check.shown(SECOND[name], before, after)
    # A fix that mends nothing is seen.
    assert not check.shown(SECOND[name], before, before)
    assert not check.shown(SECOND[name], after, after)


@pytest.mark.parametrize("name", ["straightforward regression, labels with one axis"])
def test_a_module_of_pytorch_shows_it_too(name):
    pytest.importorskip("torch", reason="needs livegrad[torch]")
    before, after, _ = check.checked(SECOND[name])
    assert check.shown(SECOND[name], before, after)


@pytest.mark.parametrize("name", ["straightforward regression, labels with one axis"])
def test_a_module_is_examined_with_its_loss_and_its_optimizer(name, monkeypatch):
    pytest.importorskip("torch", reason="needs livegrad[torch]")
    asked = looked_at(monkeypatch)
    assert run_second(name) == {"found": [], "unjudged": 0}
    assert {*asked} == {"batch_size", "epochs", "loss", "optimizer"}


def test_a_model_of_keras_is_examined_with_its_plan(monkeypatch):
    asked = looked_at(monkeypatch)
    row = run_second("line of seven points with a ReLU at its end")
    assert row == {"found": [], "unjudged": 0}
    assert asked == {"batch_size": 7, "epochs": 500}


def looked_at(monkeypatch):
    """Have a doctor that finds nothing, and return what it is asked with."""
    asked = {}

    def examine(model, x, y, **plan):
        asked.update(plan)
        return types.SimpleNamespace(findings=[], unjudged=[])

    monkeypatch.setattr(doctor, "examine", examine)
    return asked
