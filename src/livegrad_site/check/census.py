"""Count what the site shows and what bears it out; the trust page and the tests read it."""

from __future__ import annotations

import ast
import doctest
import hashlib
from pathlib import Path

from livegrad_site.check import proofs
from livegrad_site.read import fences, predictions, prose_numbers, sentences
from livegrad_site.read.prose_numbers import Report
from livegrad_site.run import cache, notebooks


def module_digest(path: Path) -> str:
    """Digest of the source of a module or of a package, to tell whether a measurement is of it."""
    files = sorted(path.glob("*.py")) if path.is_dir() else [path] if path.exists() else []
    source = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(source).hexdigest()[:12] if files else ""


def records(root: Path = cache.ROOT) -> list[Path]:
    """Return the results that are kept in the repository, in order."""
    return sorted((root / "docs" / cache.RECORDS.name).glob("*.json"))


# Too new for a score.
UNSCORED = {"attention", "blocks", "optimizers"}


def rooms(root: Path = cache.ROOT) -> dict[str, Path]:
    """Return the modules that are scored: of the small package and the package that draws."""
    top = root / "src" / "livegrad"
    found = {path.stem: path for path in top.glob("*.py") if path.stem not in UNSCORED}
    return found | {path.name: path for path in top.glob("figures")}


def notebook_sources(root: Path = cache.ROOT) -> list[Path]:
    """Return the notebooks, in order."""
    return sorted((root / "docs" / "experiments").glob("*.py"))


def proven(root: Path = cache.ROOT) -> dict[str, int]:
    """Count the sentences of all pages by what proves them; one may have several proofs."""
    kinds = {
        "a value of the page, formatted": lambda item: "{" in item,
        "a check on values of the page": lambda item: not _other(item) and "{" not in item,
        "a check on values of another page": lambda item: item.startswith("on "),
        "a test": lambda item: item.startswith("test "),
        "a place in a paper": lambda item: item.startswith("cite "),
    }
    texts = [page.read_text("utf-8") for page in fences.pages(root)]
    found = [sentence for text in texts for sentence in sentences.read(text)]
    counted = {
        kind: sum(any(map(has, sentence.items)) for sentence in found)
        for kind, has in kinds.items()
    }
    asking = [sentence for sentence in found if proofs.asks(sentence.plain)]
    return {
        **counted,
        "nothing: it sets something, or gives advice": sum(
            bool(sentence.items) and all(map(_is_set, sentence.items)) for sentence in found
        ),
        "all sentences that count, compare or quantify": len(asking),
        "of these without a proof": sum(not sentence.items for sentence in asking),
        "all sentences, titles and tables": len(found),
    }


def _is_set(item: str) -> bool:
    return item.partition(" ")[0] == "def" and "{" not in item


def _other(item: str) -> bool:
    return item.partition(" ")[0] in {"def", "cite", "test", "on"}


def numbers(root: Path = cache.ROOT) -> dict[str, Report]:
    """Sort the numbers of all modules and notebooks (which must have been executed)."""
    found = {}
    for module in cache.sources(root):
        report = prose_numbers.check_source(module.read_text("utf-8"))
        found[module.relative_to(root).as_posix()] = report
    for path in notebook_sources(root):
        source = path.read_text("utf-8")
        name = path.relative_to(root).as_posix()
        executed, _ = notebooks.to_markdown(notebooks.execute(source, name, root))
        found[name] = prose_numbers.check_notebook(source, executed)
    return found


def docstring_examples(root: Path = cache.ROOT) -> int:
    """Count the docstrings that hold examples, each of which runs as one test."""
    count = 0
    for module in cache.sources(root):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                count += bool(doctest.DocTestParser().get_examples(ast.get_docstring(node) or ""))
    return count


def counts(root: Path = cache.ROOT) -> dict[str, int]:
    """Return how many of each kind there are on the site, README included."""
    texts = [page.read_text("utf-8") for page in fences.pages(root)]
    found = [fence for text in texts for fence in fences.find(text)]
    return {
        "pages with code": sum(any(f.info == "python" for f in fences.find(t)) for t in texts),
        "blocks": sum(len(fences.python(text)) for text in texts),
        "blocks of PyTorch, run by a session of their own": sum(
            len(fences.torch(text)) for text in texts
        ),
        "outputs compared": sum(fence.is_output for fence in found),
        "figures and tables compared": sum(len(fences.results(text)) for text in texts),
        "predictions that their block answers": sum(len(predictions.find(t)) for t in texts),
        "notebooks": len(notebook_sources(root)),
        "docstring examples": docstring_examples(root),
    }
