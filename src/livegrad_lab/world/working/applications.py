"""The architectures that Keras ships, untrained, each at its smallest pictures.

They are compiled as their authors trained them, with the rate that goes with large batches where
the recipe scales it; no steps are taken here, which would be slow.
"""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import pictures


def _momentum(rate: float = 0.1, decay: float | None = 1e-4, nesterov: bool = False) -> Any:
    import keras

    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=nesterov, weight_decay=decay)


def _rms(rate: float, epsilon: float, momentum: float = 0.9, **more: Any) -> Any:
    import keras

    return keras.optimizers.RMSprop(rate, rho=0.9, momentum=momentum, epsilon=epsilon, **more)


def _untrained(name: str, module: str, size: int, optimizer: Any, smooth: float = 0) -> Patient:
    """Return the architecture of that name, its pictures prepared by the module's own function."""
    import keras

    x, y = pictures(32, size, 10)
    build, prepare = getattr(keras.applications, name), getattr(keras.applications, module)
    # A class more or less is all the same to the body; ten are what small pictures come in.
    model = build(weights=None, input_shape=(size, size, 3), classes=10)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smooth)
    model.compile(optimizer, loss, metrics=["accuracy"])
    target = keras.utils.to_categorical(y, 10)
    # Of a copy: some of the functions change what they are given.
    return Patient(
        model, prepare.preprocess_input(x.copy()), target, y, "class", epochs=0, batch=16
    )


@healthy("ResNet50", "keras.io/api/applications/resnet, arxiv.org/abs/1512.03385")
def _resnet50(mended: bool) -> Patient:
    return _untrained("ResNet50", "resnet", 32, _momentum())


@healthy("ResNet101", "keras.io/api/applications/resnet (101), arxiv.org/abs/1512.03385")
def _resnet101(mended: bool) -> Patient:
    return _untrained("ResNet101", "resnet", 32, _momentum())


@healthy("ResNet50V2", "keras.io/api/applications/resnet (V2), arxiv.org/abs/1603.05027")
def _resnet50_v2(mended: bool) -> Patient:
    return _untrained("ResNet50V2", "resnet_v2", 32, _momentum())


@healthy("MobileNet", "keras.io/api/applications/mobilenet, arxiv.org/abs/1704.04861")
def _mobilenet(mended: bool) -> Patient:
    return _untrained("MobileNet", "mobilenet", 32, _rms(0.045, 1.0))


@healthy("MobileNetV2", "keras.io/api/applications/mobilenet (V2), arxiv.org/abs/1801.04381")
def _mobilenet_v2(mended: bool) -> Patient:
    return _untrained("MobileNetV2", "mobilenet_v2", 32, _rms(0.045, 1.0))


@healthy("MobileNetV3Small", "keras.io/api/applications/mobilenet (V3), arxiv.org/abs/1905.02244")
def _mobilenet_v3_small(mended: bool) -> Patient:
    # 0.1 for 4096 pictures a step, scaled to 256.
    return _untrained("MobileNetV3Small", "mobilenet_v3", 32, _rms(0.00625, 1e-3))


@healthy("MobileNetV3Large", "keras.io/api/applications/mobilenet (V3 large)")
def _mobilenet_v3_large(mended: bool) -> Patient:
    return _untrained("MobileNetV3Large", "mobilenet_v3", 32, _rms(0.00625, 1e-3))


@healthy("EfficientNetB0", "keras.io/api/applications/efficientnet, arxiv.org/abs/1905.11946")
def _efficientnet_b0(mended: bool) -> Patient:
    return _untrained("EfficientNetB0", "efficientnet", 32, _rms(0.016, 1e-3), 0.1)


@healthy("EfficientNetB1", "keras.io/api/applications/efficientnet (B1)")
def _efficientnet_b1(mended: bool) -> Patient:
    return _untrained("EfficientNetB1", "efficientnet", 32, _rms(0.016, 1e-3), 0.1)


@healthy("EfficientNetV2B0", "keras.io/api/applications/efficientnet_v2, arxiv.org/abs/2104.00298")
def _efficientnet_v2_b0(mended: bool) -> Patient:
    return _untrained(
        "EfficientNetV2B0", "efficientnet_v2", 32, _rms(0.016, 1e-3, weight_decay=1e-5), 0.1
    )


@healthy("DenseNet121", "keras.io/api/applications/densenet, arxiv.org/abs/1608.06993")
def _densenet121(mended: bool) -> Patient:
    return _untrained("DenseNet121", "densenet", 32, _momentum(nesterov=True))


@healthy("DenseNet169", "keras.io/api/applications/densenet (169)")
def _densenet169(mended: bool) -> Patient:
    return _untrained("DenseNet169", "densenet", 32, _momentum(nesterov=True))


@healthy("Xception", "keras.io/api/applications/xception, arxiv.org/abs/1610.02357")
def _xception(mended: bool) -> Patient:
    return _untrained("Xception", "xception", 71, _momentum(0.045, 1e-5))


@healthy("InceptionV3", "keras.io/api/applications/inceptionv3, arxiv.org/abs/1512.00567")
def _inception_v3(mended: bool) -> Patient:
    rms = _rms(0.045, 1.0, 0.0, global_clipnorm=2.0)
    return _untrained("InceptionV3", "inception_v3", 75, rms, 0.1)


@healthy(
    "InceptionResNetV2", "keras.io/api/applications/inceptionresnetv2, arxiv.org/abs/1602.07261"
)
def _inception_resnet_v2(mended: bool) -> Patient:
    return _untrained("InceptionResNetV2", "inception_resnet_v2", 75, _rms(0.045, 1.0, 0.0), 0.1)


@healthy("VGG16", "keras.io/api/applications/vgg, arxiv.org/abs/1409.1556")
def _vgg16(mended: bool) -> Patient:
    return _untrained("VGG16", "vgg16", 32, _momentum(0.01, 5e-4))


@healthy("NASNetMobile", "keras.io/api/applications/nasnet, arxiv.org/abs/1707.07012")
def _nasnet_mobile(mended: bool) -> Patient:
    return _untrained("NASNetMobile", "nasnet", 32, _rms(0.04, 1.0, clipnorm=10.0), 0.1)


@healthy("ConvNeXtTiny", "keras.io/api/applications/convnext, arxiv.org/abs/2201.03545")
def _convnext_tiny(mended: bool) -> Patient:
    import keras

    # From nothing up to 0.004 in the first 20 of 300 epochs, and down along a cosine.
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, 280 * 313, warmup_target=4e-3, warmup_steps=20 * 313
    )
    return _untrained(
        "ConvNeXtTiny", "convnext", 32, keras.optimizers.AdamW(rate, weight_decay=0.05), 0.1
    )
