"""Evidence as a run of the course's notebook leaves it, on MobileNetV2 at 160x160, with handles to spoil it.

textbook()                               the right solution on Keras 2
textbook("3")                            the same on Keras 3, whose `fit` moves the statistics
textbook(finetuning=None)                phase 2 never ran
textbook(calls=(call("unset"),))         `training=False` forgotten
"""

from __future__ import annotations

from typing import Any, Literal

from grader.checks import all_checks, run_checks
from grader.evidence import (
    Base,
    BaseCall,
    BaseLayer,
    CellRun,
    Drift,
    Environment,
    Evidence,
    HeadState,
    Model,
    Notebook,
    Phase,
    Place,
    StoreComparison,
)
from grader.policy import Policy
from grader.results import CheckResult

BLOCKS = (
    (0, 32, 16, 1, 1),
    *((1, 16, 24, 6, 2), (2, 24, 24, 6, 1)),
    *((3, 24, 32, 6, 2), (4, 32, 32, 6, 1), (5, 32, 32, 6, 1)),
    *((6, 32, 64, 6, 2), (7, 64, 64, 6, 1), (8, 64, 64, 6, 1), (9, 64, 64, 6, 1)),
    *((10, 64, 96, 6, 1), (11, 96, 96, 6, 1), (12, 96, 96, 6, 1)),
    *((13, 96, 160, 6, 2), (14, 160, 160, 6, 1), (15, 160, 160, 6, 1)),
    (16, 160, 320, 6, 1),
)
"""Number, channels in, channels out, expansion, stride."""

FIT_HEAD = Place(
    cell=21, line=2, code="history = model2.fit(train_dataset, validation_data=validation_dataset, epochs=5)"
)
FIT_FINE = Place(cell=27, line=5, code="history_fine = model2.fit(train_dataset, epochs=10, initial_epoch=4)")
COMPILE_HEAD = Place(cell=20, line=2, code="model2.compile(optimizer='adam', loss=loss)")
COMPILE_FINE = Place(cell=26, line=12, code="model2.compile(loss=loss_function, optimizer=optimizer)")
CALL = Place(cell=17, line=14, code="x = base_model(x, training=False)")
BUILT = Place(cell=17, line=5, code='base_model = tf.keras.applications.MobileNetV2(weights="imagenet")')


def mobilenet_layers() -> tuple[BaseLayer, ...]:
    """The 154 layers of MobileNetV2 without its top, as `layers` lists them."""
    rows: list[tuple[str, str, int, int]] = [("input_layer", "InputLayer", 0, 0)]

    def conv(name: str, parameters: int, channels: int, norm: str, kind: str = "Conv2D") -> None:
        rows.extend([(name, kind, parameters, 0), (norm, "BatchNormalization", 2 * channels, 2 * channels)])

    conv("Conv1", 864, 32, "bn_Conv1")
    rows.append(("Conv1_relu", "ReLU", 0, 0))
    for number, inside, outside, expansion, stride in BLOCKS:
        prefix = f"block_{number}_" if number else "expanded_conv_"
        wide = inside * expansion
        if number:
            conv(f"{prefix}expand", inside * wide, wide, f"{prefix}expand_BN")
            rows.append((f"{prefix}expand_relu", "ReLU", 0, 0))
        if stride == 2:
            rows.append((f"{prefix}pad", "ZeroPadding2D", 0, 0))
        conv(f"{prefix}depthwise", 9 * wide, wide, f"{prefix}depthwise_BN", "DepthwiseConv2D")
        rows.append((f"{prefix}depthwise_relu", "ReLU", 0, 0))
        conv(f"{prefix}project", wide * outside, outside, f"{prefix}project_BN")
        if number and inside == outside and stride == 1:
            rows.append((f"{prefix}add", "Add", 0, 0))
    conv("Conv_1", 320 * 1280, 1280, "Conv_1_bn")
    rows.append(("out_relu", "ReLU", 0, 0))
    return tuple(
        BaseLayer(index=index, name=name, kind=kind, parameters=parameters, statistics=statistics)
        for index, (name, kind, parameters, statistics) in enumerate(rows)
    )


LAYERS = mobilenet_layers()
WEIGHTED = tuple(layer.index for layer in LAYERS if layer.has_weights)
BATCHNORM = tuple(layer.index for layer in LAYERS if layer.is_batchnorm)


def layers_from(start: int, *, batchnorm: bool = True) -> tuple[int, ...]:
    """Layers with weights from `start` on, with or without BatchNorm."""
    return tuple(index for index in WEIGHTED if index >= start and (batchnorm or index not in BATCHNORM))


def drift_of(layers: tuple[int, ...], mean: float = 0.12, variance: float = 0.05) -> tuple[Drift, ...]:
    """Statistics that moved, in the BatchNorm layers among `layers`; the last one twice as far."""
    norms = [index for index in layers if index in BATCHNORM]
    return tuple(
        Drift(layer=index, mean=mean * (1 + (index == norms[-1])), variance=variance * (1 + (index == norms[-1])))
        for index in norms
    )


def call(training: Literal["false", "true", "unset"], place: Place | None = None) -> BaseCall:
    """A call of the base, known from the config unless it has a place."""
    return BaseCall(training=training, place=place, source="recorder" if place else "config")


def base(**changes: Any) -> Base:
    """MobileNetV2, nested, called rightly, with the pretrained weights."""
    fields: dict[str, Any] = {
        "application": "MobileNetV2",
        "name": "mobilenetv2_1.00_160",
        "style": "nested",
        "built": BUILT,
        "asked_weights": "imagenet",
        "layers": LAYERS,
        "calls": (call("false"), call("false", CALL)),
        "store": StoreComparison(file="mobilenet_v2_160_no_top.h5", kind="pretrained", tensors=260, equal=260),
    }
    return Base(**{**fields, **changes})


def head_phase(**changes: Any) -> Phase:
    """Phase 1: five epochs asked for, one bounded step run, the base frozen."""
    fields: dict[str, Any] = {
        "index": 1,
        "role": "head",
        "kind": "fit",
        "place": FIT_HEAD,
        "compiled": COMPILE_HEAD,
        "model": "functional_1",
        "epochs": 5,
        "steps": 1,
        "optimizer": "Adam",
        "learning_rate": 0.001,
        "loss": "BinaryCrossentropy",
        "loss_value": 0.71,
        "trainable_parameters": 1281,
        "head": HeadState(tensors=2, trainable=2, moved=2),
    }
    return Phase(**{**fields, **changes})


def finetuning_phase(layers: tuple[int, ...] = layers_from(120), **changes: Any) -> Phase:
    """Phase 2: these layers were flagged, compiled and moved."""
    fields: dict[str, Any] = {
        "index": 2,
        "role": "fine-tuning",
        "place": FIT_FINE,
        "compiled": COMPILE_FINE,
        "recompiled": True,
        "learning_rate": 0.0001,
        "flagged": layers,
        "trainable": layers,
        "moved": layers,
        "trainable_parameters": 1_626_177,
        "continues": True,
    }
    return head_phase(**{**fields, **changes})


def environment(keras_flavour: Literal["2", "3"] = "2", **changes: Any) -> Environment:
    """What ran it."""
    fields: dict[str, Any] = {
        "python": "3.12.3",
        "tensorflow": "2.21.0",
        "keras": "2.21.0" if keras_flavour == "2" else "3.15.1",
        "keras_flavour": keras_flavour,
        "grader": "0.1.0",
        "weights": "pretrained",
        "isolation": "bare",
        "training": "bounded",
    }
    return Environment(**{**fields, **changes})


def notebook(**changes: Any) -> Notebook:
    """Five code cells that ran."""
    ran = tuple(CellRun(cell=cell, status="ran", seconds=0.5) for cell in (3, 17, 20, 21, 27))
    return Notebook(**{"name": "alpaca.ipynb", "sha256": "0" * 64, "cells": ran, **changes})


def evidence(phases: tuple[Phase, ...], keras_flavour: Literal["2", "3"] = "2", **changes: Any) -> Evidence:
    """Evidence of these phases; any field can be replaced."""
    fields: dict[str, Any] = {
        "assignment": "alpaca-mobilenetv2",
        "notebook": notebook(),
        "environment": environment(keras_flavour),
        "model": Model(name="functional_1", kind="Functional", chosen="fitted last, in cell 27", parameters=2_259_265),
        "base": base(),
        "phases": phases,
    }
    return Evidence(**{**fields, **changes})


def textbook(
    keras_flavour: Literal["2", "3"] = "2",
    *,
    head: dict[str, Any] | None = {},  # noqa: B006 - read only
    finetuning: dict[str, Any] | None = {},  # noqa: B006 - read only
    **changes: Any,
) -> Evidence:
    """The right solution, with `head`, `finetuning` and fields of the base changed; None leaves a phase out.

    On Keras 3 the statistics of the unfrozen BatchNorm layers move in phase 2, as they do in 3.5 to 3.15.
    """
    phases = []
    if head is not None:
        phases.append(head_phase(**head))
    if finetuning is not None:
        drift = drift_of(layers_from(120)) if keras_flavour == "3" else ()
        phases.append(finetuning_phase(**{"drift": drift, **finetuning}))
    return evidence(tuple(phases), keras_flavour, base=base(**changes))


def judge(code: str, sample: Evidence, policy: Policy | None = None, **parameters: Any) -> CheckResult:
    """One check's word on the sample, worth two points."""
    check = all_checks()[code]
    built = check(check.Parameters(**parameters))
    return run_checks(sample, [(built, 2.0)], policy or Policy())[0]


def said(result: CheckResult) -> tuple[str, tuple[str, ...]]:
    """The outcome and the messages."""
    return result.outcome.value, tuple(finding.message for finding in result.findings)
