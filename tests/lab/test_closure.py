"""A result is kept as long as nothing changes that its code can reach, and no longer."""

import ast
from pathlib import Path

import pytest

from livegrad_lab import closure, faults
from livegrad_lab.papers import tables


@pytest.fixture
def sources(tmp_path):
    files = {
        "livegrad/__init__.py": "from livegrad import core\n",
        "livegrad/core.py": '"""Text."""\nx = 1\n',
        "livegrad/drawn.py": "x = 1\n",
        "livegrad/deep/__init__.py": "",
        "livegrad/deep/inner.py": "def late():\n    from livegrad_lab import far\n",
        "livegrad_lab/__init__.py": "",
        "livegrad_lab/far.py": "x = 1\n",
        "livegrad_lab/ring.py": "from livegrad_lab import ring\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


CORE = {"livegrad/core.py"}
FACE = {"livegrad/__init__.py"}
LAB = {"livegrad_lab/__init__.py"}
DEEP = {"livegrad/deep/__init__.py", "livegrad/deep/inner.py"}
ALL = {*FACE, *CORE, *DEEP, *LAB, "livegrad/drawn.py", "livegrad_lab/far.py"}


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import numpy", set()),
        ("import livegradual", set()),
        ("from livegrad import core", CORE),
        ("from livegrad.core import x", CORE),
        ("import livegrad.core as c", CORE),
        ("from livegrad import x", {*FACE, *CORE}),
        ("import livegrad as lg\nfrom livegrad import x", ALL),
        ("from livegrad import drawn", {"livegrad/drawn.py"}),
        ("def f():\n    from livegrad.drawn import x", {"livegrad/drawn.py"}),
        ("import livegrad.deep as d", {"livegrad/deep/__init__.py"}),
        ("from livegrad.deep import inner", {*DEEP, *LAB, "livegrad_lab/far.py"}),
        ("from livegrad_lab.ring import x", {*LAB, "livegrad_lab/ring.py"}),
        ("from livegrad_lab.gone import x", LAB),
        ("import livegrad as lg", ALL),
        ("import livegrad.core", ALL),
    ],
)
def test_what_the_code_imports_and_what_that_imports_counts(sources, code, files):
    found = closure.reached(code, sources)
    assert {path.relative_to(sources).as_posix() for path in found} == files


@pytest.mark.parametrize(
    ("file", "text", "counts"),
    [
        ("livegrad/core.py", '"""Text."""\nx = 2\n', True),
        ("livegrad/core.py", '"""Other."""\n\n# why\nx = 1\n', False),
        ("livegrad/core.py", '"""Text."""\nx = 1\nimport livegrad.drawn\n', True),
        ("livegrad/drawn.py", "x = 2\n", False),
        ("livegrad/core/__init__.py", "", True),
    ],
)
def test_the_digest_is_of_what_is_reached_and_of_its_meaning(sources, file, text, counts):
    before = closure.digest("from livegrad import core", sources)
    (sources / file).parent.mkdir(exist_ok=True)
    (sources / file).write_text(text)
    assert (closure.digest("from livegrad import core", sources) != before) == counts


def test_code_that_reads_a_docstring_depends_on_its_letters(sources):
    code = "from livegrad import core; core.__doc__"
    before = closure.digest(code, sources)
    (sources / "livegrad" / "core.py").write_text('"""Other."""\nx = 1\n')
    assert closure.digest(code, sources) != before


def test_no_source_imports_what_its_text_does_not_name():
    """The closure reads ``import`` statements.

    Other ways are the face's two late modules, the module that a reader names to the command, and
    the commands that a verb names in a shell.
    """
    known = (("livegrad", "__init__.py"), ("livegrad", "__main__.py"), ("doctor", "_command.py"))
    rooms = (closure.SOURCES / room for room in closure.ROOMS)
    for path in (path for room in rooms for path in room.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "__doc__" not in text or path.name == "closure.py", path
        other = {"import_module", "__import__", "from ."} & {
            word for word in ("import_module", "__import__", "from .") if word in text
        }
        assert not other or path.parts[-2:] in known, path


def test_no_module_of_the_small_package_changes_another_as_it_is_imported():
    """The closure leaves out the face, and all that it imports beside what is asked for."""
    changed = []
    for path in sorted((closure.SOURCES / closure.FACE).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        brought = [one for one in tree.body if isinstance(one, ast.ImportFrom | ast.Import)]
        own = [one for one in brought if "livegrad" in ast.unparse(one)]
        names = {name.asname or name.name for one in own for name in one.names}
        for line in tree.body:
            if isinstance(line, ast.Expr | ast.AugAssign | ast.Delete):
                roots = [line]
            else:
                roots = line.targets if isinstance(line, ast.Assign) else []
                roots = [one for one in roots if not isinstance(one, ast.Name)]
            used = {node.id for root in roots for node in ast.walk(root) if hasattr(node, "id")}
            changed += [f"{path.name}:{line.lineno}"] if used & names else []
    assert changed == []


@pytest.fixture
def reached(monkeypatch):
    """What a function's digest is made of: the files, by name."""
    plain, seen = closure.digest, []

    def digest(code, sources=closure.SOURCES):
        seen.extend(path.relative_to(sources).as_posix() for path in closure.reached(code))
        return plain(code, sources)

    monkeypatch.setattr(closure, "digest", digest)

    def of(function):
        seen.clear()
        closure.of(function)
        return set(seen)

    return of


def test_a_cached_function_reaches_no_more_than_the_function(reached):
    # As a function that cannot be read it would reach all.
    assert reached(tables.checked) == reached(tables.checked.__wrapped__)
    assert "livegrad_lab/papers/records.py" in reached(tables.checked)
    assert "livegrad_lab/watched.py" not in reached(tables.checked)


def test_a_function_reaches_what_its_package_fills_a_table_with(reached):
    # Its own file names none of the modules whose cases it looks up.
    own = {path.name for path in Path(faults.__file__).parent.glob("*.py")}
    assert {f"livegrad_lab/faults/{name}" for name in own} <= reached(faults.run_case)
