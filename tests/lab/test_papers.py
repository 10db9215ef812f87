"""Each result of a paper earns the label that it claims, and records, rows and pages agree."""

import itertools
import pathlib
import re
from dataclasses import replace

import numpy as np
import pytest

from livegrad import MLP, activations
from livegrad_lab import reproduction
from livegrad_lab.papers import (
    RECORDS,
    edge,
    finite,
    functions,
    masks,
    of_page,
    recurrent,
    selu,
    signal,
    sources,
    table,
    tables,
)
from livegrad_lab.reproduction import Outcome, Reproduction, check, label
from livegrad_lab.sweep import sweep
from livegrad_site.read import fences, sentences

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "experiments" / "papers"
RUN = [record for record in RECORDS if record.run]
BY_KEY = {record.key: record for record in RECORDS}


def same(value):
    """A record that returns this value, or these."""
    return Reproduction(
        "key", "he-2015", "eq. 1", "what", 2.0, "he", "reproduced", lambda: value, tolerance=0.5
    )


def ours(key):
    """What we measure, as the pages have it: where it is kept, a part is run anew each time."""
    return sweep(tables.checked, [{"key": key}], n_jobs=1)[0]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.key)
def test_a_result_earns_the_label_that_it_claims(record):
    outcome = ours(record.key) if record.run else None
    assert label(record, outcome) == record.claim
    if record.claim == "reproduced":
        assert abs(outcome.mean - record.theirs) <= record.tolerance


@pytest.mark.parametrize(
    "key", [record.key for record in RUN if record.claim == "reproduced"], ids=str
)
def test_a_planted_wrong_number_is_caught(key):
    record = BY_KEY[key]
    outcome = ours(key)
    wrong = replace(record, theirs=record.theirs + 3 * record.tolerance)
    assert label(wrong, outcome) != "reproduced"


def test_a_claim_that_is_not_earned_is_refused_with_both_labels():
    wrong = replace(same(3.0), theirs=9.0)
    with pytest.raises(
        ValueError, match=r"key claims 'reproduced': ours 3.00, theirs 9.0, within 0.5: not"
    ):
        check(wrong)


@pytest.mark.parametrize(
    ("value", "earned"),
    [(2.5, "reproduced"), (1.5, "reproduced"), (2.6, "not reproduced"), ([1, 3], "reproduced")],
)
def test_the_tolerance_is_of_the_mean_and_includes_its_end(value, earned):
    record = same(value)
    assert label(record, record.outcome()) == earned


@pytest.mark.parametrize(
    ("value", "earned"), [(0, "qualitative"), (1, "qualitative"), (1.01, "not reproduced")]
)
def test_bounds_include_their_ends(value, earned):
    record = replace(same(value), theirs="less", tolerance=None, bounds=(0, 1), claim="qualitative")
    assert label(record, record.outcome()) == earned


def test_a_number_out_of_tolerance_may_still_keep_the_bounds():
    record = replace(same(5.0), bounds=(4, 6), claim="qualitative")
    assert label(record, check(record)) == "qualitative"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"claim": "proved"}, "claim must be one of"),
        ({"run": None}, "run must be given if and only if"),
        ({"claim": "cited only"}, "run must be given if and only if"),
        ({"tolerance": None}, "tolerance must be above 0"),
        ({"tolerance": 0.0}, "tolerance must be above 0"),
        ({"theirs": "a word"}, "tolerance must be above 0"),
        ({"claim": "qualitative"}, "bounds must be given"),
    ],
)
def test_a_record_that_could_not_fail_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        replace(same(2.0), **change)


def test_an_outcome_says_its_mean_and_its_spread():
    assert str(Outcome((0.25,))) == "0.25"
    assert str(Outcome((1.0, 2.0, 6.0))) == "3 (1 to 6, 3 seeds)"


def test_a_row_holds_paper_place_numbers_and_label():
    (row,) = table([BY_KEY["selu-alpha"]]).splitlines()[2:]
    assert row == (
        "| [Klambauer 2017](../../reference/papers.md#klambauer-2017), eq. 14 | alpha of SELU, "
        "from the fixed point | 1.6733 | 1.673263 | within 5e-05 | reproduced |"
    )


def test_what_is_left_of_rounding_is_shown_as_a_bound():
    (row,) = table([BY_KEY["softplus"]]).splitlines()[2:]
    assert "| 0 | below 1e-08 | within 1e-08 |" in row


def test_what_was_not_run_says_so():
    (row,) = table([BY_KEY["shapeset"]], link=True).splitlines()[2:]
    assert "[table 1](glorot.md)" in row and row.endswith("| 82.61 | not run |  | cited only |")


@pytest.mark.parametrize(
    ("bounds", "said"),
    [((0.5, np.inf), "above 0.5"), ((-np.inf, 2), "below 2"), ((0.5, 2), "0.5 to 2")],
)
def test_bounds_are_said_as_they_are(bounds, said):
    record = replace(same(1.0), theirs="x", bounds=bounds, claim="qualitative")
    assert record.demand == said


def test_keys_are_unique():
    assert len(BY_KEY) == len(RECORDS)


def test_records_rows_and_pages_are_the_same():
    pages = {path.stem for path in FOLDER.glob("*.md")} - {"index"}
    assert pages == {record.page for record in RECORDS}
    order = [page for page, _ in itertools.groupby(record.page for record in RECORDS)]
    nav = re.findall(r"experiments/papers/([a-z-]+)\.md", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert nav == ["index", *order]
    assert "table(RECORDS, link=True)" in sentences.bare((FOLDER / "index.md").read_text("utf-8"))
    for page in pages:
        text = sentences.bare((FOLDER / f"{page}.md").read_text("utf-8"))
        assert f'table(of_page("{page}"))' in text
        for record in of_page(page):
            assert f"reference/papers.md#{record.paper})" in text, record.key


def test_the_index_leads_to_each_page_and_to_what_was_not_reproduced():
    text = sentences.bare((FOLDER / "index.md").read_text("utf-8"))
    for record in RECORDS:
        assert f"({record.page}.md)" in text
    for page, anchor in re.findall(r"\(([a-z-]+)\.md#([a-z-]+)\)", text):
        found = sentences.bare((FOLDER / f"{page}.md").read_text("utf-8"))
        slugs = re.findall(r"^## (.+)$", found, re.MULTILINE)
        assert anchor in {re.sub(r"[^a-z0-9]+", "-", s.lower()) for s in slugs}


def test_each_label_is_used_and_each_paper_listed():
    assert {record.claim for record in RECORDS} == set(reproduction.LABELS)
    listed = (ROOT / "docs" / "reference" / "papers.md").read_text("utf-8")
    for record in RECORDS:
        assert f"{{#{record.paper}}}" in listed


def test_sources_name_each_record_once():
    text = sources(RECORDS)
    assert "not checked" in text
    for record in RECORDS:
        assert record.where in text


def test_an_unknown_page_is_refused():
    with pytest.raises(ValueError, match=r"page must be one of hochreiter-bengio, .*got 'adam'"):
        of_page("adam")


def test_pages_have_their_three_parts():
    for path in FOLDER.glob("*.md"):
        text = path.read_text("utf-8")
        assert '!!! question "The question"' in text
        assert fences.results(text), path.name


# The experiments against an independent oracle.


def test_the_error_surface_has_the_slope_of_finite_differences():
    w, b, step = np.array([4.2, 5.0, 6.1]), np.array([-2.0, -3.1, -1.2]), 1e-6
    surface = recurrent.error_surface(w, b)
    up, down = (recurrent.error_surface(w + s, b).error for s in (step, -step))
    np.testing.assert_allclose(surface.gradient[0], (up - down) / (2 * step), rtol=1e-4, atol=1e-9)
    up, down = (recurrent.error_surface(w, b + s).error for s in (step, -step))
    np.testing.assert_allclose(surface.gradient[1], (up - down) / (2 * step), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(surface.slope, np.linalg.norm(surface.gradient, axis=0))


def test_clipping_bounds_each_step():
    rng = np.random.default_rng(0)
    w, b, error = recurrent.descend(
        rng.uniform(4, 7, 50), rng.uniform(-4, -1, 50), 20, learning_rate=0.1, clip=1.0
    )
    assert w.shape == b.shape == error.shape == (21, 50)
    assert np.hypot(np.diff(w, axis=0), np.diff(b, axis=0)).max() <= 0.1 + 1e-12


@pytest.mark.parametrize(("activation", "limit"), [("tanh", 1), ("sigmoid", 4), ("relu", 1)])
def test_a_product_below_the_threshold_is_below_its_bound(activation, limit):
    assert recurrent.threshold(activation) == limit
    for share in (0.5, 0.9):
        norms = recurrent.longest_product(activation, share * limit, 10, range(3))
        assert max(norms) <= share**10


def test_a_product_of_matrices_grows_by_its_exponent():
    for width in (2, 4, 9):
        found = np.mean(recurrent.growth_measured(width, 3000, range(4)))
        assert found == pytest.approx(recurrent.growth_exponent(width), abs=0.03)


def test_the_variance_map_is_what_a_wide_layer_does():
    z = np.random.default_rng(0).standard_normal(400_000) * np.sqrt(0.7)
    expected = 1.3 * np.mean(np.tanh(z) ** 2) + 0.05
    assert edge.next_variance(0.7, 1.3, 0.05) == pytest.approx(expected, rel=0.01)
    kept = edge.fixed_variance(1.3, 0.05)
    assert edge.next_variance(kept, 1.3, 0.05) == pytest.approx(kept, abs=1e-12)


def test_two_equal_inputs_stay_equal_and_the_map_bends_at_chi():
    assert edge.correlation(1.0, 1.3, 0.05) == pytest.approx(1.0, abs=1e-10)
    step = 1e-4
    slope = (1 - edge.correlation(1 - step, 1.3, 0.05)) / step
    assert slope == pytest.approx(edge.chi(1.3, 0.05), abs=1e-3)
    assert edge.correlation_depth(1.3, 0.05) == pytest.approx(-1 / np.log(edge.chi(1.3, 0.05)))


def test_in_chaos_the_correlation_settles_below_1_with_a_depth_of_its_own():
    assert edge.chi(2.5, 0.05) > 1
    assert 5 < edge.correlation_depth(2.5, 0.05) < 20
    assert edge.correlation(0.999, 2.5, 0.05) < 0.999


def test_a_gaussian_matrix_adds_its_spectrum_of_logarithms():
    rng = np.random.default_rng(0)
    logs, basis = np.zeros(6), np.eye(6)
    for _ in range(3000):
        basis, r = np.linalg.qr(rng.normal(0, 1 / np.sqrt(6), (6, 6)) @ basis)
        logs += np.log(np.abs(np.diag(r)))
    np.testing.assert_allclose(logs / 3000, signal.lyapunov_spectrum(6), atol=0.05)


def test_the_quarter_circle_is_what_a_large_matrix_has():
    weight = np.random.default_rng(0).normal(0, np.sqrt(1 / 3 / 500), (500, 500))
    mean = np.linalg.svd(weight, compute_uv=False).mean()
    assert signal.quarter_circle_mean(1 / 3) == pytest.approx(mean, abs=0.005)


def test_the_second_moment_is_that_of_samples_where_they_can_tell():
    widths = [40, 40, 40]
    sizes = finite.squared_sizes(widths, 20_000, 0)
    assert sizes.mean() == pytest.approx(1, abs=0.02)
    assert np.mean(sizes**2) == pytest.approx(finite.second_moment(widths), rel=0.05)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_networks_are_born_dead_between_the_bounds(width):
    low, high = finite.born_dead_bounds(width, 6)
    assert low - 0.01 <= finite.born_dead(width, 6, 20_000, 1) <= high + 0.01
    assert low <= finite.born_dead_bound_of_paper(width, 6) <= high


def test_selus_constants_are_those_of_the_package():
    alpha, scale = selu.constants()
    slope = activations.selu.derivative(np.array([-1e-12, 1.0]))
    np.testing.assert_allclose(slope, [alpha * scale, scale], rtol=1e-9)
    np.testing.assert_allclose(selu.next_moments(0, 1), [0, 1], atol=1e-12)


def test_selus_moments_are_those_of_samples():
    z = np.random.default_rng(0).standard_normal(1_000_000) * np.sqrt(1.7)
    a = activations.selu(z)
    np.testing.assert_allclose(selu.next_moments(0.3, 1.7), [a.mean(), a.var()], atol=0.01)


def test_the_mean_over_masks_is_that_of_drawn_masks():
    rng = np.random.default_rng(0)
    x, y, w = rng.standard_normal((6, 5)), rng.standard_normal(6), rng.standard_normal(5)
    drawn = rng.random((40_000, 6, 5)) < 0.7
    losses = np.sum((y - (drawn * x) @ w) ** 2, axis=1)
    assert masks.enumerated_loss(x, y, w, 0.7) == pytest.approx(losses.mean(), rel=0.01)


def test_the_rate_of_the_spread_over_masks_lies_inside_its_grid():
    rate, ratios = masks.spread_ratio(tuple(range(5)))
    assert masks.RATES[0] < rate < masks.RATES[-1] and len(ratios) == 5


def test_the_spread_over_masks_is_that_of_the_rate_with_the_lowest_validation_loss(monkeypatch):
    losses = {0: [(3.0, 7.0), (1.0, 8.0)], 1: [(0.0, 9.0), (2.5, 6.0)]}
    monkeypatch.setattr(masks, "sweep", lambda run, todo, n_jobs: [losses[s["seed"]] for s in todo])
    assert masks.spread_ratio.__wrapped__((0, 1)) == (masks.RATES[0], (7.0, 9.0))


def test_lsuv_scales_each_layer_once_and_keeps_the_tolerance():
    net = MLP([20, 30, 25, 1], "tanh", "orthogonal", rng=0)
    x = 5 * np.random.default_rng(0).standard_normal((200, 20))
    assert functions.lsuv(net, x) == [1, 1]
    assert [z.var() for z in net.forward(x).z[:-1]] == pytest.approx([1, 1], abs=1e-9)
    assert functions.lsuv(net, x) == [0, 0]


def test_a_layer_without_signal_is_scaled_at_most_so_often():
    net = MLP([3, 4, 1], "tanh", "orthogonal", rng=0)
    x = np.random.default_rng(0).standard_normal((50, 3))
    assert functions.lsuv(net, x, tolerance=0.0, tries=2)[0] <= 2


def test_the_unit_gain_gives_a_mean_square_of_1():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    for name in ("tanh", "relu", "sigmoid"):
        a = functions.unit_gain(name) * activations.get(name)(z)
        assert np.mean(a * a) == pytest.approx(1, abs=0.01)


def test_the_floor_is_the_loss_of_softmax_fed_twice():
    twice = np.exp(np.eye(7)[0]) / np.exp(np.eye(7)[0]).sum()
    assert functions.logit_floor(7) == pytest.approx(-np.log(twice[0]))
