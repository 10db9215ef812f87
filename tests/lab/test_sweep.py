"""One sweep: in order, the same for any number of workers, resumed, and safe from a lost worker."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from livegrad_lab import sweep

# Workers cannot import a test's module: its functions travel by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    monkeypatch.delenv("LIVEGRAD_CACHE", raising=False)


def note(log, number):
    with open(log, "a") as file:
        file.write(f"{number}\n")


def noted(log):
    return [int(line) for line in Path(log).read_text().split()] if Path(log).exists() else []


def square(number, log):
    note(log, number)
    return number**2


def late(number):
    # The first take longest.
    time.sleep(0.05 * (4 - number))
    return number


def product(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((120, 150)) @ rng.standard_normal((150, 120))


def fragile(number, log, cured):
    note(log, number)
    if number == 3 and not Path(cured).exists():
        raise RuntimeError("interrupted")
    return number**2


def threads():
    from threadpoolctl import threadpool_info

    np.ones((4, 4)) @ np.ones((4, 4))
    return {pool["num_threads"] for pool in threadpool_info()}


def grow(run):
    # joblib ends a worker that has grown by 300 MB since its last look, a second ago.
    time.sleep(0.6)
    vars(np).setdefault("grown", []).append(np.ones(25_000_000))
    return os.getpid()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_the_order_of_the_settings(n_jobs):
    assert sweep(late, [{"number": k} for k in range(4)], n_jobs=n_jobs) == [0, 1, 2, 3]


def test_the_number_of_workers_changes_nothing():
    settings = [{"seed": seed} for seed in range(4)]
    one, two = sweep(product, settings, n_jobs=1), sweep(product, settings, n_jobs=2)
    assert all((a == b).all() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_run_has_one_thread_of_linear_algebra(n_jobs):
    assert sweep(threads, [{}], n_jobs=n_jobs) == [{1}]


def test_no_settings_are_no_runs():
    assert sweep(late, []) == []


def test_settings_may_come_from_a_generator():
    assert sweep(late, ({"number": k} for k in (3, 4)), n_jobs=1) == [3, 4]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupted_sweep_resumes(tmp_path, n_jobs):
    log, cured = str(tmp_path / "log"), str(tmp_path / "cured")
    settings = [{"number": k, "log": log, "cured": cured} for k in range(6)]
    with pytest.raises(RuntimeError, match="interrupted"):
        sweep(fragile, settings, n_jobs=n_jobs, cache=tmp_path / "kept")
    before = noted(log)
    assert 3 in before
    Path(cured).touch()
    found = sweep(fragile, settings, n_jobs=n_jobs, cache=tmp_path / "kept")
    assert found == [0, 1, 4, 9, 16, 25]
    again = noted(log)[len(before) :]
    assert not {0, 1, 2} & set(again)
    assert 3 in again


def test_a_repeated_sweep_runs_nothing(tmp_path):
    log = str(tmp_path / "log")
    settings = [{"number": k, "log": log} for k in range(3)]
    first = sweep(square, settings, n_jobs=1, cache=tmp_path / "kept")
    assert sweep(square, settings, n_jobs=1, cache=tmp_path / "kept") == first == [0, 1, 4]
    assert noted(log) == [0, 1, 2]


def test_what_is_new_runs_and_stands_in_its_place(tmp_path):
    log = str(tmp_path / "log")
    sweep(square, [{"number": k, "log": log} for k in (1, 3)], n_jobs=1, cache=tmp_path / "kept")
    settings = [{"number": k, "log": log} for k in (0, 1, 2, 3, 4)]
    assert sweep(square, settings, n_jobs=1, cache=tmp_path / "kept") == [0, 1, 4, 9, 16]
    assert sorted(noted(log)) == [0, 1, 2, 3, 4]


def test_the_place_may_come_from_the_environment(tmp_path, monkeypatch):
    log = str(tmp_path / "log")
    monkeypatch.setenv("LIVEGRAD_CACHE", str(tmp_path / "kept"))
    for _ in range(2):
        assert sweep(square, [{"number": 5, "log": log}], n_jobs=1) == [25]
    assert noted(log) == [5]


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_what_was_kept_and_cannot_be_read_is_computed_anew(tmp_path, damage):
    settings = [{"number": number, "log": str(tmp_path / "log")} for number in range(3)]
    assert sweep(square, settings, n_jobs=1, cache=tmp_path / "kept") == [0, 1, 4]
    kept = sorted((tmp_path / "kept").rglob("output.pkl"))
    assert len(kept) == 3
    if damage is None:
        kept[0].unlink()
    else:
        kept[0].write_bytes(damage)
    for again in range(2):
        assert sweep(square, settings, n_jobs=1, cache=tmp_path / "kept") == [0, 1, 4]
        assert len(noted(tmp_path / "log")) == 4, again


def test_without_a_place_nothing_is_kept(tmp_path):
    log = str(tmp_path / "log")
    for _ in range(2):
        sweep(square, [{"number": 5, "log": log}], n_jobs=1)
    assert noted(log) == [5, 5]


@pytest.mark.parametrize("cache", [None, "kept"])
def test_settings_may_repeat(tmp_path, cache):
    log = str(tmp_path / "log")
    settings = [{"number": k, "log": log} for k in (2, 3, 2, 2)]
    place = tmp_path / cache if cache else None
    for _ in range(2):
        assert sweep(square, settings, n_jobs=1, cache=place) == [4, 9, 4, 4]


def loaded(path, code):
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("changing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run


def test_another_source_is_another_result(tmp_path):
    code = "def run(number):\n    return number {} 10\n"
    setting = [{"number": 7}]
    plus = loaded(tmp_path / "plus.py", code.format("+"))
    times = loaded(tmp_path / "times.py", code.format("*"))
    assert plus.__qualname__ == times.__qualname__ and plus.__module__ == times.__module__
    assert sweep(plus, setting, n_jobs=1, cache=tmp_path / "kept") == [17]
    assert sweep(times, setting, n_jobs=1, cache=tmp_path / "kept") == [70]


def test_the_bar_is_drawn_if_asked_for(tmp_path, capsys):
    settings = [{"number": k, "log": str(tmp_path / "log")} for k in range(3)]
    sweep(square, settings, n_jobs=1, progress=True)
    said = capsys.readouterr().err
    assert "sweep" in said and "3/3" in said
    sweep(square, 10 * settings, n_jobs=1, progress=False)
    sweep(square, 10 * settings, n_jobs=1)  # not a terminal
    assert capsys.readouterr().err == ""


def test_a_terminal_sees_a_bar_when_the_runs_are_many(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    settings = [{"number": k, "log": str(tmp_path / "log")} for k in range(30)]
    sweep(square, settings[:3], n_jobs=1)
    assert capsys.readouterr().err == ""
    sweep(square, settings, n_jobs=1)
    assert "30/30" in capsys.readouterr().err


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_of_the_experiment_is_the_sweeps_and_says_where(n_jobs):
    with pytest.raises(ZeroDivisionError) as raised:
        sweep(inverse, [{"x": 1}, {"x": 0}, {"x": 2}], n_jobs=n_jobs)
    (note,) = raised.value.__notes__
    assert "with {'x': 0}" in note and "return 1 / x" in note


def inverse(x):
    return 1 / x


def test_a_worker_that_grows_is_replaced_and_nobody_waits_for_it():
    # Warnings are errors in these tests: the one that joblib gives then must not stop the sweep.
    assert len(set(sweep(grow, [{"run": run} for run in range(8)], n_jobs=2))) > 2


# An interpreter of its own: its threads do not meet the filters for warnings of these tests.
CLUSTER = """
import os, signal, sys, time
from pathlib import Path

import joblib
import numpy as np
from distributed import Client, LocalCluster

from livegrad_lab import sweep


def storm(seed, mark):
    if seed == 5 and not Path(mark).exists():
        Path(mark).touch()
        # By then what the worker has finished is fetched: it is lost within a run.
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.random.default_rng(seed).normal())


if __name__ == "__main__":
    settings = [{"seed": seed, "mark": sys.argv[1]} for seed in range(16)]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        before = set(client.run(os.getpid).values())
        found = sweep(storm, settings)
        assert set(client.run(os.getpid).values()) != before, "no worker was lost"
    assert found == [float(np.random.default_rng(seed).normal()) for seed in range(16)]
"""


def test_a_cluster_that_loses_a_worker_midway_finds_the_same_numbers(tmp_path):
    script = tmp_path / "experiment.py"
    script.write_text(CLUSTER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, "mark"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mark").exists()
