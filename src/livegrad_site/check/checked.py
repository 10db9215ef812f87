"""Fail the build on a page that says something else than its blocks give.

What a block prints, draws or raises is compared with the page each time, from a record that is kept
under a digest of the blocks and of what they import (see ``blocks``). Pages and notebooks whose
record is missing are run ahead, side by side, in interpreters of their own (see ``later``).
``mkdocs build`` names each difference by page and line, and stops; ``mkdocs serve`` shows it below
the block.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from livegrad_site.check import locks, predictions, proofs
from livegrad_site.read import fences, languages, prose_numbers
from livegrad_site.run import blocks, cache, later, notebooks

log = get_plugin_logger("checked")

# All other fences are refused: what looks like code, and nobody runs, is true by chance.
FENCES = {
    "python": "run here",
    "text": "what the block before it prints",
    "console": "what a reader types, read by the tests of commands",
}
# The content tabs that show one thing in several libraries, and print the same.
LIBRARIES = ("NumPy", "Keras", "PyTorch")
# What a page that was edited may take before it is shown without its results, in seconds.
_MOMENT = 1.5
_TAB = re.compile(r'( *)===[!+]? "([^"]+)"')


@dataclass(frozen=True)
class Fault:
    """What is wrong on a page; ``after`` is the last line of what it is about."""

    line: int
    what: str
    after: int = 0
    lead: str = ""
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        said = self.what
        if self.expected is not None and self.found is not None:
            said += f"\n  expected: {self.expected!r}\n  found:    {self.found!r}"
        return said


def faults(text: str, given: list[dict[str, Any]]) -> list[Fault]:
    """Return where a page differs from what its blocks gave, and what nobody runs or proves."""
    wrong = [*_fences(text), *_blocks(text, given), *_tabs(text)]
    for found in (proofs.check(text, given), predictions.check(text, given)):
        wrong += [Fault(line, what, after) for line, after, what in found]
    return sorted(wrong, key=lambda fault: fault.line)


def unread() -> dict[str, list[Fault]]:
    """Return the files whose words changed since a person read them."""
    what = "words changed since they were read: read them, then nox -s read"
    return {str(path): [Fault(1, what)] for path in locks.unread()}


def _fences(text: str) -> list[Fault]:
    wrong = []
    before = None
    for fence in fences.find(text):
        what = ""
        if fence.info not in FENCES:
            known = ", ".join(FENCES)
            what = f"nobody runs a fence of {fence.info or 'no language'!r}: it must be {known}"
        elif fence.info == "text" and not fence.is_output:
            what = f"nothing compares this output: {fences.OUTPUT_MARK} stands before it"
        elif fence.is_output and (before is None or before.info != "python"):
            what = "an expected output without its block"
        elif fence.lead.strip():
            what = "nobody runs a fence in a quotation"
        elif fence.needs_torch != (fence.mark == fences.TORCH_MARK):
            what = f"{fences.TORCH_MARK} stands before a block that imports torch, and no other"
        elif fence.needs_torch and not (_compared(text, fence) or "assert" in fence.code):
            what = "nothing compares what this block prints"
        if what:
            wrong.append(Fault(fence.first, what, fence.last, fence.lead))
        before = fence
    return wrong


def _compared(text: str, fence: fences.Fence) -> bool:
    """Return whether an output stands behind the block."""
    after = dict(itertools.pairwise(fences.find(text))).get(fence)
    return after is not None and after.is_output


def _blocks(text: str, given: list[dict[str, Any]]) -> list[Fault]:
    pairs = zip(fences.python(text), given, strict=True)
    return [fault for fence, gave in pairs if (fault := compared(text, fence, gave))]


def compared(text: str, fence: fences.Fence, gave: dict[str, Any]) -> Fault | None:
    """Return where the page says something else than the block gave."""
    after = dict(itertools.pairwise(fences.find(text))).get(fence)
    output = after if after and after.is_output else None
    mark = next((mark for mark in fences.results(text) if mark.block == fence), None)
    place: dict[str, Any] = {"line": fence.first, "after": fence.last, "lead": fence.lead}
    if "error" in gave:
        return Fault(**place, what=f"this block fails, {gave['error']}")
    if mark:
        what = "this block now draws something else: look at it, then refresh the page"
        said = {"expected": mark.digest or "no digest", "found": gave["drawn"]}
        return None if mark.digest == gave["drawn"] else Fault(**place, what=what, **said)
    if output:
        what = "this block now prints something else"
        place = {"line": output.first, "after": output.last, "lead": output.lead}
        said = {"expected": output.code, "found": gave["printed"]}
        return None if output.code == gave["printed"] else Fault(**place, what=what, **said)
    if gave["printed"]:
        return Fault(**place, what="nothing compares what this block prints")
    if "assert" not in fence.code:
        return Fault(**place, what="this block neither prints, nor asserts, nor draws")
    return None


def tab_sets(text: str) -> list[dict[str, list[fences.Fence]]]:
    """Return for each set of content tabs the expected outputs under each label."""
    outputs = {fence.first: fence for fence in fences.find(text) if fence.is_output}
    sets: list[dict[str, list[fences.Fence]]] = []
    label, lead = "", ""
    for number, line in enumerate(text.splitlines(), start=1):
        opening = _TAB.match(line)
        if opening:
            if not label or opening[1] != lead or opening[2] in sets[-1]:
                sets.append({})
            lead, label = opening[1], opening[2]
            sets[-1][label] = []
        elif label and line.strip() and not line.startswith(lead + "    "):
            label = ""
        if label and number in outputs:
            sets[-1][label].append(outputs[number])
    return sets


def _tabs(text: str) -> list[Fault]:
    wrong = []
    for tabs in tab_sets(text):
        shown = [label for label in LIBRARIES if label in tabs]
        if len(shown) < 2:
            continue
        said = " and ".join(shown)
        if not any(tabs[label] for label in shown):
            wrong.append(Fault(1, f"the tabs {said} print nothing to compare"))
        for label in shown[1:]:
            for one, other in itertools.zip_longest(tabs[shown[0]], tabs[label]):
                fence = other or one
                if one is None or other is None or one.code != other.code:
                    what = f"the tabs {shown[0]} and {label} print different things"
                    found = [each.code if each else "nothing" for each in (one, other)]
                    wrong.append(Fault(fence.first, what, fence.last, fence.lead, *found))
    return wrong


_wrong: dict[str, list[Fault]] = {}
_checked: dict[tuple[str, str, str], list[Fault]] = {}
_asked: dict[str, tuple[str, str]] = {}


def of_sources() -> dict[str, list[Fault]]:
    """Return what is wrong in the docstrings, which the pages of the API show, by file."""
    wrong: dict[str, list[Fault]] = {}
    for file, line, what in blocks.examples():
        wrong.setdefault(file, []).append(Fault(line, f"this example {what}"))
    rule = Path(prose_numbers.__file__).read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in cache.sources()]
    numbers = json.loads(cache.kept("docstrings.json", _docstrings, rule, *texts))
    for file, found in numbers.items():
        wrong.setdefault(file, []).extend(Fault(line, what, line) for line, what in found)
    return wrong


def _docstrings() -> bytes:
    found: dict[str, list[tuple[int, str]]] = {}
    for path in cache.sources():
        text = path.read_text(encoding="utf-8")
        wrong = unborne(text, prose_numbers.check_source(text), "its code does not give")
        if wrong:
            name = path.relative_to(cache.ROOT).as_posix()
            found[name] = [(fault.line, fault.what) for fault in wrong]
    return json.dumps(found).encode()


def of_notebook(source: str, executed: str) -> list[Fault]:
    """Return which numbers of a notebook's text its executed form does not give."""
    report = prose_numbers.check_notebook(source, executed)
    return unborne(source, report, "the notebook does not give")


def unborne(text: str, report: prose_numbers.Report, what: str) -> list[Fault]:
    """Return the numbers of a report that nothing gives, at the lines of the text they stand in."""
    lines = text.splitlines()
    found = []
    for _, number, said in report.unverified:
        at = next((at for at, line in enumerate(lines, start=1) if said in line), 1)
        found.append(Fault(at, f"{what} the number {number}", at))
    return found


def check(pages: dict[str, str], apis: bool) -> dict[str, list[Fault]]:
    """Return what is wrong on each page or notebook, given by path and text, and in docstrings.

    What has not run is run first. What is only served waits for it no longer than a moment.
    """
    code = cache.code_digest()
    wrong: dict[str, list[Fault]] = {}
    missing: list[str] = []
    failed = later.queue.failed
    for name, text in pages.items():
        if (name, text, code) in _checked:
            wrong[name] = _checked[name, text, code]
            continue
        try:
            known = notebooks.known(text) if name.endswith(".py") else blocks.known(text)
        except ValueError as error:  # a fence that is never closed
            wrong[name] = [Fault(1, str(error))]
            continue
        if known is None:
            missing.append(name)
        else:
            failed.pop(name, None)
    if apis and not blocks.has_examples():
        missing.append("examples")
    # What could not be run is not run again until it changes.
    asked = {name: (pages.get(name, ""), code) for name in missing}
    todo = [name for name in missing if name not in failed or _asked.get(name) != asked[name]]
    _asked.update(asked)
    # Lessons are read first, and notebooks take longest.
    later.queue.add(sorted(todo, key=lambda name: ("/experiments/" in name) + name.endswith(".py")))
    later.queue.wait(_MOMENT if later.queue.serving else None)
    for name in pages.keys() - wrong.keys():
        text = pages[name]
        if name in failed:
            wrong[name] = [Fault(1, f"the page could not be run: {failed[name]}")]
        elif not name.endswith(".py") and not later.waits(name, text):
            wrong[name] = _checked[name, text, code] = faults(text, blocks.record(text))
    if "examples" in failed:
        wrong["src"] = [Fault(1, f"the examples could not be run: {failed['examples']}")]
    elif apis and "examples" not in later.queue.waiting:
        wrong |= of_sources()
    return {name: found for name, found in wrong.items() if found}


def begin(serving: bool) -> None:
    """Note whether an author looks on; all else is for readers."""
    later.queue.serving = later.queue.held = serving


def configure() -> None:
    """Refuse to be told to say nothing, since warnings then fail no build.

    Raises:
        PluginError: if warnings are not logged.
    """
    if not logging.getLogger("mkdocs").isEnabledFor(logging.WARNING):
        raise PluginError("mkdocs -q switches --strict off: leave it out")


def compare(files: Files) -> None:
    """Run what has to be run, and compare all pages.

    Raises:
        PluginError: if a page is wrong, and the site is not only served.
    """
    pages = {str(f.abs_src_path): f.content_string for f in files.documentation_pages()}
    apis = any(re.search(r"^::: livegrad", text, re.MULTILINE) for text in pages.values())
    _wrong.clear()
    _wrong.update(check(pages, apis))
    changed = unread()
    report({name: _wrong.get(name, []) + changed.get(name, []) for name in _wrong | changed})
    for file in files.documentation_pages():
        if later.come(str(file.abs_src_path), file.content_string):
            file.is_modified = lambda: True  # type: ignore[method-assign]


def compare_notebooks(files: Files) -> None:
    """Compare the notebooks, which have run by now; no page has been written yet.

    Raises:
        PluginError: if a notebook is wrong, and the site is not only served.
    """
    wrong = {}
    for file in files.documentation_pages():
        source = file.content_string
        if file.src_uri.endswith(".py") and not later.waits(file.abs_src_path, source):
            executed, _figures = notebooks.to_markdown(notebooks.execute(source, file.src_uri))
            wrong[str(file.abs_src_path)] = of_notebook(source, executed)
    report(wrong)


def report(wrong: dict[str, list[Fault]]) -> None:
    """Name each fault by file and line; PluginError if there is any, and it would be published."""
    faults = [(os.path.relpath(name), fault) for name, found in wrong.items() for fault in found]
    for name, fault in faults:
        (log.warning if later.queue.serving else log.error)("%s:%d: %s", name, fault.line, fault)
    if faults and not later.queue.serving:
        raise PluginError(f"{len(faults)} things are not what the code gives; nothing was built")


def in_markdown(markdown: str, page: Page) -> str:
    """Show an author what is wrong, where it is wrong."""
    if page.file.abs_src_path is None:
        return _of_translation(markdown, page)
    path = str(page.file.abs_src_path)
    found = _wrong.get(path, [])
    if later.waits(path, page.file.content_string):
        return shown(later.notice(path, page.file.content_string, markdown), found, 0)
    if not found:
        return markdown
    return shown(markdown, found, page.file.content_string.count("\n") - markdown.count("\n"))


def _of_translation(markdown: str, page: Page) -> str:
    """A translated page waits for what the English one waits for."""
    code, english = languages.of(page.file.src_uri)
    path = cache.ROOT / "docs" / english
    if code == "en" or not later.waits(path, text := path.read_text(encoding="utf-8")):
        return markdown
    return later.notice(path, text, markdown)


def shown(markdown: str, found: list[Fault], head: int) -> str:
    """Return the page with each fault below what it is about; ``head`` lines were cut off."""
    lines = markdown.split("\n")
    for fault in sorted(found, key=lambda fault: -fault.after):
        at = max(fault.after - head, 0)
        box = ["", f'!!! failure "Line {fault.line}: {fault.what}"', ""]
        for title, text in (("Expected", fault.expected), ("Found", fault.found)):
            if text is not None:
                ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                box += [f"    {title}:", "", f"    {ticks}text"]
                box += [f"    {line}" for line in text.splitlines()]
                box += [f"    {ticks}", ""]
        lead = fault.lead.replace(">", " ")
        lines[at:at] = [(lead + line).rstrip() for line in [*box, ""]]
    return "\n".join(lines)


def compare_translations() -> None:
    """Compare each translation with the English page; say what has none since it was changed.

    Raises:
        PluginError: if one says something else, and the site is not only served.
    """
    wrong: dict[str, list[Fault]] = {}
    for code, language in languages.known().items():
        for english in languages.translated(code):
            path = languages.source(code, english)
            try:
                page = languages.page(code, english)
            except ValueError as error:
                wrong[str(path)] = [Fault(1, str(error))]
                continue
            for words in page.missing:
                log.info("%s: not translated, or changed since: %s", os.path.relpath(path), words)
            pairs = dict.fromkeys(page.pairs)
            said = [(pair, languages.disagreement(language, pair)) for pair in pairs]
            if found := [Fault(pair.line, f"{what}: {pair.theirs}") for pair, what in said if what]:
                wrong[str(path)] = found
    report(wrong)


def end() -> None:
    """End the interpreters, which a build needs no more, whether it failed or not."""
    if not later.queue.serving:
        later.queue.stop()
