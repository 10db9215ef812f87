"""A prediction that was answered is no wider than the phone it was answered on."""

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def test_a_curve_that_was_drawn_fits_a_phone(open_page):
    page = open_page("initializers/symmetry-and-scale/", **PHONE)
    fold = page.locator("#predict-too-small-too-large")
    page.until('document.querySelector("#predict-too-small-too-large[data-ready]")')
    if not fold.evaluate("fold => fold.open"):
        fold.locator("summary").click()
    for point in fold.locator("[role=slider]").all():
        point.press("End")
    fold.locator(".lg-predict__sure input").first.check()
    fold.locator("button[type=submit]").click()
    # Its numbers, which are long in words, are for a screen reader alone.
    assert "times 10 to the minus" in fold.locator("table").text_content()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.complaints == []


def test_what_stands_beside_a_long_choice_is_not_broken(open_page):
    page = open_page("gradients/vanishing/", **PHONE)
    fold = page.locator("#predict-first-gradient")
    page.until('document.querySelector("#predict-first-gradient[data-ready]")')
    fold.locator("summary").click()
    fold.get_by_text("as much as before, the sum over more paths").click()
    fold.locator(".lg-predict__sure input").first.check()
    fold.locator("button[type=submit]").click()
    mark = fold.locator("[data-mark=missed] .lg-predict__mark")
    assert mark.inner_text() == "(your guess)"
    lines = """mark => {
      const range = document.createRange();
      range.selectNodeContents(mark);
      return range.getClientRects().length;
    }"""
    assert mark.evaluate(lines) == 1
    assert page.complaints == []
