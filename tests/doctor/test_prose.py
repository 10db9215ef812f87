"""No rule goes by what is written for the reader: with other words the same is found."""

from __future__ import annotations

import ast
import pathlib

import keras
import pytest

import livegrad.doctor
from livegrad.doctor import CODES, PAGES, Finding, examine
from livegrad.doctor._report import WHAT
from livegrad_lab.faults import CASES
from livegrad_site.check import turns

HOME = pathlib.Path(livegrad.doctor.__file__).parent
ROOT = HOME.parents[2]
DOCS = ROOT / "docs"
PROSE = ("evidence", "why", "fix")
# Their passes are the longest, and nothing is found in them.
SLOW = {"fifty ReLU layers, he_normal", "residual blocks with layer normalisation"}
# Where a finding takes over what another one says.
TAKEN_OVER = {("_signals", "product"), ("_learning", "_breaks"), ("_sequences", "grows")}


@pytest.fixture
def mute(monkeypatch):
    """Let each finding say "x", whatever it is given to say."""
    real = Finding.__init__
    names = list(Finding.__dataclass_fields__)

    def init(self, *args, **kwargs):
        given = dict(zip(names, args, strict=False)) | kwargs
        real(self, **given | dict.fromkeys(PROSE, "x"))

    monkeypatch.setattr(Finding, "__init__", init)


# A tenth at each commit, by turns; all when the doctor was changed, and before a release.
NAMES = [name for name in CASES if name not in SLOW]
CHANGED = any(name.startswith("src/livegrad/doctor/") for name in turns.changed(ROOT))
TURN = turns.taken(NAMES, turns.commit(ROOT), NAMES if CHANGED else (), 10)


@pytest.mark.parametrize("name", TURN)
def test_with_other_words_the_same_is_found(name, mute):
    case = CASES[name]
    patient = case.build(False)
    given = {"batch_size": patient.batch, "epochs": patient.epochs}
    found = examine(patient.model, patient.x, patient.y, **given).findings
    expected = [(case.code, case.layer)] if case.code else []
    assert [(one.code, one.layer) for one in found] == expected
    assert {one.why for one in found} <= {"x"}
    keras.backend.clear_session()


def tree(name):
    return ast.parse((HOME / f"{name}.py").read_text("utf-8"))


def rooms():
    """The judge and the modules that it takes its rules from."""
    judge = tree("_judge")
    taken = [node for node in ast.walk(judge) if isinstance(node, ast.ImportFrom)]
    names = {name.name for node in taken if node.module == "livegrad.doctor" for name in node.names}
    assert len(names) > 9
    return {"_judge": judge} | {name: tree(name) for name in names}


def test_no_rule_reads_what_a_finding_says():
    read = set()
    for module, rules in rooms().items():
        for function in ast.walk(rules):
            if isinstance(function, ast.FunctionDef):
                read |= {
                    (module, function.name)
                    for node in ast.walk(function)
                    if isinstance(node, ast.Attribute) and node.attr in PROSE
                }
    assert read == TAKEN_OVER


def made(call):
    """Return the codes that a call of Finding may be given, as far as they are written down."""
    code = call.args[0]
    kinds = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
    return {kind.value for kind in kinds if isinstance(kind, ast.Constant)}


def test_each_code_is_written_by_a_rule_and_each_that_is_written_is_a_code():
    written = {
        code
        for rules in rooms().values()
        for node in ast.walk(rules)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
        for code in made(node)
    }
    # Those of the products are put together from two words.
    products = {
        f"{way}-{of}" for way in ("vanishing", "exploding") for of in ("gradient", "signal")
    }
    assert written | products == set(CODES) and written <= set(CODES)


def test_each_code_has_its_lesson_and_says_what_was_measured():
    assert list(WHAT) == list(PAGES) == list(CODES)
    assert all((DOCS / f"{page}.md").is_file() for page in PAGES.values())
    assert len(set(WHAT.values())) == len(CODES)
    assert all(what == what.strip() and not what.endswith(".") for what in WHAT.values())
