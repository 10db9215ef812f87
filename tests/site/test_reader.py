"""What a reader finds, keeps and is kept from: search, theme, progress, terms, content policy."""

import re

import pytest

from livegrad import doctor

ERRORS = "reference/errors/"


def find(page, query, address):
    """Type a query, and return the pages found by their place on the site, best first."""
    box = page.locator("input.md-search__input")
    said = "document.querySelector('.md-search-result__meta').textContent"
    box.fill("")
    box.press("End")
    page.until(f"{said}.includes('Type')")
    box.fill(query)
    box.press("End")
    page.until(f"/matching|No /.test({said})")
    found = page.locator(".md-search-result__item > a").evaluate_all(
        "links => links.map(link => link.origin + link.pathname)"
    )
    return [place.removeprefix(address) for place in found]


@pytest.fixture
def search(open_page, address):
    page = open_page()
    page.locator("input.md-search__input").click()
    yield lambda query: find(page, query, address)
    assert page.complaints == []


RIGHT = {
    "dead relu": "activations/relu/",
    "nan loss": "gradients/exploding/",
    "he_normal": "initializers/he/",
    "xavier": "initializers/glorot/",
    "vanishing gradient": "gradients/vanishing/",
    "softmax": "outputs/multiclass/",
    "loss stuck at 0.693": "doctor/symptoms/",
}


def test_search_finds_first_what_readers_look_for(search):
    assert {query: search(query)[0] for query in RIGHT} == RIGHT


# As people type them, by the titles of public questions, and the pages that answer.
ASKED = {
    "why is my loss nan": ["gradients/exploding/", "doctor/symptoms/"],
    "loss not decreasing": ["gradients/diagnose/", "doctor/symptoms/"],
    "he vs xavier": ["initializers/pairing/"],
    "dropout at test time": ["dropout/inference/"],
    "accuracy stuck at 0.1": ["gradients/diagnose/", "doctor/symptoms/"],
    "gradient clipping value": ["step/clipping/"],
    "batch norm small batch": ["shortcuts/batch-norm/"],
    "sigmoid or softmax": ["outputs/", "outputs/multiclass/"],
    "dying relu fix": ["activations/relu/"],
    "learning rate too high": ["step/find-rate/", "step/rate/"],
    "learning rate too low": ["step/find-rate/"],
    "adam vs sgd": ["step/adam/", "step/"],
    "weight decay vs l2": ["step/decay/"],
    "adamw": ["step/decay/"],
    "warmup steps": ["step/schedules/"],
    "cosine learning rate schedule": ["step/schedules/"],
    "batch size and learning rate": ["step/batch/"],
    "momentum 0.9": ["step/momentum/"],
    "nesterov": ["step/momentum/"],
    "layer norm vs batch norm": ["shortcuts/layer-norm/"],
    "rmsnorm": ["shortcuts/layer-norm/"],
    "residual connection": ["shortcuts/residual/"],
    "skip connection": ["shortcuts/residual/"],
    "pre norm or post norm": ["shortcuts/pre-post/"],
    "why divide by sqrt d in attention": ["shortcuts/attention/"],
    "transformer from scratch": ["shortcuts/transformer/"],
    "vanishing gradient rnn": ["gradients/recurrent/"],
    "lstm forget bias": ["gradients/recurrent/"],
    "label smoothing": ["outputs/calibration/"],
    "temperature scaling": ["outputs/calibration/"],
    "class imbalance": ["outputs/imbalance/", "inputs/first-loss/"],
    "focal loss": ["outputs/imbalance/"],
    "quantile regression": ["outputs/quantiles/"],
    "pinball loss": ["outputs/quantiles/"],
    "ordinal regression": ["outputs/ordinal/"],
    "normalize input data": ["inputs/scale/"],
    "standardize before split": ["inputs/scale/"],
    "shuffled labels": ["inputs/labels/"],
    "initial loss ln 10": ["inputs/first-loss/"],
    "overfit one batch": ["inputs/one-batch/"],
    "data leakage": ["inputs/one-batch/"],
    "float16 underflow": ["inputs/precision/"],
    "bfloat16 vs float16": ["inputs/precision/"],
    "loss scaling": ["inputs/precision/"],
    "bias of last layer": ["inputs/first-loss/"],
    "activation for regression output": ["outputs/regression/"],
    "multi label classification": ["outputs/multilabel/"],
    "initialize weights to zero": ["initializers/symmetry-and-scale/"],
    "orthogonal initialization": ["initializers/lecun-orthogonal/"],
    "gelu vs relu": ["activations/selu-silu-gelu/"],
    "leaky relu slope": ["activations/leaky-relu/"],
    "sigmoid is softmax with two classes": ["outputs/multiclass/"],
    "where to put dropout": ["dropout/placement/"],
    "dropout rate": ["dropout/rate/"],
    "exploding gradient": ["gradients/exploding/"],
    "find best learning rate": ["step/find-rate/"],
    "edge of stability": ["step/rate/"],
    "mup learning rate width": ["step/width/"],
    "rezero fixup": ["shortcuts/zero-init/"],
    "constant feature": ["inputs/features/"],
    "loss is nan": ["doctor/symptoms/", "gradients/exploding/"],
    "loss stays at 0.69": ["doctor/symptoms/"],
    "loss stuck at 0.693": ["doctor/symptoms/"],
    "accuracy stuck at 10 %": ["doctor/symptoms/", "gradients/diagnose/"],
    "accuracy stuck at 50 %": ["doctor/symptoms/", "gradients/diagnose/"],
    "validation better than training": ["doctor/symptoms/"],
    "negative loss": ["doctor/symptoms/"],
    "model predicts same class": ["doctor/symptoms/"],
    "loss suddenly jumps": ["doctor/symptoms/"],
    "accuracy 0 but loss decreases": ["doctor/symptoms/"],
}


def test_search_answers_what_people_type(search):
    lost = {query: search(query)[:3] for query, right in ASKED.items()}
    lost = {query: found for query, found in lost.items() if found[0] not in ASKED[query]}
    assert len(ASKED) == 70 and len(lost) <= 6, lost


def test_search_finds_each_code_of_the_doctor(search):
    lost = {}
    for code, lesson in doctor.PAGES.items():
        found = search(code)[:2]
        of_its_topic = found[0].partition("/")[0] == lesson.partition("/")[0]
        if not of_its_topic and not {f"{lesson}/", "doctor/codes/"} & set(found):
            lost[code] = found
    assert lost == {}


def test_search_finds_each_error_message(search, root):
    text = (root / "docs/reference/errors.md").read_text("utf-8")
    messages = sorted(set(re.findall(r"^\w+Error: (.+)$", text, re.MULTILINE)))
    assert len(messages) > 100
    found = {message: search(message)[:2] for message in messages}
    assert [message for message in messages if ERRORS not in found[message]] == []
    # A lesson may come before where the message begins with its title's word.
    assert sum(places[0] != ERRORS for places in found.values()) <= 3


@pytest.mark.parametrize("number", ["0.6", "10"])
def test_a_number_is_not_taken_for_the_beginning_of_another(open_page, address, number):
    page = open_page()
    page.locator("input.md-search__input").click()
    assert find(page, number, address)
    marked = page.locator(".md-search-result__item mark").all_text_contents()
    assert set(marked) == {number}


def test_a_word_that_is_nowhere_is_not_found(search):
    assert search("zygomorphic") == []


def test_the_search_index_waits_until_it_is_needed(open_page):
    page = open_page()
    loaded = "performance.getEntriesByType('resource').map(one => one.name).join()"
    page.wait_for_load_state("networkidle")
    assert "search_index" not in page.evaluate(loaded)
    page.locator("input.md-search__input").click()
    page.until(f"{loaded}.includes('search_index')")


def test_what_instant_navigation_brings_is_as_good_as_a_page_of_its_own(open_page):
    page = open_page("gradients/", color_scheme="dark")
    page.evaluate("window.stays = true")
    page.locator("article a[href$='chain-rule/']").first.click()
    page.wait_for_url("**/chain-rule/")
    page.locator("math").first.wait_for()
    page.locator(".md-tabs__link", has_text="Activations").click()
    page.wait_for_url("**/activations/")
    page.locator("article table a[href$='sigmoid-tanh/']").first.click()
    page.wait_for_url("**/sigmoid-tanh/")
    # The address changes before the page does.
    page.until("document.querySelector('h1').textContent.startsWith('Sigmoid')")
    copy = page.locator(".language-python .md-code__button").first
    copy.wait_for(state="attached")
    assert page.evaluate("window.stays") is True
    state = """[
      getComputedStyle(document.querySelector(".lg-figure svg [stroke^=var]")).stroke,
      getComputedStyle(document.querySelector("math .lg-act")).color,
      document.querySelector("math").getBoundingClientRect().height,
      document.querySelectorAll("article a[title]").length,
      document.title,
      document.querySelector(".lg-place").innerText,
    ]"""
    brought = page.evaluate(state)
    page.reload()
    copy.wait_for(state="attached")
    assert page.evaluate(state) == brought
    assert page.complaints == []


def test_a_theme_stays_on_the_next_page_and_after_a_reload(open_page, address):
    page = open_page("", color_scheme="light")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    while page.evaluate(scheme) != "slate":
        page.locator("form[data-md-component=palette] label:not([hidden])").first.click()
    page.goto(address + "outputs/")
    assert page.evaluate(scheme) == "slate"
    page.reload()
    assert page.evaluate(scheme) == "slate"


def test_linked_tabs_switch_together_and_are_remembered(open_page, address):
    page = open_page("gradients/vanishing/")
    page.locator(".tabbed-labels label", has_text="Keras").first.click()
    page.goto(address + "gradients/diagnose/")
    tabs = page.locator(".tabbed-set").first
    tabs.scroll_into_view_if_needed()  # what is far from the screen has no rendered text
    page.until("document.querySelector('.tabbed-set').innerText.toLowerCase().includes('keras.')")
    assert "keras" in tabs.locator(".tabbed-block:visible").inner_text().lower()


def element(name, **properties):
    """A script that adds an element, as a page that was tampered with would."""
    return f"document.body.append(Object.assign(document.createElement('{name}'), {properties}))"


THERE = "https://example.org/a"
PLANTED = {
    "script-src-elem": element("script", text="window.ran = true"),
    "script-src-elem of another host": element("script", src=THERE),
    "script-src-attr": "document.body.setAttribute('onclick', 'window.ran = true')",
    "style-src-elem": element("style", textContent="p { top: 0 }"),
    "style-src-elem of another host": element("link", rel="stylesheet", href=THERE),
    "style-src-attr": "document.body.setAttribute('style', 'top: 0')",
    "img-src": element("img", src=THERE),
    "frame-src": element("iframe", src=THERE),
    "object-src": element("object", data=THERE),
    "connect-src": f"fetch('{THERE}').catch(() => 0)",
    "worker-src": "new Worker(URL.createObjectURL(new Blob(['1'])))",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_policy_lets_in_the_site_alone(open_page, planted):
    page = open_page()
    page.evaluate(
        """() => document.addEventListener("securitypolicyviolation", event => {
          (window.violated ??= []).push(event.effectiveDirective);
        })"""
    )
    page.evaluate(f"() => {{ try {{ {PLANTED[planted]} }} catch {{}} }}")
    page.until("window.violated")
    assert page.evaluate("window.violated[0]") == planted.split()[0]
    assert page.evaluate("window.ran") is None
    assert page.complaints != []


READ = "[...document.querySelectorAll('.lg-read')].map(link => link.origin + link.pathname)"


def read_to_its_end(page):
    """Press End until the page counts as read; return the addresses with a tick.

    A key that comes before the page does, or while it scrolls to a tab, leads nowhere.
    """
    for _ in range(40):
        page.keyboard.press("End")
        page.wait_for_timeout(250)
        if ticked := page.evaluate(READ):
            return set(ticked)
    raise AssertionError("the page was read to its end and has no tick")


def test_without_scripts_a_page_has_the_same_colours(open_page):
    parts = ["body", ".md-header", ".md-tabs", ".md-footer-meta", ".md-typeset a"]
    shown = f"""{parts}.map((part) => {{
      const style = getComputedStyle(document.querySelector(part));
      return [part, style.backgroundColor, style.color];
    }})"""
    with_scripts, without = (
        open_page("gradients/", color_scheme="light", java_script_enabled=on).evaluate(shown)
        for on in (True, False)
    )
    assert without == with_scripts


def test_nothing_is_kept_but_the_readers_own_choices(open_page):
    page = open_page("gradients/vanishing/")
    page.locator("form[data-md-component=palette] label:not([hidden])").first.click()
    page.locator(".tabbed-labels label", has_text="Keras").first.click()
    read_to_its_end(page)
    assert page.locator(".md-nav__link--active.lg-read").first.is_visible()
    assert page.context.cookies() == []
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("Object.keys(localStorage)")
    assert {key.rpartition(".")[2] for key in kept} == {"__palette", "__tabs", "read"}
    # And copies of what was opened, of this version of the site alone (see test_offline).
    assert page.evaluate("caches.keys().then((all) => all.every((n) => /^livegrad \\//.test(n)))")


def test_a_lesson_that_was_read_has_a_tick_until_it_is_cleared(open_page, address):
    page = open_page("gradients/")
    assert page.evaluate(READ) == []
    page.locator("article a[href$='chain-rule/']").first.click()
    page.wait_for_url("**/chain-rule/")
    # The address changes before the page does, and what is read until then is the page before.
    page.until("document.querySelector('.lg-place').dataset.lgLesson === 'gradients/chain-rule/'")
    assert read_to_its_end(page) == {f"{address}gradients/chain-rule/"}
    page.locator(".md-tabs__link").first.click()
    ticked = page.locator(".lg-path a.lg-read")
    ticked.wait_for()
    assert ticked.inner_text().startswith("2")
    state = page.locator(".lg-path__state")
    assert re.match(r"1 of \d+ read, .*Go on with Gradients", state.inner_text())
    state.get_by_role("button", name="Clear").click()
    assert page.evaluate(READ) == [] and state.is_hidden()
    assert not [key for key in page.evaluate("Object.keys(localStorage)") if key.endswith(".read")]
    assert page.complaints == []


def test_a_term_says_what_it_means_to_pointer_and_keyboard(open_page):
    page = open_page("gradients/vanishing/")
    term = page.locator("a.lg-term").first
    meaning = term.get_attribute("title")
    assert len(meaning) > 20
    for reach in [term.hover, term.focus]:
        reach()
        said = page.locator(".md-tooltip2--active")
        said.wait_for()
        assert said.inner_text() == meaning
        assert term.get_attribute("aria-describedby")
        page.mouse.move(0, 0)
    term.click()
    page.wait_for_url("**/reference/glossary/#*")
    assert page.complaints == []
