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


def _rate(patient: Patient, mended: bool, rate: float) -> Patient:
    """Set the very rate that the doctor names, where it is to be mended."""
    from livegrad.doctor import examine

    patient.model.optimizer.learning_rate = rate
    if mended:
        found = examine(patient.model, patient.x, patient.y).findings[0]
        patient.model.optimizer.learning_rate = float(found.fix.rpartition("=")[2])
    return patient
