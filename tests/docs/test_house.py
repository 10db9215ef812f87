"""The rooms of the house: who may import whom, and nobody in a circle."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
# What each room of the small package may use of it; the laboratory and the machinery may use all.
ALLOWED = {
    "_checks": set(),
    "_svg": {"_checks"},
    "activations": {"_checks"},
    "initializers": {"_checks"},
    "dropout": {"_checks"},
    "outputs": {"_checks"},
    "optimizers": {"_checks"},
    "network": {"_checks", "activations", "initializers", "dropout", "outputs", "optimizers"},
    "blocks": {"_checks", "activations", "initializers", "outputs", "optimizers", "network"},
    "attention": {"_checks", "blocks"},
    "signals": {"_checks", "activations", "network", "optimizers"},
    "figures": {"_checks", "_svg", "activations", "network", "signals"},
    "doctor": {"_checks", "activations", "figures", "initializers", "signals"},
    "__main__": set(),
    "__init__": {
        "activations",
        "initializers",
        "dropout",
        "outputs",
        "optimizers",
        "network",
        "blocks",
        "attention",
        "signals",
    },
}


def name_of(path, sources=SOURCES):
    return ".".join(path.relative_to(sources).with_suffix("").parts).removesuffix(".__init__")


def imports(path, names):
    """The modules of both packages that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & names
        elif isinstance(node, ast.ImportFrom):
            parts = {f"{node.module}.{name.name}" for name in node.names} & names
            found |= parts or {node.module} & names
    return found


def graph(sources=SOURCES):
    paths = {name_of(path, sources): path for path in sorted(sources.glob("livegrad*/**/*.py"))}
    return {name: imports(path, set(paths)) for name, path in paths.items()}


GRAPH = graph()


def room(name):
    return name.split(".")[1] if "." in name else "__init__"


@pytest.mark.parametrize("name", [name for name in GRAPH if name.startswith("livegrad.")])
def test_a_room_uses_what_it_may(name):
    own = room(name)
    used = {room(other) for other in GRAPH[name] if other.startswith("livegrad.")}
    assert used - {own} <= ALLOWED[own] - {"__init__"}


PACKAGES = ("livegrad", "livegrad_lab", "livegrad_site")


def package(name):
    return name.split(".")[0]


def test_no_package_knows_one_that_uses_it():
    used = {(a, b) for a, found in GRAPH.items() for b in found}
    places = {name: at for at, name in enumerate(PACKAGES)}
    assert [(a, b) for a, b in used if places[package(a)] < places[package(b)]] == []
    # Where the small package needs its own face, it would wait for itself.
    assert [(a, b) for a, b in used if b == "livegrad" == package(a)] == []


MACHINERY = ["read", "run", "check", "show", "bind"]


@pytest.mark.parametrize("name", [name for name in GRAPH if name.startswith("livegrad_site.")])
def test_a_room_of_the_machinery_uses_those_before_it(name):
    if name == "livegrad_site.events":
        return  # which has the order of all
    used = {room(other) for other in GRAPH[name] if other.startswith("livegrad_site.")}
    own = MACHINERY.index(room(name)) if room(name) in MACHINERY else len(MACHINERY)
    assert used - {room(name), "__init__"} <= set(MACHINERY[:own])


def test_the_machinery_meets_the_builder_in_one_place():
    found = (path for path in (SOURCES / "livegrad_site").rglob("*.py") if path.stem != "events")
    assert [path for path in found if re.search(r"^def on_\w+\(", path.read_text(), re.M)] == []


def test_nobody_imports_in_a_circle():
    assert list(TopologicalSorter(GRAPH).static_order())


def test_a_circle_would_be_found(tmp_path):
    for name, text in {
        "a": "from livegrad import b",
        "b": "def f():\n    import livegrad.a",
    }.items():
        (tmp_path / "livegrad").mkdir(exist_ok=True)
        (tmp_path / "livegrad" / f"{name}.py").write_text(text)
    with pytest.raises(CycleError):
        list(TopologicalSorter(graph(tmp_path)).static_order())


def test_each_room_is_in_the_table():
    assert {room(name) for name in GRAPH if name.startswith("livegrad.")} == set(ALLOWED) - {
        "__init__"
    }
