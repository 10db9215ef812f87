"""Faults of the step: the learning rate, and layers that take none."""

from __future__ import annotations

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import adam, binary, corners, measured, net, sgd, two_classes


@fault("SGD's rate too high", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _sgds_rate_too_high(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 2, end=None)
    model.compile(sgd(0.05 if mended else 5.0), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 5.0)


@fault("Adam's rate too high", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _adams_rate_too_high(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 4, end=None)
    model.compile(adam(3.0), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 3.0)


@fault("the rate far too low", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _the_rate_far_too_low(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 2, end=None)
    model.compile(sgd(1e-8), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 1e-8)


@fault("everything frozen", "frozen", "model", "model.trainable = True")
def _everything_frozen(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 2)
    model.trainable = mended
    return two_classes(model, x, y)


@fault("a layer frozen as chance made it", "frozen", "hidden_1", "trainable = True")
def _a_layer_frozen_as_chance_made_it(mended: bool) -> Patient:
    x, y = corners()
    model = net(x, 2, width=4)
    model.layers[0].trainable = mended
    return two_classes(model, x, y, adam(0.02))


@fault("a penalty of ten on all weights", "strong-penalty", "hidden_1", "L2(")
def _a_penalty_of_ten_on_all_weights(mended: bool) -> Patient:
    import keras

    x, y = binary()
    penalty = keras.regularizers.L2(1e-4 if mended else 10.0)
    return two_classes(net(x, 2, kernel_regularizer=penalty), x, y)


@fault("all examples in one batch", "batch-size", "data", "batch_size=32")
def _all_examples_in_one_batch(mended: bool) -> Patient:
    x, y = binary()
    optimizer = sgd(0.03)
    return two_classes(net(x, 2), x, y, optimizer, batch=16 if mended else 256, epochs=12)


@fault("Adam on weights of half precision", "precision", "optimizer", "LossScaleOptimizer")
def _adam_on_weights_of_half_precision(mended: bool) -> Patient:
    x, y = binary()
    return two_classes(net(x, 3, dtype="float32" if mended else "float16"), x, y)


def _rate(patient: Patient, mended: bool, rate: float) -> Patient:
    """Set the very rate that the doctor names, where it is to be mended."""
    from livegrad.doctor import examine

    patient.model.optimizer.learning_rate = rate
    if mended:
        found = examine(patient.model, patient.x, patient.y).findings[0]
        patient.model.optimizer.learning_rate = found.advised
    return patient
