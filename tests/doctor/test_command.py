"""How a report is shown: as text, as JSON, and with colours on a terminal, letter by letter."""

import io
import json
import math
import re
import sys
import warnings
import zipfile

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from livegrad.doctor import PAGES, _command, schema
from livegrad.doctor._report import Examination, Finding, LayerGain

DEAD = Finding("dead-units", "hidden_1", "12 of 32 units are dead", "They learn nothing.", "a = 1")
LONG = Finding("frozen", "model", "word " * 20 + "end", "why " * 25 + "end", "b = 2")
LAYERS = (LayerGain("hidden_1", "relu", 0.5, math.inf),)


def report(*findings, unjudged=()):
    return Examination(findings, unjudged, LAYERS, 0.25, math.nan, math.inf)


def test_a_report_as_text():
    assert str(report()) == "healthy: nothing found that holds training back."
    dead = (
        "dead-units at hidden_1\n  12 of 32 units are dead\n  They learn nothing.\n"
        "  fix:  a = 1\n  page: activations/relu"
    )
    one = "Training is held back by 1 fault: dead-units at hidden_1."
    assert str(report(DEAD)) == f"{one}\n{dead}"
    lines = str(report(DEAD, LONG, unjudged=("a", "b"))).splitlines()
    two = "Training is held back by 2 faults: dead-units at hidden_1 and frozen at model."
    assert lines[0] == two and lines[-2:] == ["not judged: a", "not judged: b"]
    words = [line for line in lines if "word" in line or "why" in line]
    assert len(words) == 4 and all(line[:2] == "  " and line[2] != " " for line in words)
    assert {len(line) > 79 for line in words[::2]} == {True} and max(map(len, lines)) <= 88
    wide = Finding("frozen", "model", "x" * 86, "y" * 43 + " " + "z" * 42, "")
    assert str(wide).splitlines()[1:3] == [f"  {wide.evidence}", f"  {wide.why}"]
    wider = Finding("frozen", "model", "x " + "x" * 85, "y " + "z" * 85, "")
    assert [len(line) for line in str(wider).splitlines()[1:5]] == [3, 87, 3, 87]


METRIC = Finding("metric-mismatch", "output", "e", "w", "f")


@pytest.mark.parametrize(
    ("findings", "unjudged", "said"),
    [
        ((), (), "healthy: nothing found that holds training back."),
        ((), ("a",), "healthy: nothing found that holds training back; 1 thing was not judged."),
        ((), "ab", "healthy: nothing found that holds training back; 2 things were not judged."),
        ((DEAD,), ("a",), "Training is held back by 1 fault: dead-units at hidden_1."),
        (
            (LONG, DEAD, LONG, DEAD),
            (),
            "Training is held back by 4 faults: frozen at model, dead-units at hidden_1, frozen at "
            "model and dead-units at hidden_1.",
        ),
        (
            (LONG, DEAD, LONG, DEAD, DEAD),
            (),
            "Training is held back by 5 faults: frozen at model, dead-units at hidden_1, frozen at "
            "model and 2 more.",
        ),
        (
            (METRIC,),
            (),
            "Training is not held back, but the number shown misleads: metric-mismatch at output.",
        ),
        (
            (DEAD, METRIC),
            (),
            "Training is held back by 1 fault: dead-units at hidden_1; the number shown misleads "
            "too: metric-mismatch at output.",
        ),
    ],
)
def test_a_report_begins_with_one_sentence(findings, unjudged, said):
    shown = report(*findings, unjudged=tuple(unjudged))
    assert shown.conclusion == said == str(shown).splitlines()[0]
    assert shown.to_dict()["conclusion"] == said


def test_a_report_as_json(capsys):
    _command._show(report(DEAD, unjudged=("a",)), as_json=True)
    said = capsys.readouterr().out
    assert json.loads(said) == {
        "version": 1,
        "healthy": False,
        "conclusion": "Training is held back by 1 fault: dead-units at hidden_1.",
        "findings": [
            {
                "code": "dead-units",
                "layer": "hidden_1",
                "evidence": "12 of 32 units are dead",
                "why": "They learn nothing.",
                "fix": "a = 1",
                "page": "activations/relu",
            }
        ],
        "unjudged": ["a"],
        "layers": [{"layer": "hidden_1", "activation": "relu", "gain": 0.5, "signal_gain": "inf"}],
        "gain": 0.25,
        "signal_gain": "nan",
        "loss": "inf",
    }
    assert said.startswith('{\n  "version": 1,\n  "healthy": false,\n')


SOME = [
    report(),
    report(DEAD, LONG, METRIC, unjudged=("a", "b")),
    Examination((DEAD,), (), (), math.nan, -math.inf, 0.5),
]


@pytest.mark.parametrize("shown", SOME)
def test_what_json_holds_is_what_the_schema_says(shown):
    given = schema()
    jsonschema.Draft202012Validator.check_schema(given)
    plain = json.loads(json.dumps(shown.to_dict(), allow_nan=False))
    jsonschema.validate(plain, given, jsonschema.Draft202012Validator)
    assert set(plain) == set(given["properties"]) == set(given["required"])
    for part, name in (("finding", "findings"), ("layer", "layers")):
        told = given["$defs"][part]
        assert set(told["required"]) == set(told["properties"])
        assert all(set(one) == set(told["properties"]) for one in plain[name])
    for code, page in PAGES.items():
        parts = given["$defs"]["finding"]["properties"]
        assert re.search(parts["code"]["pattern"], code)
        assert re.search(parts["page"]["pattern"], page)


@pytest.mark.parametrize(
    "change",
    [
        *[{"version": 2}, {"healthy": True}, {"loss": None}, {"gain": "NaN"}, {"conclusion": ""}],
        *[{"findings": []}, {"findings": [{"code": "frozen"}]}, {"unjudged": [""]}],
        {"layers": [{"layer": "a"}]},
    ],
)
def test_what_the_schema_does_not_say_is_caught(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report(DEAD).to_dict() | change, schema())


HELP = """\
usage: python -m livegrad examine [-h] [--json] [--html FILE] [--rows N] [--batch-size N]
                                  [--epochs N] [--loss NAME] [--optimizer NAME] [--rate RATE]
                                  [--trust]
                                  model [data]

positional arguments:
  model             a compiled model, saved as .keras; a program that torch.export.save wrote, as
                    .pt2; or module:function, imported from this folder, which returns (model, x,
                    y) or a dict of arguments of livegrad.doctor.examine
  data              an .npz with the arrays x and y, or x0, x1, ... and y0, y1, ... of several;
                    none with module:function

options:
  -h, --help        show this help message and exit
  --json            print JSON
  --html FILE       write the report as a page too
  --rows N          examples to measure on, 256 without it
  --batch-size N    examples a step
  --epochs N        of the training
  --loss NAME       of torch.nn, such as CrossEntropyLoss
  --optimizer NAME  of torch.optim, such as Adam
  --rate RATE       the optimizer's learning rate
  --trust           run code that is in the model's file: in Lambda layers, and in .pt2, .pt,
                    .pth, .pkl, .pickle, .h5, .hdf5, which are opened with it alone
"""
TOP = """\
usage: python -m livegrad [-h] {examine} ...

Why deep networks train or fail to train.

positional arguments:
  {examine}
    examine   examine a model on a sample of its data

options:
  -h, --help  show this help message and exit
"""


@pytest.mark.parametrize(("arguments", "said"), [(["examine"], HELP), ([], TOP)])
def test_the_help_says_what_is_wanted(monkeypatch, capsys, arguments, said):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as end:
        _command.main([*arguments, "--help"])
    assert end.value.code == 0 and capsys.readouterr().out == said


@pytest.mark.parametrize(("findings", "status"), [((), 0), ((DEAD,), 1)])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_given_is_examined_and_shown(monkeypatch, tmp_path, as_json, findings, status):
    seen = []
    monkeypatch.setattr(
        _command, "_examination", lambda given: seen.append(given) or report(*findings)
    )
    monkeypatch.setattr(_command, "_show", lambda shown, as_json: seen.append((shown, as_json)))
    page = tmp_path / "page.html"
    more = ["--json", "--html", str(page)] if as_json else []
    assert _command.main(["examine", "m.keras", "d.npz", *more]) == status
    given, shown = seen
    assert (given.model, str(given.data), given.rows) == ("m.keras", "d.npz", None)
    assert shown == (report(*findings), as_json)
    if as_json:
        assert page.read_text("utf-8") == report(*findings).to_html()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("\n  first \nsecond"), "livegrad: first\n"),
        (KeyError(), "livegrad: KeyError\n"),
        (
            ModuleNotFoundError("No module named 'keras'"),
            "livegrad: No module named 'keras'; the doctor needs: pip install 'livegrad[keras]'\n",
        ),
    ],
)
def test_an_error_is_one_line(monkeypatch, capsys, error, said):
    def fails(*_):
        raise error

    monkeypatch.setattr(_command, "_examination", fails)
    assert _command.main(["examine", "m.keras", "d.npz"]) == 2
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ([], {}),
        (
            ["--rows", "7", "--batch-size", "8", "--epochs", "9"],
            {"rows": 7, "batch_size": 8, "epochs": 9},
        ),
    ],
)
def test_the_model_the_data_and_the_numbers_are_handed_on(monkeypatch, more, named):
    monkeypatch.setattr(_command, "_data", lambda path: (f"x of {path}", f"y of {path}"))
    monkeypatch.setattr(_command, "_model", lambda path, trust: f"model of {path}, {trust}")
    monkeypatch.setattr("livegrad.doctor.examine", lambda *given, **more: (*given, more))
    given = _command._parser().parse_args(["examine", "m", "d", *more])
    assert _command._examination(given) == ("model of m, False", "x of d", "y of d", named)


def test_numbers_of_the_command_come_before_those_of_a_function(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = {"model": 1, "x": 2, "rows": 5, "epochs": 6}
    monkeypatch.setattr(_command, "_made", lambda spec: dict(made))
    monkeypatch.setattr("livegrad.doctor.examine", lambda *given, **more: (*given, more))
    given = _command._parser().parse_args(["examine", "a.b:c", "--rows", "7"])
    assert _command._examination(given) == (1, 2, None, {"rows": 7, "epochs": 6})


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_a_terminal(monkeypatch, shown, colours):
    screen = Terminal()
    made = Console(file=screen, force_terminal=True, width=40, color_system=colours)
    monkeypatch.setattr("rich.console.Console", lambda: made)
    monkeypatch.setattr("sys.stdout", screen)
    _command._show(shown, as_json=False)
    return screen.getvalue()


def test_a_report_on_a_terminal(monkeypatch):
    text = on_a_terminal(monkeypatch, report(DEAD, unjudged=("a", "b")), None)
    width = 36
    lines = ["12 of 32 units are dead", "They learn nothing.", "", "fix   a = 1"]
    lines += ["page  activations/relu"]
    box = [f"╭─ dead-units at hidden_1 {'─' * 13}╮"]
    box += [f"│ {line:{width}} │" for line in lines]
    box += [f"╰{'─' * 38}╯"]
    said = ["Training is held back by 1 fault: ", "dead-units at hidden_1."]
    assert text.splitlines() == [*said, *box, "not judged: a", "not judged: b"]
    assert on_a_terminal(monkeypatch, report(), None) == (
        "healthy: nothing found that holds \ntraining back.\n"
    )


@pytest.mark.parametrize(
    ("shown", "styled"),
    [
        (report(), "\x1b[32mhealthy: nothing found that holds "),
        (report(DEAD), "\x1b[1mTraining is held back by 1 fault: "),
        (report(DEAD), "\x1b[1;31m dead-units at hidden_1 \x1b[0m"),
        (report(DEAD), "\x1b[1ma = 1\x1b[0m"),
        (report(DEAD), "\x1b[2mpage  activations/relu\x1b[0m"),
        (report(unjudged=("a",)), "\x1b[2mnot judged: a\x1b[0m"),
    ],
)
def test_a_report_on_a_terminal_has_colours(monkeypatch, shown, styled):
    assert styled in on_a_terminal(monkeypatch, shown, "standard")


def test_without_rich_a_terminal_shows_the_text(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    _command._show(report(DEAD), as_json=False)
    assert screen.getvalue() == f"{report(DEAD)}\n"


def zipped(path, kind=zipfile.ZipFile):
    with kind(path, "w") as file:
        file.writestr("a", "b")
    return path


def test_a_model_is_loaded_in_safe_mode(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "keras.saving.load_model", lambda path, **how: calls.append((path, how)) or "model"
    )
    path = zipped(tmp_path / "m.keras")
    assert _command._model(path) == "model" == _command._model(path, trust=True)
    assert calls == [(path, {"safe_mode": True}), (path, {"safe_mode": False})]


def test_a_model_that_cannot_be_loaded_is_named_with_the_reason(tmp_path, monkeypatch):
    def fails(*_, **__):
        warnings.warn("old", stacklevel=1)
        raise KeyError() from ValueError("more")

    monkeypatch.setattr("keras.saving.load_model", fails)
    path = zipped(tmp_path / "m.keras")
    other, broken = tmp_path / "m.h5", tmp_path / "b.keras"
    other.write_text("x")
    broken.write_text("x")
    for wrong, said in [
        (tmp_path / "gone.keras", "no such file"),
        (
            other,
            "opening a .h5 file runs code that is in it: add --trust if you know where it comes "
            "from",
        ),
        (broken, "broken, not a .keras file"),
        (path, "could not be loaded: KeyError"),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(f'{wrong}: {said}')}$"):
            _command._model(wrong)


@pytest.mark.parametrize(
    ("arrays", "x", "y"),
    [
        ({"x": [1], "y": [2]}, [1], [2]),
        ({"x1": [3], "x0": [1], "x10": [4], "y": [2], "z": [0]}, [[1], [3], [4]], [2]),
        ({"x": [1], "x0": [5], "y0": [2], "y1": [3]}, [1], [[2], [3]]),
    ],
)
def test_the_arrays_of_a_file_are_the_data(tmp_path, arrays, x, y):
    np.savez(tmp_path / "d.npz", **{name: np.array(value) for name, value in arrays.items()})
    found = _command._data(tmp_path / "d.npz")
    assert [np.asarray(part).tolist() for part in found] == [x, y]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "must hold an array x, got nothing"),
        ({"x": [1], "b": [2]}, "must hold an array y, got x, b"),
        ({"xa": [1], "y": [2]}, "must hold an array x, got xa, y"),
        (
            {"x": [None], "y": [2]},
            "x must hold numbers, got pickled objects, which are not opened",
        ),
    ],
)
def test_a_file_without_the_data_is_named(tmp_path, arrays, said):
    path = tmp_path / "d.npz"
    np.savez(path, **{name: np.array(value) for name, value in arrays.items()})
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {said}')}$"):
        _command._data(path)


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_what_is_no_file_of_arrays_is_named(tmp_path, content):
    path = tmp_path / "d.npz"
    if content is not None:
        path.write_bytes(content)
    said = "no such file" if content is None else "broken, not an .npz file"
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {said}')}$"):
        _command._data(path)
    single = tmp_path / "one.npy"
    np.save(single, np.ones(2))
    with pytest.raises(ValueError, match=r"must be an \.npz file, .* got \.npy$"):
        _command._data(single)
    renamed = single.rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"broken, not an \.npz file$"):
        _command._data(renamed)
