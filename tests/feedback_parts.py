"""What the samples of the feedback are put together from: MobileNetV2, phases, evidence, results."""

from __future__ import annotations

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
    Note,
    Notebook,
    Phase,
    Place,
    StoreComparison,
)
from grader.results import CheckResult, Finding, Outcome

POINTS = {
    "NB001": 0,
    "NB003": 0,
    "TL101": 2,
    "TL102": 0,
    "TL103": 2,
    "TL201": 1,
    "TL202": 2,
    "TL203": 1,
    "TL204": 1,
    "TL301": 1,
    "TL402": 0,
}
NAMES = {
    "NB001": ("notebook-runs", "The notebook runs from top to bottom"),
    "NB003": ("complete", "Every exercise is filled in"),
    "TL101": ("base-frozen", "The base is frozen while the head trains"),
    "TL102": ("pretrained-weights", "The base starts from its pretrained weights"),
    "TL103": ("inference-mode", "The base is called with training=False"),
    "TL201": ("recompiled", "The model is compiled again after layers are unfrozen"),
    "TL202": ("finetuned-layers", "Layers 120 to 153 are fine-tuned, the others are not"),
    "TL203": ("moving-stats-untouched", "The moving statistics of the base stay untouched"),
    "TL204": ("lower-learning-rate", "Fine-tuning uses a tenth of the learning rate, or less"),
    "TL301": ("preprocessing", "Images reach the base in the range it expects"),
    "TL402": ("batch-independence", "A prediction does not depend on the other images of its batch"),
}
WHY_TRAINING = (
    "`trainable` decides whether the optimizer updates a weight. `training` decides whether BatchNorm normalises with "
    "the current batch, and lets that batch overwrite its moving mean and variance. They are independent: freezing "
    "hides the difference, unfreezing brings it out."
)
WHY_STATISTICS = (
    "A fine-tuning set is small. Statistics estimated on its batches are noisy, and they replace what was "
    "measured on a "
    "million images."
)
WHY_COMPILE = (
    "`compile` fixes what training updates. A change of `trainable` after the first `fit` waits for the next one."
)

MODEL_CELL = """def alpaca_model(image_shape=IMG_SIZE, data_augmentation=data_augmenter()):
    input_shape = image_shape + (3,)

    base_model = tf.keras.applications.MobileNetV2(input_shape=input_shape,
                                                   include_top=False,
                                                   weights="imagenet")
    base_model.trainable = False
    inputs = tf.keras.Input(shape=input_shape)

    x = data_augmentation(inputs)
    x = preprocess_input(x)
    x = base_model(x{flag})
    x = tfl.GlobalAveragePooling2D()(x)
    x = tfl.Dropout(0.2)(x)
    outputs = tfl.Dense(1)(x)
    return tf.keras.Model(inputs, outputs)"""
TUNE_CELL = """base_model = model2.get_layer("mobilenetv2_1.00_160")
base_model.trainable = True
for layer in base_model.layers[:120]:
    layer.trainable = False
{compile}history_fine = model2.fit(train_dataset, epochs=10, initial_epoch=history.epoch[-1])"""
COMPILE = """model2.compile(loss=loss_function, optimizer=tf.keras.optimizers.Adam(0.1 * base_learning_rate),
               metrics=["accuracy"])
"""


def mobilenet_layers() -> tuple[BaseLayer, ...]:
    """The 154 layers of MobileNetV2 without its top, at width 1.0."""
    layers: list[tuple[str, str, int, int]] = [("input_layer", "InputLayer", 0, 0)]

    def convolution(name: str, kind: str, weights: int, channels: int, batchnorm: str) -> None:
        layers.append((name, kind, weights, 0))
        layers.append((batchnorm, "BatchNormalization", 2 * channels, 2 * channels))

    convolution("Conv1", "Conv2D", 27 * 32, 32, "bn_Conv1")
    layers.append(("Conv1_relu", "ReLU", 0, 0))
    shapes = [(16, 1)] + [(24, 2)] * 2 + [(32, 2)] * 3 + [(64, 2)] * 4 + [(96, 1)] * 3 + [(160, 2)] * 3 + [(320, 1)]
    given = 32
    for number, (channels, stride) in enumerate(shapes):
        name = f"block_{number}" if number else "expanded_conv"
        first = number == 0 or shapes[number - 1][0] != channels
        wide = given * 6 if number else given
        if number:
            convolution(f"{name}_expand", "Conv2D", given * wide, wide, f"{name}_expand_BN")
            layers.append((f"{name}_expand_relu", "ReLU", 0, 0))
        if stride == 2 and first:
            layers.append((f"{name}_pad", "ZeroPadding2D", 0, 0))
        convolution(f"{name}_depthwise", "DepthwiseConv2D", 9 * wide, wide, f"{name}_depthwise_BN")
        layers.append((f"{name}_depthwise_relu", "ReLU", 0, 0))
        convolution(f"{name}_project", "Conv2D", wide * channels, channels, f"{name}_project_BN")
        if not first:
            layers.append((f"{name}_add", "Add", 0, 0))
        given = channels
    convolution("Conv_1", "Conv2D", 320 * 1280, 1280, "Conv_1_bn")
    layers.append(("out_relu", "ReLU", 0, 0))
    return tuple(
        BaseLayer(index=index, name=name, kind=kind, parameters=parameters, statistics=statistics)
        for index, (name, kind, parameters, statistics) in enumerate(layers)
    )


LAYERS = mobilenet_layers()
ALL_WEIGHTED = tuple(layer.index for layer in LAYERS if layer.has_weights)
FROM_120 = tuple(index for index in ALL_WEIGHTED if index >= 120)
BATCHNORM_FROM_120 = tuple(layer.index for layer in LAYERS if layer.is_batchnorm and layer.index >= 120)
DRIFT = tuple(
    Drift(layer=layer, mean=mean, variance=variance)
    for layer, mean, variance in zip(
        BATCHNORM_FROM_120,
        (0.22, 0.17, 0.34, 0.15, 0.31, 0.24, 0.14, 0.30, 0.13, 0.41, 0.15, 0.19),
        (0.04, 0.03, 0.08, 0.02, 0.07, 0.05, 0.02, 0.06, 0.02, 0.09, 0.03, 0.03),
        strict=True,
    )
)
KERAS_2 = Environment(
    python="3.11.9",
    tensorflow="2.21.0",
    keras="2.21.0",
    keras_flavour="2",
    keras_reason="The notebook imports tensorflow.keras.layers.experimental.preprocessing.",
    grader="0.1.0",
    weights="stand-in",
    isolation="bare",
    training="bounded",
)
KERAS_3 = KERAS_2.model_copy(update={"keras": "3.15.1", "keras_flavour": "3", "keras_reason": ""})
STAND_IN = Note(
    kind="weights",
    text="The grader's machine has no ImageNet file for this base; stand-in weights of the same shape took its place. "
    "No check depends on the difference.",
)
SHORTENED = Note(
    kind="bounded", text="Each `fit` was shortened to one step on two images: enough to see which weights move."
)


def base(training: str = "false", **changes: object) -> Base:
    """MobileNetV2, called once in cell 7, line 12."""
    flag = {"false": ", training=False", "true": ", training=True", "unset": ""}[training]
    call = BaseCall(
        training=training,  # type: ignore[arg-type]
        place=Place(cell=7, line=12, code=f"x = base_model(x{flag})"),
        source="config",
    )
    known = Base(
        application="MobileNetV2",
        name="mobilenetv2_1.00_160",
        style="nested",
        built=Place(cell=7, line=4),
        asked_weights="imagenet",
        layers=LAYERS,
        calls=(call,),
        store=StoreComparison(
            file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5",
            kind="stand-in",
            tensors=260,
            equal=260,
        ),
    )
    return known.model_copy(update=changes)


def head_phase(**changes: object) -> Phase:
    """Phase 1 of a right solution, in cell 10."""
    known = Phase(
        index=1,
        role="head",
        kind="fit",
        place=Place(cell=10, line=2, code="history = model2.fit(train_dataset, epochs=5)"),
        compiled=Place(cell=9, line=2),
        epochs=5,
        steps=1,
        optimizer="Adam",
        learning_rate=0.001,
        loss="binary_crossentropy",
        loss_value=0.71,
        trainable_parameters=1281,
        head=HeadState(tensors=2, trainable=2, moved=2),
    )
    return known.model_copy(update=changes)


def tuned_phase(**changes: object) -> Phase:
    """Phase 2 of a right solution, in cell 14."""
    known = Phase(
        index=2,
        role="fine-tuning",
        kind="fit",
        place=Place(cell=14, line=7, code="history_fine = model2.fit(train_dataset, epochs=10)"),
        compiled=Place(cell=14, line=5),
        recompiled=True,
        epochs=5,
        steps=1,
        optimizer="Adam",
        learning_rate=0.0001,
        loss="binary_crossentropy",
        loss_value=0.65,
        flagged=FROM_120,
        trainable=FROM_120,
        moved=FROM_120,
        trainable_parameters=1626177,
        head=HeadState(tensors=2, trainable=2, moved=2),
        continues=True,
    )
    return known.model_copy(update=changes)


def evidence(name: str, **changes: object) -> Evidence:
    """A right solution on Keras 2, with changes."""
    cells = tuple(CellRun(cell=number, status="ran", seconds=0.1) for number in (2, 3, 5, 7, 9, 10, 12, 14))
    known = Evidence(
        assignment="alpaca-mobilenetv2",
        notebook=Notebook(name=f"{name}.ipynb", sha256="1a2b3c4d" * 8, student="", cells=cells),
        environment=KERAS_2,
        model=Model(name="model2", kind="Functional", chosen="fitted last, in cell 14", parameters=2259265),
        base=base(),
        phases=(head_phase(), tuned_phase()),
        sources={
            7: MODEL_CELL.format(flag=", training=False"),
            10: "initial_epochs = 5\nhistory = model2.fit(train_dataset, epochs=initial_epochs)",
            14: TUNE_CELL.format(compile=COMPILE),
        },
        notes=(STAND_IN, SHORTENED),
        timing={"run": 5.5, "examine": 0.25},
    )
    return known.model_copy(update=changes)


def result(code: str, outcome: Outcome = Outcome.PASSED, *findings: Finding, **changes: object) -> CheckResult:
    """The word of one check, with the points that go with its outcome."""
    name, title = NAMES[code]
    most = float(POINTS[code]) if outcome is not Outcome.ERROR else 0.0
    known = CheckResult(
        code=code,
        name=name,
        title=title,
        outcome=outcome,
        points=most if outcome in (Outcome.PASSED, Outcome.WARNED) else 0.0,
        max_points=most,
        findings=findings,
    )
    return known.model_copy(update=changes)


def results(**changed: CheckResult) -> list[CheckResult]:
    """All checks passed, but for those that are given by their code."""
    return [changed.get(code, result(code)) for code in POINTS]


def skipped(code: str, reason: str) -> CheckResult:
    """A check that could not be assessed."""
    return result(code, Outcome.SKIPPED, Finding(message=reason))
