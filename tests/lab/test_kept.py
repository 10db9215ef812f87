"""Results that are kept: of this code, as written, and what the experiments give again."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from livegrad_lab import catalogue, closure, kept, retrained, sweep
from livegrad_lab.papers import tables
from livegrad_lab.reproduction import Outcome
from livegrad_lab.trainability import Network
from livegrad_site.check import turns

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "_kept"
# Of 26 runs another arithmetic leaves 0.73 to 1 of the numbers, most where rates are too large.
MOST = 0.7


def parts(function):
    """How many parts the runs are in, of which this commit has one; a release has them all."""
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        return 1
    path = kept.path_of(function, FOLDER)
    return catalogue.parts(kept.read(path)) if path.exists() else 10


@pytest.mark.parametrize("function", catalogue.EXPERIMENTS, ids=kept.name_of)
def test_a_record_is_of_this_code_and_of_all_runs(function):
    record = kept.read(kept.path_of(function, FOLDER))
    assert record.code == closure.of(function), "nox -s experiments -- --changed"
    settings = [kept.setting(setting) for setting in catalogue.EXPERIMENTS[function]]
    assert list(record.runs) == settings
    assert record.seconds > 0 and len(record.on) == 10


def test_there_is_no_record_that_nobody_asks_for():
    names = {f"{kept.name_of(function)}.json" for function in catalogue.EXPERIMENTS}
    assert {path.name for path in FOLDER.iterdir()} == names


def again(function, setting, folder=FOLDER):
    """Whether a run gives what its record says.

    With other versions, or where a processor rounds in another way, a training at a rate that is
    almost too large ends elsewhere: there most of it is about the same.
    """
    record = kept.read(kept.path_of(function, folder))
    found, _ = catalogue.timed(kept.name_of(function), setting)
    written = record.runs[kept.setting(setting)]
    if record.versions == catalogue.machine():
        return kept.agree(written, found, 1e-6)
    return share(written, found) > MOST


def share(one, other):
    """The share of the numbers of two records of one form that differ by a tenth at the most."""
    pairs = list(zip(numbers(one), numbers(other), strict=True))
    near = [math.isclose(left, right, rel_tol=0.1, abs_tol=1e-12) for left, right in pairs]
    return sum(near) / max(len(near), 1)


def numbers(packed):
    """All numbers of what a run gave, in order; not the names of its parts."""
    if isinstance(packed, dict):
        packed = list(packed.values())
    if isinstance(packed, list):
        return [one for part in packed for one in numbers(part)]
    return [packed] if isinstance(packed, int | float) else []


@pytest.mark.parametrize(
    ("function", "setting"),
    catalogue.drawn(turns.commit(ROOT), parts),
    ids=lambda one: kept.setting(one) if isinstance(one, dict) else kept.name_of(one),
)
def test_a_run_gives_what_was_kept(function, setting):
    with catalogue.nothing_but_taken(function, FOLDER):
        assert again(function, setting)


def test_an_experiment_finds_the_records_that_it_is_built_on_and_no_other(monkeypatch):
    monkeypatch.setenv("LIVEGRAD_RECORDS", "before")
    monkeypatch.delenv("LIVEGRAD_CACHE", raising=False)
    for function, names in [
        (tables.checked, [f"{kept.name_of(retrained.run)}.json"]),
        (double, []),
    ]:
        with catalogue.nothing_but_taken(function, FOLDER):
            assert os.listdir(os.environ["LIVEGRAD_RECORDS"]) == names
            assert os.environ["LIVEGRAD_CACHE"] == ""
        assert os.environ["LIVEGRAD_RECORDS"] == "before" and "LIVEGRAD_CACHE" not in os.environ
    order = list(catalogue.EXPERIMENTS)
    assert order.index(retrained.run) < order.index(tables.checked)


def test_as_many_names_in_a_row_as_there_are_parts_draw_all_runs():
    drawn = [
        (kept.name_of(function), kept.setting(setting))
        for at in range(10)
        for function, setting in catalogue.drawn(f"{16 + at:x}", lambda function: 10)
    ]
    everything = {
        (kept.name_of(function), kept.setting(setting))
        for function, settings in catalogue.EXPERIMENTS.items()
        for setting in settings
    }
    assert len(drawn) == len(everything) and set(drawn) == everything


def test_a_part_is_a_tenth_or_of_twenty_seconds():
    sizes = {seconds: kept.Record("", {}, "", seconds, ()) for seconds in (1.0, 200.0, 1000.0)}
    assert {at: catalogue.parts(one) for at, one in sizes.items()} == {
        1.0: 10,
        200.0: 10,
        1000.0: 50,
    }


def double(number):
    return {"twice": 2.0 * number}


def record_of(function, **runs):
    return kept.Record(closure.of(function), runs, "2026-01-02", 0.5, ("x86_64", "numpy 2"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIVEGRAD_RECORDS", str(tmp_path))
    monkeypatch.setenv("LIVEGRAD_CACHE", "")
    return tmp_path


def test_a_sweep_takes_what_is_kept_and_runs_the_rest(folder):
    # Not what it would give: so it is seen where it comes from.
    kept.write(
        kept.path_of(double, folder),
        record_of(double, **{kept.setting({"number": 1}): kept.packed({"twice": 7.0})}),
    )
    settings = [{"number": 2}, {"number": 1}, {"number": 3}]
    assert sweep(double, settings, n_jobs=1) == [{"twice": 4.0}, {"twice": 7.0}, {"twice": 6.0}]


def test_a_record_of_other_code_is_not_used(folder):
    record = record_of(double, **{kept.setting({"number": 1}): kept.packed({"twice": 7.0})})
    other = kept.Record("0" * 64, record.runs, record.on, record.seconds, record.versions)
    kept.write(kept.path_of(double, folder), other)
    assert sweep(double, [{"number": 1}], n_jobs=1) == [{"twice": 2.0}]


def test_without_the_folder_s_name_nothing_is_taken(folder, monkeypatch):
    record = record_of(double, **{kept.setting({"number": 1}): kept.packed({"twice": 7.0})})
    kept.write(kept.path_of(double, folder), record)
    monkeypatch.delenv("LIVEGRAD_RECORDS")
    assert sweep(double, [{"number": 1}], n_jobs=1) == [{"twice": 2.0}]


@pytest.mark.parametrize("function", catalogue.EXPERIMENTS, ids=kept.name_of)
def test_a_digit_that_was_changed_is_caught(function, tmp_path):
    text = kept.path_of(function, FOLDER).read_text("utf-8")
    head, mark, runs = text.partition('"runs"')
    # The seventeenth digit of a number may be of no consequence.
    tried = (
        runs[:at] + ("1" if runs[at] != "1" else "2") + runs[at + 1 :]
        for at in range(len(runs) - 1, 0, -1)
        if runs[at].isdigit()
    )
    before = json.loads(head + mark + runs)
    changed = next(other for other in tried if json.loads(head + mark + other) != before)
    path = tmp_path / "record.json"
    path.write_text(head + mark + changed)
    with pytest.raises(ValueError, match=r"^record.json is not as it was written: nox -s exper"):
        kept.read(path)


def test_a_digit_that_was_changed_with_its_digest_is_caught_by_running_it(tmp_path, monkeypatch):
    function = next(one for one in catalogue.EXPERIMENTS if one.__module__.endswith("tables"))
    record = kept.read(kept.path_of(function, FOLDER))
    setting = {"key": next(iter(json.loads(name)["key"] for name in record.runs))}
    monkeypatch.setenv("LIVEGRAD_RECORDS", "")
    monkeypatch.setenv("LIVEGRAD_CACHE", "")
    assert again(function, setting)
    runs = json.loads(json.dumps(record.runs))
    (numbers,) = runs[kept.setting(setting)]["fields"].values()
    numbers["tuple"][0] *= 1.2
    other = kept.Record(record.code, runs, record.on, record.seconds, record.versions)
    kept.write(kept.path_of(function, tmp_path), other)
    assert not again(function, setting, tmp_path)


@dataclass
class Stranger:
    one: int


def test_what_is_packed_comes_back_as_it_was():
    network = Network("relu", 2, "all", 1.0, "SGD", 0, 1e-300, float("inf"), (0.1, 0.2), (0.3,))
    for value in [
        {1: {"a": [1.5, None, True, "x"]}, ("a", 2): (1, (2.0,))},
        network,
        [Outcome((0.1, 1 / 3))],
        {"float": "a", "is": "b"},
        [],
        None,
    ]:
        written = json.loads(json.dumps(kept.packed(value), allow_nan=False))
        assert kept.unpacked(written) == value
    assert str(kept.unpacked(kept.packed(float("nan")))) == "nan"


def test_what_has_no_form_is_an_error():
    with pytest.raises(TypeError, match=r"^value must be numbers, texts, .* got object$"):
        kept.packed([object()])
    with pytest.raises(ValueError, match=r"^value must be of this package, got 'os:system'$"):
        kept.unpacked({"is": "os:system", "fields": {}})


def test_agreement_sees_each_part():
    one = kept.packed({"a": (1.0, 2.0), "b": "x"})
    assert kept.agree(one, json.loads(json.dumps(one)), 0.0)
    for pair, letter in [((1.0, 2.1), "x"), ((1.0, 2.0), "y"), ((1.0,), "x")]:
        other = {"a": pair, "b": letter}
        assert not kept.agree(one, kept.packed(other), 1e-3)
    assert not kept.agree(1.0, "1.0", 0.5) and not kept.agree([1], {"tuple": [1]}, 0.5)


def test_on_another_machine_most_has_to_be_about_the_same():
    one = kept.packed({"a": (1.0, 2.0), "b": [3.0, "x", 5]})
    assert share(one, one) == 1
    assert share(one, kept.packed({"a": (1.0, 2.1), "b": [3.0, "x", 5]})) == 1
    assert share(one, kept.packed({"a": (1.0, 2.5), "b": [3.0, "y", 7]})) == 0.5
    with pytest.raises(ValueError, match="zip"):
        share(one, kept.packed({"a": (1.0,), "b": [3.0, "x", 5]}))
