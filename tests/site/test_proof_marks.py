"""A reader opens what a sentence rests on: by keyboard, by touch, on paper, and by ear."""

import json
import re

import pytest

PAGE = "gradients/vanishing/"
OPEN = "document.querySelector('.lg-proof-note:popover-open')"
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


def within(page, note):
    """Whether a note lies inside of the window."""
    box, size = note.bounding_box(), page.viewport_size
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= size["width"] + 0.5
        and box["y"] + box["height"] <= size["height"] + 0.5
    )


def test_the_keyboard_opens_and_closes_a_proof(open_page):
    page = open_page(PAGE)
    mark = page.locator("button.lg-proof").first
    mark.focus()
    page.keyboard.press("Enter")
    page.until(OPEN)
    note = page.locator(".lg-proof-note:popover-open")
    assert note.locator("code").count() >= 1 and "true" in note.inner_text()
    assert note.get_attribute("id") == mark.get_attribute("popovertarget")
    assert within(page, note)
    page.keyboard.press("Escape")
    page.until(f"!{OPEN}")
    assert mark.evaluate("mark => mark === document.activeElement")
    assert page.complaints == []


def test_each_mark_has_a_name_and_a_note_with_a_value(open_page):
    page = open_page(PAGE)
    marks = page.locator("button.lg-proof")
    found = marks.evaluate_all(
        """marks => marks.map(mark => {
          const note = document.getElementById(mark.getAttribute("popovertarget"));
          return [mark.getAttribute("aria-label"), note.querySelectorAll(".lg-proof-value").length];
        })"""
    )
    assert len(found) > 10
    assert all(name and values for name, values in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_opens_a_proof_at_the_foot_of_a_phone(open_page, scheme):
    page = open_page(PAGE, color_scheme=scheme, **PHONE)
    mark = page.locator("button.lg-proof").nth(2)
    mark.scroll_into_view_if_needed()
    mark.tap()
    page.until(OPEN)
    note = page.locator(".lg-proof-note:popover-open")
    assert within(page, note)
    assert note.bounding_box()["y"] > PHONE["viewport"]["height"] / 3
    page.touchscreen.tap(100, 120)
    page.until(f"!{OPEN}")


def test_no_line_of_a_phone_begins_with_a_mark(open_page):
    page = open_page(PAGE, **PHONE)
    lines = page.locator("button.lg-proof").evaluate_all(
        """marks => marks.filter(mark => !mark.closest(".lg-proof-line")).map(
          mark => mark.closest(".lg-proof-word")?.getClientRects().length)"""
    )
    assert len(lines) > 10 and set(lines) <= {0, 1}  # 0 in a fold that is closed


def test_on_paper_the_proof_stands_behind_its_sentence(open_page):
    page = open_page(PAGE)
    assert page.locator(".lg-proof-note").first.is_hidden()
    page.emulate_media(media="print")
    assert page.locator(".lg-proof-note").first.is_visible()
    assert page.locator("button.lg-proof").first.is_hidden()


def test_a_search_does_not_find_the_proofs(site):
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert "What this rests on, in this" not in index
    page = (site / PAGE / "index.html").read_text("utf-8")
    items = re.findall(r'<bdi class="lg-proof-item"><code>(.*?)</code>', page)
    said = {one["text"] for one in json.loads(index)["docs"] if one["location"].startswith(PAGE)}
    assert len(items) > 20 and said
    # A name may stand in the lesson too.
    assert [one for one in items if "(" in one and any(one in text for text in said)] == []
