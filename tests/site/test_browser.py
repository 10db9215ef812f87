"""A reader's walk through the built site in a real browser, on a desktop and on a phone."""

import doctest
import subprocess
import sys

import pytest

from livegrad_lab.problems import PROBLEMS
from livegrad_site.check import turns
from livegrad_site.read import fences
from livegrad_site.show import sheets

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


def test_every_page_opens_without_a_complaint_and_fits_a_phone(open_page, pages, address):
    page = open_page("", **PHONE)
    wide = []
    for path in pages:
        page.goto(address + path)
        assert page.locator("h1").count() == 1, path
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide.append(f"{path} is {width} pixels wide on a phone")
    assert wide == []
    assert page.complaints == []


def test_a_copied_block_runs(open_page):
    page = open_page("", permissions=["clipboard-read", "clipboard-write"])
    # What an explorer folds is not seen.
    block = page.locator(".language-python.highlight:not([data-explorer] *)").first
    block.hover()
    block.locator("button.md-clipboard, .md-code__button").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    prints = page.locator(".language-text.highlight:not([data-explorer] *) code").first
    shown = prints.inner_text()
    ran = subprocess.run([sys.executable, "-c", copied], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == shown.strip() != ""


# Opens what is folded, presses each block's copy button and reads what landed on the clipboard.
COPY = """async which => {
  document.querySelectorAll("details").forEach(fold => { fold.open = true; });
  document.querySelectorAll(".tabbed-block").forEach(tab => { tab.style.display = "block"; });
  const copied = [];
  for (const block of document.querySelectorAll(which)) {
    await navigator.clipboard.writeText("nothing");
    block.querySelector(".md-code__button").click();
    await new Promise(done => setTimeout(done));
    copied.push((await navigator.clipboard.readText()).trim());
  }
  return copied;
}"""
BLOCKS = "article .language-python:not(.doc *)"  # signatures and sources are no blocks
EXAMPLES = "article .language-pycon"


@pytest.fixture
def copies(open_page, address):
    """What the copy buttons of a page's blocks give; an explorer's figure has another place."""
    page = open_page("", permissions=["clipboard-read", "clipboard-write"])
    # An explorer that wakes would take the place of its block; it has tests of its own.
    page.route("**/explorers/*.js", lambda route: route.abort())

    def copied(path, which, planted="0"):
        page.goto(address + path)
        page.evaluate(planted)
        return sorted(page.evaluate(COPY, which))

    return copied


def run(source):
    """The blocks of a page's source, as they were run, and the starts of problems, as graded."""
    text = source.read_text("utf-8")
    starts = [PROBLEMS[mark["name"]].start.strip() for mark in sheets.STUB.finditer(text)]
    found = [fence.code.strip() for fence in fences.find(text) if fence.info == "python"]
    return sorted([*found, *starts])


def test_what_is_copied_from_each_block_is_what_was_run(copies, root, pages_in_turn):
    """Each block as its page has it was run in this build, and in an empty interpreter."""
    wrong, count = {}, 0
    for source in fences.pages(root):
        (path,) = turns.addresses([source.relative_to(root).as_posix()]) or [None]
        if path not in pages_in_turn:
            continue  # nor is the README on the site
        count += len(run(source))
        if copies(path, BLOCKS) != run(source):
            wrong[path] = run(source)
    assert wrong == {}
    assert count > 100


@pytest.mark.parametrize(
    "planted",
    [
        "document.querySelector('.language-python code span').textContent = 'imports'",
        "document.querySelector('.md-code__button').dataset.clipboardTarget = 'h1'",
        "document.querySelector('.language-python').remove()",
    ],
)
def test_a_copy_that_is_not_what_was_run_is_noticed(copies, root, planted):
    assert copies("", BLOCKS) == run(root / "docs" / "index.md")
    assert copies("", BLOCKS, planted) != run(root / "docs" / "index.md")


def test_what_is_copied_from_an_example_has_neither_prompts_nor_outputs(copies, pages, site):
    parser, count = doctest.DocTestParser(), 0
    for path in pages:
        if "language-pycon" not in (site / path / "index.html").read_text("utf-8"):
            continue
        for copied in copies(path, EXAMPLES):
            assert not parser.get_examples(copied), copied
            compile(copied, path, "exec")
            count += 1
    assert count > 20


def test_the_theme_switches_to_dark_and_back(open_page):
    page = open_page("", color_scheme="light")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    seen = {page.evaluate(scheme)}
    for _ in range(2):
        page.locator("form[data-md-component=palette] label:not([hidden])").first.click()
        seen.add(page.evaluate(scheme))
    assert seen == {"default", "slate"}


def test_the_system_s_dark_theme_is_followed(open_page):
    page = open_page("", color_scheme="dark")
    assert page.evaluate("document.body.getAttribute('data-md-color-scheme')") == "slate"


def test_navigation_is_instant(open_page):
    page = open_page()
    page.evaluate("window.stays = true")
    page.locator(".lg-map a.hd").click()
    page.wait_for_url("**/outputs/")
    assert page.evaluate("window.stays") is True, "the page was loaded anew"
    assert page.complaints == []


def test_each_factor_of_the_map_leads_to_its_topic(open_page, address):
    page = open_page()
    targets = page.locator(".lg-map a").evaluate_all("links => links.map(link => link.href)")
    for topic in ["gradients", "activations", "initializers", "dropout", "outputs"]:
        assert f"{address}{topic}/" in targets


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("activations/", "act"),
        ("initializers/he/", "wt"),
        ("dropout/", "msk"),
        ("outputs/multiclass/", "hd"),
    ],
)
def test_figures_begin_with_the_colour_of_their_page_s_factor(open_page, path, factor):
    page = open_page(path)
    colours = page.locator(".lg-figure").first.evaluate(
        """figure => ["c1", "act", "wt", "msk", "hd"].map(
          name => getComputedStyle(figure).getPropertyValue("--lg-" + name))"""
    )
    first, *factors = colours
    assert len(set(factors)) == 4
    assert first == dict(zip(["act", "wt", "msk", "hd"], factors, strict=True))[factor]


def test_tabs_switch_between_numpy_and_keras(open_page):
    page = open_page("gradients/vanishing/")
    tabs = page.locator(".tabbed-set").first
    tabs.locator(".tabbed-labels label", has_text="Keras").click()
    assert "keras" in tabs.locator(".tabbed-block:visible").inner_text().lower()


def test_a_solution_is_folded_and_opens(open_page):
    page = open_page("gradients/vanishing/")
    solution = page.locator("details.success").first
    assert solution.get_attribute("open") is None
    solution.locator("summary").click()
    assert solution.locator("pre").first.is_visible()


# How far the height of each block that is not laid out yet is from what it will be, in pixels.
AHEAD = """() => [...document.querySelectorAll("pre[data-lg-lines]")].map(block => {
  const ahead = block.offsetHeight;
  block.style.contentVisibility = "visible";
  return Math.abs(block.offsetHeight - ahead);
})"""


def test_code_far_from_the_screen_has_its_height_already(open_page):
    page = open_page("gradients/vanishing/", **PHONE)
    away = page.evaluate(AHEAD)
    assert len(away) > 10 and max(away) <= 3
    page.reload()
    page.evaluate(
        """() => {
          const seen = [...document.querySelectorAll("pre[data-lg-lines]")];
          const shown = seen.filter((block) => block.offsetHeight > 0);
          const lines = (block) => Number(block.dataset.lgLines);
          shown.reduce((a, b) => (lines(b) > lines(a) ? b : a)).dataset.lgLines = "1";
        }"""
    )
    assert max(page.evaluate(AHEAD)) > 50


def test_formulas_are_mathml(open_page):
    page = open_page("gradients/chain-rule/")
    assert page.locator("math").count() > 3
    # Laid out, whatever the font: what is divided stands above what divides it.
    above, below = (
        page.locator(f"math[display=block] mfrac > :{place}-child").first.bounding_box()
        for place in ("first", "last")
    )
    assert above["height"] > 0 and above["y"] + above["height"] <= below["y"] + 1
