"""Learning curves are those of the networks that they name, at the rate that they say."""

import numpy as np

from livegrad_lab import followed, panel, practices


def test_a_curve_is_of_the_deepest_and_widest_at_the_rate_that_is_best_at_the_end():
    found = followed.run("large batch", "momentum", 3)["large batch"]
    (x, y), (x_valid, y_valid), (x_test, y_test) = panel.examples("digits", 3)
    net = practices.built(practices.GROUPS["large batch"], x, 10, "momentum", 8, 32, 3)
    net.fit(x, y, 6, 200)
    early = (net.logits(x_test).argmax(axis=-1) == y_test).mean(axis=1)  # (rates,)
    net.fit(x, y, 54, 200)
    valid = (net.logits(x_valid).argmax(axis=-1) == y_valid).mean(axis=1)
    best = valid.argmax()
    late = (net.logits(x_test).argmax(axis=-1) == y_test).mean(axis=1)
    assert len(found) == 10
    np.testing.assert_allclose([found[0], found[-1]], [early[best], late[best]], atol=0.002)
    # Another rate would have given other curves.
    assert early.max() - early[best] > 0.01 or np.ptp(late) > 0.1


def test_each_arm_of_both_panels_is_followed_with_each_optimizer():
    todo = followed.settings()
    assert len({tuple(one.items()) for one in todo}) == len(todo)
    assert len(todo) == (1 + len(practices.GROUPS)) * 3 * followed.SEEDS
