"""The claims in the code, on the pages and in the table of verdicts are the same ones."""

import ast
import dataclasses
import inspect
import pathlib
import re

import numpy as np
import pytest

from livegrad import MLP, outputs
from livegrad_lab import asked, claims
from livegrad_lab.chance import holm
from livegrad_lab.claims import _best, activations, dropout, initializers
from livegrad_lab.claims.outputs import SquaredError, softmax_inside
from livegrad_lab.panel import examples
from livegrad_lab.stack import Arm
from livegrad_site.read import fences, sentences

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {
    topic: sentences.bare((ROOT / f"docs/experiments/claims/{topic}.md").read_text("utf-8"))
    for topic in claims.TOPICS
}
STATEMENTS = sentences.bare((ROOT / "docs/reference/statements.md").read_text("utf-8"))
HOME = {claim.code: topic for topic, found in claims.TOPICS.items() for claim in found}


def section(code):
    """Return what the claim's page says of it."""
    parts = re.split(r"^## .+\{#([a-z0-9-]+)\}$", PAGES[HOME[code]], flags=re.MULTILINE)
    return parts[parts.index(code) + 1]


def flowing(text):
    return " ".join(text.split())


def test_each_claim_has_one_section_on_its_topics_page_in_order():
    for topic, found in claims.TOPICS.items():
        anchors = re.findall(r"^## .+\{#([a-z0-9-]+)\}$", PAGES[topic], re.MULTILINE)
        others = [one.code for one in asked.ASKED.values() if one.topic == topic]
        assert anchors == [claim.code for claim in found] + others


def test_each_claim_has_its_own_code():
    assert len(claims.CLAIMS) == sum(map(len, claims.TOPICS.values()))


def test_each_claim_and_each_case_is_in_the_table():
    rows = claims.table(claims.trials()).splitlines()[2:]
    linked = [re.findall(r"\]\(([a-z]+)\.md#([a-z-]+)\)", row) for row in rows]
    assert [link for found in linked for link in found] == [(t, c) for c, t in HOME.items()]
    assert len(rows) == claims.ON_TRIAL


def test_the_table_shows_the_p_value_of_the_side_that_was_decided():
    results = claims.trials()
    rows = iter(claims.table(results).splitlines()[2:])
    outcomes = set()
    for found in (case for result in results for case in result.cases):
        *_, shown, outcome, _ = (part.strip() for part in next(rows).split("|"))
        assert outcome == found.outcome
        said, contrary = (f"{p:.1e}" for p in found.corrected)
        if found.case.relation == "exactly":
            assert shown == "an identity"
            continue
        outcomes.add(outcome)
        ways = {"borne out": said, "contradicted": contrary, "open": f"{said} and {contrary}"}
        assert shown == ways[outcome]
    assert outcomes == {"borne out", "contradicted", "open"}


def test_no_identity_has_a_p_value():
    # What is 0 in each seed is so by algebra, and not by chance.
    cases = [case for result in claims.trials() for case in result.cases]
    asked_by_chance = [found for found in cases if found.case.relation == "equal"]
    assert asked_by_chance and all(found.differences.any() for found in asked_by_chance)


def test_the_family_has_room_for_each_case():
    assert sum(len(claim.cases) for claim in claims.CLAIMS.values()) <= claims.FAMILY == 100
    cases = claims.trial("squared-error-is-slower").cases
    for side in (0, 1):  # what is said, and its contrary
        expected = np.minimum(2 * 100 / len(cases) * holm([case.p[side] for case in cases]), 1)
        assert [case.corrected[side] for case in cases] == pytest.approx(list(expected))


@pytest.mark.parametrize("code", claims.CLAIMS)
def test_a_claims_section_says_what_its_record_says(code):
    claim, said = claims.find(code), section(code)
    assert f"> {claim.statement}\n" in said
    assert f'print(claims.trial("{code}"))' in said
    assert flowing(f"**What would change it:** {claim.changes}") in flowing(said)
    name = f"livegrad_lab.claims.{HOME[code]}.{claim.experiment.__name__}"
    assert f"\n::: {name}\n" in said
    for source in claim.source.split("; "):
        assert f"[{source}](../../reference/" in said


@pytest.mark.parametrize("code", claims.CLAIMS)
def test_the_verdict_on_the_page_is_the_one_computed(code):
    result = claims.trial(code)
    assert f"**Verdict:** {result.verdict}." in flowing(section(code))
    (output,) = [fence.code for fence in fences.find(section(code)) if fence.is_output]
    assert flowing(f"verdict: {result.verdict}") in flowing(output)


@pytest.mark.parametrize("code", claims.CLAIMS)
def test_each_claim_is_tried_over_at_least_ten_seeds(code):
    result = claims.trial(code)
    assert {len(values) for values in result.values.values()} == {claims.find(code).seeds}
    assert claims.find(code).seeds >= 10


@pytest.mark.parametrize("code", claims.CLAIMS)
def test_a_seed_alone_gives_what_the_sweep_gave(code):
    alone = claims.seed_of(code, 1)
    # But for the last digit, which another process may round in another way.
    swept = {arm: values[1] for arm, values in claims.trial(code).values.items()}
    assert alone == pytest.approx(swept, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("code", claims.CLAIMS)
def test_each_case_compares_arms_that_the_experiment_has(code):
    arms = claims.trial(code).values
    for case in claims.find(code).cases:
        assert case.left in arms
        assert not isinstance(case.right, str) or case.right in arms


def test_statements_lead_to_the_claims_that_try_them():
    for code, claim in claims.CLAIMS.items():
        for statement in re.findall(r"\bS\d+\b", claim.source):
            part = STATEMENTS.split(f"{{#{statement.lower()}}}")[1].split("\n## ")[0]
            assert f"(../experiments/claims/{HOME[code]}.md#{code})" in part


def test_claims_that_are_linked_exist():
    linked = re.findall(r"experiments/claims/([a-z]+)\.md#([a-z0-9-]+)\)", STATEMENTS)
    homes = HOME | {code: one.topic for code, one in asked.ASKED.items()}
    assert linked and all(homes[code] == topic for topic, code in linked)


def test_an_unknown_claim_is_named():
    with pytest.raises(ValueError, match=r"code must be one of relu-cures-vanishing, .*'relu'"):
        claims.trial("relu")


def test_a_claim_is_tried_once_in_a_process(monkeypatch):
    ran = []
    monkeypatch.setattr(claims, "_tried", {})
    monkeypatch.setattr(
        claims, "sweep", lambda run, settings: [ran.append(s) or run(**s) for s in settings]
    )
    first = claims.trial("dropout-keeps-the-mean")
    assert claims.trial("dropout-keeps-the-mean") is first
    assert [s["seed"] for s in ran] == list(range(16))


def test_no_experiment_takes_randomness_from_elsewhere():
    for claim in claims.CLAIMS.values():
        tree = ast.parse(inspect.getsource(inspect.getmodule(claim.experiment)))
        calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not [call for call in calls if "default_rng()" in call or "np.random.seed" in call]


def test_an_arm_is_compared_at_the_rate_with_the_lowest_training_loss():
    data = examples("digits", 0)[0]
    arms = {"relu": Arm(), "tanh": Arm("tanh")}
    stack, best = _best.best_rates(data, 0, [16], arms, (1e-4, 0.1, 50.0), epochs=5)
    loss = stack.loss(*data)
    for name, label in best.items():
        assert loss[label] == min(loss[other] for other in loss if other.startswith(name))
        assert label == f"{name} at 0.1"


def at_ends(monkeypatch, experiment, rates=None):
    """Arms that learn and whose best rate lies at an end of its grid, for one seed."""
    found, choose = [], _best.best_rates

    def watched(data, seed, hidden, arms, given, epochs=12, optimizer="sgd"):
        grid = rates or given
        stack, best = choose(data, seed, hidden, arms, grid, epochs, optimizer)
        loss = stack.loss(*data)
        ends = {f"{name} at {rate:g}" for name in arms for rate in (grid[0], grid[-1])}
        found.extend(label for label in best.values() if label in ends and loss[label] < 2.0)
        return stack, best

    for module in (_best, activations):
        monkeypatch.setattr(module, "best_rates", watched)
    experiment(0)
    return found


@pytest.mark.parametrize("experiment", [activations.zero_centred, softmax_inside])
def test_no_best_rate_lies_at_an_end_of_its_grid(monkeypatch, experiment):
    assert at_ends(monkeypatch, experiment) == []


@pytest.mark.parametrize(
    ("experiment", "arm"),
    [(activations.zero_centred, "tanh at 0.3"), (softmax_inside, "relu, depth 1 at 0.3")],
)
def test_a_best_rate_at_an_end_of_its_grid_is_named(monkeypatch, experiment, arm):
    assert arm in at_ends(monkeypatch, experiment, (0.03, 0.1, 0.3))


def test_killed_units_are_dead_by_a_narrow_margin():
    x = examples("digits", 0)[0][0]
    for layer in (0, 1):
        net = MLP([64, 32, 32, 10], "relu", head="multiclass", rng=0)
        before = net.forward(x).z[layer][:, :8]
        activations.kill(net, layer, x)
        after = net.forward(x).z[layer][:, :8]
        assert after.max() < 0
        np.testing.assert_allclose(after.max(axis=0), -0.05 * before.std(axis=0))
        assert activations.revived(net, layer, x) == 0
        net.biases[layer][:2] += 100
        assert activations.revived(net, layer, x) == 2 / 8


def test_how_far_the_units_of_a_layer_are_apart():
    alike = np.array([[1.0, 1.0], [2.0, 2.0]])
    assert initializers.apart(alike) == 0
    assert initializers.apart(np.eye(2)) == pytest.approx(np.sqrt(0.5))


def test_the_mean_over_masks_is_that_of_many_draws():
    exact = dropout.mean_signal(0)
    rng = np.random.default_rng(0)
    a = np.maximum(rng.standard_normal((50, 8)), 0)
    weights = rng.standard_normal((8, 200)) / 2
    masks = np.random.default_rng(1).random((4000, 1, 8)) < 0.5
    plain = np.maximum(a @ weights, 0)
    moved = np.maximum((a * masks / 0.5) @ weights, 0).mean(axis=0) - plain
    assert np.abs(moved).mean() / plain.mean() == pytest.approx(exact["relu"], rel=0.05)


def test_the_squared_errors_gradient_is_that_of_finite_differences():
    head = SquaredError(**dataclasses.asdict(outputs.head("binary")))
    logits, y = np.array([[-2.0], [0.5], [3.0]]), np.array([1, 0, 1])
    seen = np.zeros((3, 1))
    for at in range(3):
        step = np.zeros((3, 1))
        step[at] = 1e-6
        up, down = head.loss_value(logits + step, y), head.loss_value(logits - step, y)
        seen[at] = (up - down) / 2e-6
    np.testing.assert_allclose(head.gradient(logits, y), seen, rtol=1e-6)
