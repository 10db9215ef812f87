"""What one sees of a fault is what ``fit`` shows, and a symptom is shown by what its rule says."""

import math
import re

import numpy as np
import pytest

from livegrad.doctor import PAGES
from livegrad_lab import sweep, watched
from livegrad_lab.faults import CASES
from livegrad_lab.symptoms import SYMPTOMS, index, seen
from livegrad_lab.watched import run, settings

TITLES = [symptom.title for symptom in SYMPTOMS]


@pytest.fixture(scope="module")
def rows():
    names = [setting["name"] for setting in settings()]
    return dict(zip(names, sweep(run, settings()), strict=True))


def test_validation_is_on_the_training_examples():
    import keras

    row = run("dropout on the output", seed=1)
    keras.utils.set_random_seed(1)
    patient = CASES["dropout on the output"].build(False)
    patient.model.fit(
        patient.x, patient.y, epochs=patient.epochs, batch_size=patient.batch, verbose=0
    )
    loss = patient.model.evaluate(patient.x, patient.y, verbose=0)
    assert row["validation"] == pytest.approx(loss, rel=1e-3)
    assert row["losses"][-1] > 1.25 * loss  # with the mask that validation is without
    assert len(row["losses"]) == patient.epochs and len(row["right"]) == 1 + watched.LOOKS
    assert row["right"][-1] == pytest.approx(patient.score(), rel=1e-3)


def row(losses=(1.0, 0.1), **more):
    given = {"error": "", "losses": list(losses), "validation": 0.1, "metric": None}
    return given | {"most": 0.5, "right": [0.5, 0.99, 0.99], "alike": False} | more


NEAR = {
    "The loss is NaN": (row([1.0, math.inf]), row([1.0, 0.1])),
    "Training stops with an error": (row([], error="ValueError", right=[]), row()),
    "The loss stays at 0.69": (row([0.7, 0.6949]), row([0.7, 0.6951])),
    "The loss does not fall": (row([1.0, 0.951], validation=0.951), row([1.0, 0.949])),
    "Accuracy stays at chance": (row(right=[0.9, 0.52, 0.5]), row(right=[0.5, 0.53, 0.5])),
    "Accuracy is high from the start": (
        row(most=0.95, right=[0.9, 0.95]),
        row(most=0.94, right=[0.9, 0.94]),
    ),
    "All answers are the same": (row(alike=True), row(alike=False)),
    "The loss jumps or grows": (row([1.0, 0.4, 0.81, 0.1]), row([1.0, 0.4, 0.79, 0.1])),
    "The loss is negative": (row([1.0, -0.1]), row([1.0, 0.0])),
    "The loss is huge": (row([1001.0, 0.1]), row([999.0, 0.1])),
    "Validation is better than training": (row(validation=0.079), row(validation=0.081)),
    "Validation is worse on the same examples": (row(validation=0.126), row(validation=0.124)),
    "Accuracy is 0, or too low, though the loss falls": (row(metric=0.78), row(metric=0.8)),
    "It learns, and not far": (row(right=[0.5, 0.83]), row(right=[0.5, 0.84])),
}


@pytest.mark.parametrize("title", TITLES)
def test_a_symptom_is_shown_up_to_its_bound_and_not_beyond(title):
    shows, shows_not = NEAR[title]
    assert title in seen(shows) and title not in seen(shows_not)


def test_a_healthy_run_shows_none():
    assert seen(row()) == []


def test_each_code_of_the_doctor_stands_in_the_index_with_its_page(rows):
    text = index(rows)
    lines = re.findall(r"^\| (.+?) \| `([a-z-]+)` \| .* \| \[.*\]\(\.\./(.*)\.md\) \|$", text, re.M)
    assert {code for _, code, _ in lines} == set(PAGES)
    assert {name for name, _, _ in lines} == {name for name, case in CASES.items() if case.code}
    for name, code, page in lines:
        assert CASES[name].code == code and PAGES[code] == page
    # A code without a planted fault would be missing.
    less = {name: one for name, one in rows.items() if CASES[name].code != "attention"}
    with pytest.raises(KeyError):
        index(less)


def test_a_fault_stands_under_what_its_run_shows_and_nowhere_else(rows):
    parts = re.split(r"^## ", index(rows), flags=re.MULTILINE)[1:]
    titles = [part.splitlines()[0] for part in parts]
    assert titles == [*TITLES, "Nothing is to be seen"]
    for title, part in zip(titles, parts, strict=True):
        for name, case in CASES.items():
            said = [title] if title in seen(rows[name]) else []
            if case.code and not seen(rows[name]) and title == titles[-1]:
                said = [title]
            assert bool(said) == (f"| {name} |" in part or f"*{name}*" in part), (title, name)


def test_what_is_typed_for_a_symptom_is_typed_for_no_other():
    typed = [words for symptom in SYMPTOMS for words in symptom.typed]
    assert len(set(typed)) == len(typed)


@pytest.mark.parametrize("name", ["SGD's rate too high", "a weight is NaN"])
def test_what_is_not_finite_is_no_accuracy(rows, name):
    assert not np.isfinite(rows[name]["losses"]).all()
    assert "Accuracy stays at chance" not in seen(rows[name])
