"""Predictions: a choice, a number, a curve; by keyboard, without a script, kept, forgotten."""

import json
import re

import pytest

from livegrad_site.check import census

LESSON = "gradients/vanishing/"
CHOICE, NUMBER, CURVE = (
    f"#predict-{name}" for name in ("first-gradient", "first-layer-moves", "scale-of-weights")
)
INTUITION = "reference/intuition/"
KEPT = """JSON.parse(localStorage.getItem(
  Object.keys(localStorage).find(key => key.endsWith(".predicted"))) ?? "{}")"""
MINE = f"{LESSON}#first-gradient"


def ready(page):
    page.until("!document.querySelector('.lg-predict:not([data-ready])')")
    page.until("document.querySelector('.lg-predict[data-ready]')")


@pytest.fixture
def lesson(open_page):
    page = open_page(LESSON, reduced_motion="reduce")
    ready(page)
    yield page
    assert page.complaints == []


def unfolded(page, name):
    fold = page.locator(name)
    fold.locator("summary").click()
    return fold


def answer(fold, sure="fairly sure"):
    fold.get_by_text(sure).click()
    fold.get_by_role("button", name="Answer").click()
    return fold.locator(".lg-predict__said")


def test_a_choice_is_answered_beside_what_came_out(lesson):
    fold = unfolded(lesson, CHOICE)
    assert fold.get_by_role("radio").count() == 4 + 3
    said = fold.locator(".lg-predict__said")
    assert said.get_attribute("aria-live") == "polite" and said.inner_text() == ""
    fold.get_by_text("about a tenth").click()
    answer(fold)
    sides = said.locator(".lg-predict__sides p").all_inner_texts()
    assert "about a tenth" in sides[0] and "10⁻⁶ of it" in sides[1]
    assert "Missed. That would be a sum" in said.inner_text()
    assert fold.locator("[data-mark=came]").inner_text().startswith("about a millionth")
    assert fold.locator("summary").inner_text().endswith("missed")
    # What answer and replies rest on opens as everywhere.
    said.get_by_role("button", name="What this rests on").click()
    assert said.locator(".lg-proof-item").count() == 1 + 4
    assert lesson.evaluate(KEPT) == {MINE: {"guess": 1, "sure": 75, "right": False}}


def test_another_try_does_not_change_the_score(lesson):
    fold = unfolded(lesson, CHOICE)
    fold.get_by_text("about half").click()
    answer(fold, "a guess")
    button = fold.get_by_role("button", name="Try again")
    button.click()
    assert fold.locator("input:checked").count() == 0
    fold.get_by_text("about a millionth").click()
    said = answer(fold)
    assert "Right." in said.inner_text() and "first answer" in said.inner_text()
    assert lesson.evaluate(KEPT) == {MINE: {"guess": 0, "sure": 50, "right": False}}
    assert fold.locator("summary").inner_text().endswith("missed")


def test_an_answer_is_kept_on_the_device_and_shown_again(lesson):
    fold = unfolded(lesson, CHOICE)
    fold.get_by_text("about a millionth").click()
    answer(fold, "sure, 95")
    lesson.reload()
    ready(lesson)
    fold = unfolded(lesson, CHOICE)
    assert fold.locator("summary").inner_text().endswith("right")
    assert "Right." in fold.locator(".lg-predict__said").inner_text()
    assert fold.locator("input:checked").count() == 2
    assert lesson.context.cookies() == []


def test_nothing_is_answered_before_there_is_a_guess_and_how_sure(lesson):
    fold = unfolded(lesson, NUMBER)
    button = fold.get_by_role("button", name="Answer")
    button.click()  # the browser asks for one of the three
    assert lesson.evaluate("document.activeElement.name") == "sure-first-layer-moves"
    said = answer(fold)
    assert said.inner_text() == "Move the slider first."
    fold = unfolded(lesson, CURVE)
    assert "4 are open" in answer(fold).inner_text()
    assert lesson.evaluate(KEPT) == {}


def test_a_number_is_guessed_by_keyboard_alone(lesson):
    lesson.locator(f"{NUMBER} > summary").focus()
    lesson.keyboard.press("Enter")
    lesson.keyboard.press("Tab")
    slider = lesson.locator(f"{NUMBER} input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "not moved yet"
    for _ in range(8):
        lesson.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "5 ten-millionths of its size"
    for key in ["Tab", "Space", "ArrowRight", "Tab", "Enter"]:
        lesson.keyboard.press(key)
    said = lesson.locator(f"{NUMBER} .lg-predict__said")
    assert "5 × 10⁻⁷ of its size" in said.inner_text() and "Right." in said.inner_text()
    kept = lesson.evaluate(KEPT)[f"{LESSON}#first-layer-moves"]
    assert kept == {"guess": 5e-7, "sure": 75, "right": True}
    # The focus stays where it was, on what now begins anew.
    assert lesson.evaluate("document.activeElement.textContent") == "Try again"
    lesson.keyboard.press("Enter")
    assert lesson.evaluate("document.activeElement.type") == "range"


def test_a_guess_on_the_wrong_side_gets_the_reply_of_its_side(lesson):
    fold = unfolded(lesson, NUMBER)
    fold.get_by_role("slider").focus()
    lesson.keyboard.press("End")
    assert "So much would ask" in answer(fold).inner_text()
    fold.get_by_role("button", name="Try again").click()
    lesson.keyboard.press("Home")
    assert "and yet not nothing" in answer(fold).inner_text()


def test_a_curve_is_drawn_across_the_axes_and_what_came_out_lies_over_it(lesson):
    fold = unfolded(lesson, CURVE)
    axes = fold.locator("svg.lg-predict__axes")
    axes.scroll_into_view_if_needed()
    lesson.until(f"document.querySelector('{CURVE} svg text')")
    box = axes.bounding_box()
    across = [fold.get_by_role("slider").nth(at).bounding_box() for at in (0, 3)]
    middle = [one["x"] + one["width"] / 2 for one in across]
    lesson.mouse.move(middle[0], box["y"] + 40)
    lesson.mouse.down()
    # One leap: what lies between is on the way.
    lesson.mouse.move(middle[1], box["y"] + 40)
    lesson.mouse.up()
    assert fold.locator(".open").count() == 0 and fold.locator("polyline").count() == 1
    assert "far larger ones to make up for it" in answer(fold).inner_text()
    assert fold.locator("polyline").count() == 2
    assert fold.locator(".lg-predict__key").is_visible()
    rows = fold.locator("table tr").all_text_contents()
    assert len(rows) == 5 and rows[0].endswith("your curvewhat came out")
    kept = lesson.evaluate(KEPT)[f"{LESSON}#scale-of-weights"]
    assert len(kept["guess"]) == 4 and not kept["right"]
    # A curve that was answered cannot be drawn on.
    lesson.mouse.click(middle[0], box["y"] + 200)
    assert lesson.evaluate(KEPT)[f"{LESSON}#scale-of-weights"] == kept


def test_a_curve_is_drawn_by_keyboard_alone(lesson):
    lesson.locator(f"{CURVE} > summary").focus()
    lesson.keyboard.press("Enter")
    lesson.until(f"document.querySelector('{CURVE} svg text')")
    # From 0.5 of the axis, in steps of 0.02 and 0.1, near what came out.
    for keys in [3 * ["PageDown"], ["PageUp"], 2 * ["PageUp"], 4 * ["PageUp"]]:
        lesson.keyboard.press("Tab")
        assert lesson.evaluate("document.activeElement.getAttribute('role')") == "slider"
        for key in [*keys, "ArrowUp", "ArrowDown"]:
            lesson.keyboard.press(key)
    point = lesson.locator(CURVE).get_by_role("slider").first
    assert point.get_attribute("aria-label") == "Glorot's weights times 1"
    assert point.get_attribute("aria-valuetext") == "1 millionth"
    for key in ["Tab", "Space", "Tab", "Enter"]:
        lesson.keyboard.press(key)
    said = lesson.locator(f"{CURVE} .lg-predict__said")
    assert "Right. Slope times weight" in said.inner_text()
    assert lesson.evaluate(KEPT)[f"{LESSON}#scale-of-weights"]["sure"] == 50


def test_without_a_script_a_fold_asks_and_a_fold_inside_answers(open_page):
    page = open_page(LESSON, java_script_enabled=False)
    fold = page.locator(CHOICE)
    choices, result = fold.locator(".lg-predict__choices"), fold.locator(".lg-predict__result")
    assert not choices.is_visible()
    fold.locator("summary").first.click()
    assert choices.is_visible() and not result.is_visible()
    assert fold.locator("form, input, button[type=submit]").count() == 0
    fold.get_by_text("What came out").click()
    assert result.is_visible()
    replies = fold.locator(".lg-predict__replies > li").all_inner_texts()
    assert len(replies) == 4 and replies[1].startswith("about a tenth, one part in as many layers.")
    page.goto(page.url.replace(LESSON, INTUITION))
    assert "needs JavaScript" in page.locator(".lg-intuition__own").inner_text()
    assert page.locator(".lg-intuition a").count() > 20


def test_what_instant_navigation_brings_asks_as_well(open_page):
    page = open_page("gradients/")
    ready(page)
    page.evaluate("window.stays = true")
    page.locator("article table a[href$='vanishing/']").first.click()
    page.wait_for_url(f"**/{LESSON}")
    page.until("document.querySelector('h1').textContent.startsWith('Vanishing')")
    ready(page)
    fold = unfolded(page, CHOICE)
    fold.get_by_text("about a millionth").click()
    assert "Right." in answer(fold).inner_text()
    assert page.evaluate("window.stays") is True
    assert list(page.evaluate(KEPT)) == [MINE]
    assert page.complaints == []


def test_the_scripts_come_only_where_something_is_asked(open_page):
    page = open_page("reference/notation/")
    page.wait_for_load_state("networkidle")
    loaded = "performance.getEntriesByType('resource').map(one => one.name).join()"
    assert "predict" not in page.evaluate(loaded)
    lesson = open_page("activations/")
    ready(lesson)
    assert "predict.js" in lesson.evaluate(loaded) and "curve.js" not in lesson.evaluate(loaded)


def test_paper_has_no_questions(lesson):
    lesson.emulate_media(media="print")
    assert not lesson.locator(CHOICE).is_visible()


def kept_answers(page, count):
    """Keep so many answers: at 50, 75 and 95 per cent in turn, each second one wrong."""
    page.evaluate(
        """count => {
          const key = `${window.__md_scope.pathname}.predicted`;
          const names = [...document.querySelectorAll(".lg-intuition [data-predict]")]
            .map(one => one.dataset.predict).slice(0, count);
          localStorage.setItem(key, JSON.stringify(Object.fromEntries(names.map((name, at) =>
            [name, {guess: 0, sure: [50, 75, 95][at % 3], right: at % 2 === 0}]))));
        }""",
        count,
    )
    page.reload()
    page.until("document.querySelector('.lg-intuition__own table')")


def test_your_intuition_says_where_you_were_right_and_how_sure(open_page):
    page = open_page(INTUITION)
    own = page.locator(".lg-intuition__own")
    page.until("document.querySelector('.lg-intuition__own').innerText.includes('Nothing is')")
    assert own.get_by_role("link").count() == 1
    assert (
        page.locator(".lg-intuition li").count()
        == (census.counts()["predictions that their block answers"])
    )
    kept_answers(page, 9)
    assert "9 of " in own.inner_text() and "5 of them right" in own.inner_text()
    assert "After 10 answers" in own.inner_text() and own.locator("svg").count() == 0
    kept_answers(page, 12)
    assert own.locator("svg circle").count() == 3
    assert "You expected to be right in 73 % of them, and were in 50 %" in own.inner_text()
    assert "sure, 95 %: 2 of 4 right" in own.inner_text()
    assert re.search(r"Gradients\s+\d+\s+12\s+6 of 12", own.locator("table").inner_text())
    assert page.complaints == []


def test_what_was_missed_leads_back_and_all_can_be_forgotten(open_page, address):
    page = open_page(INTUITION)
    page.until("document.querySelector('.lg-intuition__own').innerText.includes('Nothing is')")
    kept_answers(page, 6)
    own = page.locator(".lg-intuition__own")
    missed = own.locator("ul").last.get_by_role("link")
    assert missed.count() == 3
    sure = own.locator("ul").last.locator("li").all_inner_texts()
    assert sure[0].endswith("(sure)") and sure[-1].endswith("(a guess)")
    where = missed.first.get_attribute("href")
    assert re.search(r"gradients/[a-z-]*/?#predict-", where)
    own.get_by_role("button", name="Forget all").click()
    page.until("document.querySelector('.lg-intuition__own').innerText.includes('Nothing is')")
    assert not [k for k in page.evaluate("Object.keys(localStorage)") if k.endswith("predicted")]
    link = own.get_by_role("link")
    name = link.get_attribute("href").partition("#")[2]
    assert name.startswith("predict-")
    link.click()
    # Above the first title of a section the theme takes the name out of the address again.
    page.until(f"document.getElementById('{name}')?.getBoundingClientRect().top < innerHeight")
    assert page.complaints == []


def test_what_somebody_else_wrote_there_does_no_harm(open_page):
    page = open_page(LESSON)
    for text in ("[1]", "null", "{", json.dumps({MINE: {"guess": 99, "sure": 75, "right": True}})):
        page.evaluate(
            "text => localStorage.setItem(`${window.__md_scope.pathname}.predicted`, text)", text
        )
        page.reload()
        ready(page)
        assert page.locator(CHOICE).get_by_role("button", name="Answer").count() <= 1
    assert page.complaints == []


AXIS = {"low": 1e-8, "high": 1, "log": True, "near": 3}
SAID = {
    "written(0.25)": "0.25",
    "written(3e-7)": "3 × 10⁻⁷",
    "written(1e-8)": "10⁻⁸",
    "written(-0.5)": "−0.5",
    "spoken(0.01)": "1 hundredth",
    "spoken(5e-7)": "5 ten-millionths",
    "spoken(2.5e6)": "2.5 million",
    "spoken(3e-12)": "3 times 10 to the minus 12",
    "share(1e-4, axis)": 0.5,
    "valueAt(0.5, axis).toPrecision(3)": "0.000100",
    "stops(axis).length": 49,
    "stops({low: 0, high: 30, log: false}).length": 31,
    "stops({low: 0, high: 1, log: false})[37]": 0.37,
    "ticks({low: 0, high: 1, log: false})": [0, 0.2, 0.4, 0.6, 0.8, 1],
    "sideOfNumber(3e-4, {...axis, answer: 1e-4})": "right",
    "sideOfNumber(5e-4, {...axis, answer: 1e-4})": "above",
    "sideOfNumber(3e-5, {...axis, answer: 1e-4})": "below",
    "sideOfNumber(7, {low: 0, high: 9, near: 2, answer: 4})": "above",
    "sideOfCurve([0.5, 0.5], {...axis, near: 0.1, y: [1e-4, 1e-5]})": "right",
    "sideOfCurve([0.9, 0.9], {...axis, near: 0.1, y: [1e-4, 1e-5]})": "above",
    "sideOfCurve([0.1, 0.1], {...axis, near: 0.1, y: [1e-4, 1e-5]})": "below",
}


def test_numbers_are_said_and_guesses_judged(open_page, address):
    page = open_page(INTUITION)
    names = "written, spoken, share, valueAt, stops, ticks, sideOfNumber, sideOfCurve"
    found = page.evaluate(
        f"""async () => {{
          const {{ {names} }} = await import("{address}assets/predict/scale.js");
          const axis = {json.dumps(AXIS)};
          return [{", ".join(SAID)}];
        }}"""
    )
    assert dict(zip(SAID, found, strict=True)) == SAID
