"""What all tests share: quiet TensorFlow, and a count at the end of what was verified."""

import functools
import importlib.util
import os
import re
from pathlib import Path

import pytest

from livegrad_site.run import machine

ROOT = Path(__file__).resolve().parent
os.environ.update(machine.environment())
os.environ.setdefault("LIVEGRAD_CACHE", str(ROOT / ".cache" / "sweeps"))
os.environ.setdefault("LIVEGRAD_RECORDS", str(ROOT / "docs" / "_kept"))
# The build runs the notebooks; the page that introduces them is one of the pages.
collect_ignore_glob = ["docs/experiments/*.py"]
# Frameworks that the lock leaves to sessions of their own; their probes have no docstring examples.
for framework, probe in (("torch", "_torch"), ("flax", "_jax")):
    if importlib.util.find_spec(framework) is None:
        collect_ignore_glob.append(f"src/livegrad/doctor/{probe}/*.py")


# Why a block was not run, where PyTorch is not installed.
LEFT = "left to nox -s torch"


def pytest_configure(config):
    config.addinivalue_line("markers", "tensorflow: what runs TensorFlow or Keras")
    config.addinivalue_line("markers", "torch: a block that runs PyTorch")


def pytest_itemcollected(item):
    """A block is compared with its page's record; what runs a framework is marked."""
    if {"keras", "tf"} & set(getattr(item, "fixturenames", ())):
        item.add_marker("tensorflow")
    if item.path.suffix == ".md":
        if re.search(r"^\s*(?:import|from) (?:keras|tensorflow)\b", item.obj.code, re.MULTILINE):
            item.add_marker("tensorflow")
        if item.obj.importorskip:
            item.add_marker(item.obj.importorskip)
        item.runtest = functools.partial(compare, item.path, item.obj.lineno)


def compare(path, line):
    """Compare a page's block, which opens in this line, with what it gives."""
    from livegrad_site.check import checked
    from livegrad_site.read import fences
    from livegrad_site.run import blocks

    text = path.read_text("utf-8")
    if importlib.util.find_spec("torch") is None and line in {f.first for f in fences.torch(text)}:
        pytest.skip(LEFT)
    fault = checked.compared(text, *blocks.one(text, line))
    blocks.backing(text)  # which the site's build would otherwise have to run
    if fault:
        raise AssertionError(f"{os.path.relpath(path)}:{fault.line}: {fault}")


def pytest_collection_modifyitems(items):
    """The pages run first, the longest at first: the site is then built from their records."""
    notebooks = ROOT / "tests" / "docs" / "test_notebooks.py"
    places = [ROOT / "docs" / "experiments", notebooks, ROOT / "docs", ROOT / "tests" / "site"]

    def at(item):
        around = {item.path, *item.path.parents}
        return next((n for n, place in enumerate(places) if place in around), len(places))

    items.sort(key=at)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def verified(passed):
    """Count what the passed tests, given as their node identifiers, bear witness of."""
    from livegrad_site.read import fences

    blocks = [name for name in passed if name.partition("::")[0].endswith(".md")]
    pages = {name.partition("::")[0] for name in blocks}
    texts = [(ROOT / page).read_text("utf-8") for page in pages]
    outputs = sum(fence.is_output for text in texts for fence in fences.find(text))
    return {
        "pages with code": len(pages),
        "blocks": len(blocks),
        "outputs compared": outputs,
        "figures and tables compared": sum(len(fences.results(text)) for text in texts),
        "notebooks": sum("test_a_notebook_shows" in name for name in passed),
        "docstring examples": sum(name.startswith("src/") for name in passed),
        "browser checks": sum(name.startswith("tests/site/test_browser") for name in passed),
        "other tests": sum(
            name.startswith("tests/") and "site/test_browser" not in name for name in passed
        ),
    }


def pytest_terminal_summary(terminalreporter):
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", [])]
    if passed:
        counts = ", ".join(f"{count} {what}" for what, count in verified(passed).items() if count)
        terminalreporter.write_sep("-", "verified in this run")
        terminalreporter.write_line(counts)
    skipped = terminalreporter.stats.get("skipped", [])
    left = sum(LEFT in str(report.longrepr) for report in skipped)
    if left:
        terminalreporter.write_line(f"{left} blocks of PyTorch were {LEFT}")
