"""Nobody is left out: axe-core, keyboard, reduced motion, formulas, contrast of what is drawn."""

import re
from pathlib import Path

import axe_playwright_python
import pytest

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """tags => axe.run({runOnly: tags, resultTypes: ["violations"]}).then(result =>
  result.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none)
      .map(check => check.message).join("; ")}`)))"""


def violations(page):
    """What axe-core finds on the page that is open, as lines of text."""
    page.evaluate(AXE)
    return page.evaluate(RUN, TAGS)
