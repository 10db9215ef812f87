"""What the pages on clusters and on scikit-learn say: the same scores, whoever computes them."""

import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from livegrad_lab import sweep


@pytest.fixture(scope="module")
def address():
    """The address of a cluster of two worker processes."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


def scores():
    """Return the accuracy on each held-out fold, shape (settings, folds)."""
    x, y = load_digits(return_X_y=True)
    # Few rounds and no tolerance: the scores differ from fold to fold, and nothing converges.
    model = make_pipeline(StandardScaler(), SGDClassifier(max_iter=3, tol=None, random_state=0))
    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    grid = {"sgdclassifier__alpha": [1e-4, 1e-1, 10.0]}
    search = GridSearchCV(model, grid, cv=folds, refit=False, error_score="raise")
    search.fit(x[:200], y[:200])
    parts = [f"split{at}_test_score" for at in range(search.n_splits_)]
    return np.array([search.cv_results_[part] for part in parts]).T


def test_a_grid_search_scores_the_same_on_two_workers(address):
    here = scores()
    with Client(address), joblib.parallel_config("dask"):
        there = scores()
    assert np.unique(here).size > 3
    np.testing.assert_array_equal(there, here)


def test_a_sweep_gives_the_same_on_one_worker_on_two_and_in_a_loop(address, tmp_path):
    def draw(seed, count):
        return np.random.default_rng(seed).standard_normal(count).tolist()

    settings = [{"seed": seed, "count": 1 + seed % 3} for seed in range(7)]
    loop = [draw(**setting) for setting in settings]
    with Client(address), joblib.parallel_config("dask"):
        assert sweep(draw, settings, cache=tmp_path / "two") == loop
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as one,
        Client(one),
        joblib.parallel_config("dask"),
    ):
        assert sweep(draw, settings, cache=tmp_path / "one") == loop


def test_both_workers_take_part(address, tmp_path):
    def worker(run):
        import os
        import time

        time.sleep(0.2)
        return os.getpid()

    with Client(address), joblib.parallel_config("dask"):
        assert len(set(sweep(worker, [{"run": run} for run in range(8)], cache=tmp_path))) == 2


def test_a_script_with_a_guard_starts_its_own_cluster(tmp_path):
    script = tmp_path / "experiment.py"
    script.write_text(
        textwrap.dedent("""
            import joblib
            from distributed import Client, LocalCluster

            from livegrad_lab import sweep


            def square(number):
                return number**2


            if __name__ == "__main__":
                with (
                    LocalCluster(n_workers=2, dashboard_address=":0") as cluster,
                    Client(cluster),
                    joblib.parallel_config("dask"),
                ):
                    print(sweep(square, [{"number": n} for n in range(4)], cache="kept"))
        """),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[0, 1, 4, 9]\n"


@pytest.fixture
def keras():
    import keras

    return keras


def test_keras_forgets_fit_arguments_in_a_clone(keras):
    """When this fails, the pitfall on experiments/kfold.md is history: rewrite the page."""
    from sklearn.base import clone

    wrapped = keras.wrappers.SKLearnClassifier(len, fit_kwargs={"epochs": 3})
    assert wrapped.get_params()["fit_kwargs"] == {"epochs": 3}
    assert clone(wrapped).fit_kwargs is None


def test_fit_arguments_reach_each_clone_through_the_search(keras):
    trained = []

    class Counting(keras.Sequential):
        def fit(self, *args, **kwargs):
            history = super().fit(*args, **kwargs)
            trained.append(len(history.epoch))
            return history

    def build(X, y):
        output = keras.layers.Dense(y.shape[1], "softmax")
        model = Counting([keras.Input((X.shape[1],)), output])
        model.compile("sgd", "categorical_crossentropy", run_eagerly=True)
        return model

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), np.array([0, 1] * 10)
    keras.utils.disable_interactive_logging()
    try:
        for wanted, arguments in [(1, {}), (2, {"epochs": 2})]:
            lost = keras.wrappers.SKLearnClassifier(build, fit_kwargs={"epochs": 3})
            GridSearchCV(lost, {"warm_start": [False]}, cv=2, refit=False).fit(x, y, **arguments)
            assert trained == [wanted, wanted]
            trained.clear()
    finally:
        keras.utils.enable_interactive_logging()


def test_a_layer_without_a_seed_draws_from_a_generator_of_the_whole_process(keras):
    import random

    def first(initializer, disturbed):
        keras.utils.set_random_seed(0)
        if disturbed:
            random.random()
        return np.asarray(initializer()(shape=(3, 2)))

    def seeded():
        return keras.initializers.HeNormal(seed=0)

    unseeded = keras.initializers.HeNormal
    assert not np.array_equal(first(unseeded, False), first(unseeded, True))
    np.testing.assert_array_equal(first(seeded, False), first(seeded, True))
