"""The callback: when it looks, what it hands on, and what its log holds."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor import Examination, Finding, Watch
from livegrad.doctor._keras import watch as _watch

L = keras.layers


def data(n=64):
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("float32")


def net(built=True):
    start = [keras.Input((8,))] if built else []
    model = keras.Sequential([*start, L.Dense(4, "relu", name="hidden"), L.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return model


def found(*codes):
    findings = tuple(Finding(code, "hidden", "", "", "") for code in codes)
    return Examination(findings, (), (), 0.5, 2.0, 0.25)


@pytest.fixture
def told(monkeypatch):
    """Let each look find what is written down, and keep what it was given."""
    given = []
    answers = [found("frozen"), found("dead-units", "frozen"), found(), found("dead-units")]

    def look(model, x, y, rows, *, trials):
        assert not trials  # which take seconds
        given.append((model, x, y, rows))
        return answers[(len(given) - 1) % 4]

    monkeypatch.setattr(_watch, "examine", look)
    return given


def test_each_code_is_handed_on_once_when_it_is_new(told):
    x, y = data()
    said = []
    watch = Watch(x, y, every=np.int64(2), rows=7, report=lambda f, at: said.append((f.code, at)))
    model = net()
    model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[watch])
    assert [step for step, _ in watch.examinations] == [0, 2, 4, 6, 8]
    assert watch.codes == ("frozen", "dead-units") and said == [("frozen", 0), ("dead-units", 2)]
    for seen in told:
        assert seen[0] is model and seen[1] is x and seen[2] is y and seen[3] == 7


def test_a_second_training_counts_from_its_own_start(told):
    x, y = data()
    watch = Watch(x, y, every=3)
    model = net()
    for _ in range(2):
        model.fit(x, y, batch_size=16, verbose=0, callbacks=[watch])
    assert [step for step, _ in watch.examinations] == [0, 3, 0, 3]
    assert (watch.every, watch.rows, watch.log_dir, watch.report) == (3, 64, None, None)


def test_a_model_without_weights_waits_for_its_first_steps(told):
    x, y = data()
    watch = Watch(x, y, every=2)
    net(built=False).fit(x, y, batch_size=16, verbose=0, callbacks=[watch])
    # On PyTorch and JAX, Keras gives it weights before training begins.
    early = [] if keras.backend.backend() == "tensorflow" else [0]
    assert [step for step, _ in watch.examinations] == [*early, 2, 4]


@pytest.mark.parametrize("every", [True, 0, -1, 2.0, "2", None])
def test_a_pace_that_is_no_count_is_refused(every):
    with pytest.raises(
        ValueError, match=f"^every must be a whole number of at least 1, got {every!r}$"
    ):
        Watch(*data(), every=every)
    assert Watch(*data()).every == 100 and Watch(*data(), every=1).every == 1


def test_the_log_holds_numbers_at_their_steps_and_the_text_of_findings(tmp_path, told):
    x, y = data()
    watch = Watch(x, y, every=2, log_dir=str(tmp_path / "log"))
    net().fit(x, y, batch_size=16, verbose=0, callbacks=[watch])
    assert watch._writer is None
    (path,) = (tmp_path / "log").iterdir()
    events = []
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        events += [(event.step, value.tag, value.tensor) for value in event.summary.value]
    counts = [(s, float(tf.make_ndarray(t))) for s, tag, t in events if tag == "livegrad/findings"]
    assert counts == [(0, 1), (2, 2), (4, 0)]
    for tag, value in [("loss", 0.25), ("product of gains", 0.5), ("product of signal gains", 2.0)]:
        logged = [float(tf.make_ndarray(t)) for _, name, t in events if name == f"livegrad/{tag}"]
        assert logged == [value] * 3
    texts = [
        (s, tf.make_ndarray(t).item().decode()) for s, tag, t in events if tag == "livegrad/report"
    ]
    assert [step for step, _ in texts] == [0, 2]
    assert texts[0][1] == str(found("frozen")) and texts[1][1] == str(found("dead-units", "frozen"))


def test_a_log_is_there_while_training_goes_on(tmp_path, told):
    x, y = data()
    sizes = []

    class Reader(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))

    watch = Watch(x, y, every=1, log_dir=tmp_path)
    net().fit(x, y, batch_size=16, verbose=0, callbacks=[watch, Reader()])
    assert sizes == sorted(set(sizes)) and len(sizes) == 4
