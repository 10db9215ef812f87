"""What the panels are asked, and that the pages say what they answer."""

import pathlib
import re

import numpy as np
import pytest

from livegrad_lab import asked, claims, followed, panel, practices, verdicts
from livegrad_lab.asked import Answer
from livegrad_lab.verdicts import POINTS, Decided, Setting
from livegrad_site.read import fences, sentences

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATEMENTS = sentences.bare((ROOT / "docs/reference/statements.md").read_text("utf-8"))


def page(topic):
    return sentences.bare((ROOT / f"docs/experiments/claims/{topic}.md").read_text("utf-8"))


def section(code):
    parts = re.split(r"^## .+\{#([a-z0-9-]+)\}$", page(asked.find(code).topic), flags=re.MULTILINE)
    return parts[parts.index(code) + 1]


def flowing(text):
    return " ".join(text.split())


@pytest.mark.parametrize("code", asked.ASKED)
def test_a_claims_section_says_what_its_record_says_and_what_was_answered(code):
    claim, said = asked.find(code), section(code)
    assert f"> {claim.statement}\n" in said
    assert f'print(asked.ask("{code}"))' in said
    for source in claim.source.split("; "):
        assert f"[{source}](../../reference/" in said
    verdict = asked.ask(code).verdict
    assert f"**Verdict:** {verdict}." in flowing(said)
    (output,) = [fence.code for fence in fences.find(said) if fence.is_output]
    assert flowing(f"verdict: {verdict}") in flowing(output)


def test_claims_that_are_asked_and_claims_on_trial_are_at_least_35():
    assert not asked.ASKED.keys() & claims.CLAIMS.keys()
    assert len(asked.ASKED) + len(claims.CLAIMS) >= 35


def test_statements_lead_to_the_claims_that_are_asked():
    for code, claim in asked.ASKED.items():
        for statement in re.findall(r"\bS\d+\b", claim.source):
            part = STATEMENTS.split(f"{{#{statement.lower()}}}")[1].split("\n## ")[0]
            assert f"(../experiments/claims/{claim.topic}.md#{code})" in part


def test_each_comparison_has_its_arms_and_is_asked_by_one_claim():
    networks = {name for group in practices.GROUPS.values() for name in group.networks}
    arms = {panel: set(panel.ARMS), practices: networks}
    every = [one for claim in asked.ASKED.values() for one in claim.comparisons]
    assert len(every) == len(set(every))
    for claim in asked.ASKED.values():
        for one in claim.comparisons:
            assert {one.left, one.right} <= arms[claim.of]
            assert not one.rate_of or one.rate_of in arms[claim.of]
    assert set(verdicts.COMPARISONS) <= set(every)


def test_all_settings_of_a_panel_are_answered():
    for claim in asked.ASKED.values():
        answer = asked.ask(claim.code)
        for one in claim.comparisons:
            assert len(answer.of(one)) == (12 if "attention" in one.left else 48)


def made(*outcomes):
    claim = asked.find("decay-is-l2")
    (one,) = claim.comparisons
    cases = [
        Decided(one, Setting("digits", "sgd", 3, 16, POINTS[k % 2]), np.arange(3.0), (0, 0), said)
        for k, said in enumerate(outcomes)
    ]
    return Answer(claim, tuple(cases))


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["borne out"] * 2, "borne out in all 2 cases"),
        (["borne out", "open"], "borne out in 1 of 2 cases, contradicted in 0, open in 1"),
        (["contradicted", "open"], "not borne out: contradicted in 1, open in 1 of 2 cases"),
    ],
)
def test_a_verdict_counts_the_cases(outcomes, verdict):
    assert made(*outcomes).verdict == verdict


def test_rows_say_where_the_claim_holds():
    cases, holds = made("borne out", "open").rows()
    named = "weight decay and L2 are alike"
    assert list(cases) == list(holds) == [f"{named}, early", f"{named}, at the end"]
    assert set(holds.values()) == {(-0.02, 0.02)}
    ((mean, low, high, said),) = cases[f"{named}, early"]
    assert (mean, said) == (1.0, "borne out")
    assert low == pytest.approx(1 - 4.302653 / np.sqrt(3)) and high == pytest.approx(2 - low)
    assert asked.ask("dropout-always-helps").rows()[1]["dropout 0.2 beats none, early"] == (
        0.01,
        np.inf,
    )


@pytest.mark.parametrize("code", asked.ASKED)
def test_the_curves_are_of_the_claims_arms(code):
    found = asked.curves(code, "sgd")
    asked_of = asked.find(code).comparisons
    arms = {arm for one in asked_of for arm in (one.left, one.rate_of or one.right)}
    assert found.keys() <= arms and 2 <= len(found) == min(len(arms), 4)
    assert {values.shape for values in found.values()} == {(followed.SEEDS, 10)}
    assert all(((values >= 0) & (values <= 1)).all() for values in found.values())


def test_the_table_and_the_overview_have_each_comparison():
    count = sum(len(claim.comparisons) for claim in asked.ASKED.values())
    assert len(asked.table().splitlines()) == count + 2
    cases, holds = asked.overview()
    assert len(cases) == len(holds) == count


def test_an_unknown_claim_is_named():
    with pytest.raises(ValueError, match=r"code must be one of leaky-or-elu-beats-relu, .*'relu'"):
        asked.ask("relu")
