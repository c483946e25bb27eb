"""What is known of a submission after its notebook ran: facts, no judgement.

`Evidence` is made by `grader.examine` outside the student's process and read by the checks. It is
immutable, free of arrays, and survives a trip through JSON unchanged:

    Evidence.model_validate_json(evidence.model_dump_json()) == evidence

Layers of the base are named by their index in the application's own `layers` list (MobileNetV2
without top: 0 to 153), whatever model they ended up in.
"""

from __future__ import annotations

from typing import Literal

from grader.evidence_base import Drift, Frozen, Place
from grader.evidence_head import Head, HeadLayer, Loss
from grader.evidence_probes import Probes
from grader.evidence_replay import Replay

__all__ = [
    "SCHEMA_VERSION",
    "Asked",
    "Base",
    "BaseCall",
    "BaseLayer",
    "CellError",
    "CellRun",
    "Drift",
    "Environment",
    "Evidence",
    "Exercise",
    "Frozen",
    "GraphNode",
    "Head",
    "HeadLayer",
    "HeadState",
    "LimitBreach",
    "Loss",
    "Model",
    "Note",
    "Notebook",
    "Phase",
    "Place",
    "Probes",
    "Replay",
    "StoreComparison",
]

SCHEMA_VERSION = 1


class CellError(Frozen):
    """The exception that ended a cell."""

    name: str
    """Class of the exception, e.g. ``ValueError``."""
    message: str
    """Its text, without terminal escape codes, at most 500 characters."""
    line: int | None = None
    """Line of this cell that it came through, counted from 1."""
    origin: Place | None = None
    """The student's own line, in another cell, that a given cell's error came from."""
    excuse: str = ""
    """Why this error is not the student's fault (a given cell that breaks by version, a package that the
    grader lacks); empty where it is."""


class CellRun(Frozen):
    """What became of one code cell."""

    cell: int
    """Counted from 1 over all cells."""
    status: Literal["ran", "failed", "timed_out", "killed", "not_run"]
    """``killed``: the kernel died in this cell. ``not_run``: the run had ended before it."""
    given: bool = False
    """Whether the cell is the course's and not the student's own (same as in the starter, or marked as a test)."""
    error: CellError | None = None
    seconds: float = 0.0
    """Wall time of the cell."""


class LimitBreach(Frozen):
    """A limit of the assignment that the notebook ran into."""

    limit: Literal["cell", "run", "memory", "output", "processes", "disk", "inodes"]
    allowed: str
    """The limit as a person writes it, e.g. ``60 s``, ``3 GB`` or ``64 processes``."""
    used: str
    """What was used when it was stopped, in the same unit."""
    cell: int | None = None


class Exercise(Frozen):
    """A place of the starter that the student was asked to fill in and has not (entirely) filled in."""

    name: str
    """The function or the exercise's heading, e.g. ``alpaca_model``."""
    places: tuple[Place, ...]
    """The placeholders that are still there: ``None``, ``...``, ``NotImplementedError``."""


class Notebook(Frozen):
    """The submitted file and how it ran."""

    name: str
    """File name, without folders."""
    sha256: str
    """Of the file's bytes, hexadecimal."""
    student: str = ""
    cells: tuple[CellRun, ...] = ()
    """Code cells only, in order; empty cells are left out."""
    open_exercises: tuple[Exercise, ...] = ()
    breaches: tuple[LimitBreach, ...] = ()
    died: str = ""
    """How the kernel ended, where it did not end by itself: e.g. ``killed by signal 11 (SIGSEGV)``."""


class Environment(Frozen):
    """What ran the notebook."""

    python: str
    tensorflow: str
    keras: str
    keras_flavour: Literal["2", "3"]
    keras_reason: str = ""
    """Why this Keras was chosen, as a sentence."""
    grader: str
    weights: Literal["pretrained", "stand-in", "none"]
    """What stood in the store for the base's ImageNet weights."""
    isolation: str
    """Tier of isolation that the kernel ran under, e.g. ``bare``."""
    training: Literal["bounded", "full"]


class BaseLayer(Frozen):
    """One layer of the base."""

    index: int
    """Position in the application's `layers`, from 0."""
    name: str
    kind: str
    """Class name, e.g. ``Conv2D``."""
    parameters: int
    """Number of scalars in weights that gradients can train; 0 for a layer without such weights."""
    statistics: int = 0
    """Number of scalars in moving statistics; 0 for anything but BatchNorm."""

    @property
    def has_weights(self) -> bool:
        """Whether `trainable` means anything for this layer."""
        return self.parameters > 0

    @property
    def is_batchnorm(self) -> bool:
        """Whether the layer keeps a moving mean and variance."""
        return self.statistics > 0


class BaseCall(Frozen):
    """One way in which the base was called while a model was built."""

    training: Literal["false", "true", "unset"]
    """The argument as passed; ``unset``: nothing was passed (or None)."""
    place: Place | None = None
    """Where the student's code made the call; None if only the model's config tells of it."""
    source: Literal["config", "recorder"]
    """``config``: read from the trained model's own graph. ``recorder``: seen in the kernel."""


class StoreComparison(Frozen):
    """The base's weights as training began, against the grader's own copy of the pretrained file."""

    file: str
    """Name of the store's file compared with; empty where the store has none."""
    kind: Literal["pretrained", "stand-in", "none"]
    tensors: int
    """Number of tensors compared."""
    equal: int
    """Number of those that are equal to the last bit."""


class Base(Frozen):
    """The pretrained network inside the trained model."""

    application: str
    """Name in `keras.applications`, e.g. ``MobileNetV2``."""
    name: str
    """The layer's own name, e.g. ``mobilenetv2_1.00_160``."""
    style: Literal["nested", "flattened", "sequential", "subclassed"]
    """How the model holds it. ``flattened``: its layers lie in the outer model and it is never called."""
    built: Place | None = None
    """Where the student's code made it."""
    asked_weights: str = ""
    """The `weights` argument as written: ``imagenet``, ``None``, or a path."""
    layers: tuple[BaseLayer, ...]
    calls: tuple[BaseCall, ...] = ()
    store: StoreComparison


class GraphNode(Frozen):
    """One layer of the outer model, in the order of its config."""

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    """Names of the layers it is called on."""
    training: Literal["false", "true", "unset"] = "unset"
    """The `training` argument that the config records for the call."""


class Model(Frozen):
    """The model under test."""

    name: str
    kind: str
    """``Functional``, ``Sequential`` or the name of the student's own class."""
    chosen: str
    """Why this model, as a phrase: e.g. ``fitted last, in cell 27``."""
    parameters: int
    """Number of scalars in all its weights."""
    nodes: tuple[GraphNode, ...] = ()
    """Empty for a subclassed model, whose config has no graph."""
    head: Head | None = None
    input_shape: tuple[int | None, ...] | None = None
    """Of one image: height, width (pixels; None: any), channels. Of the base where the model itself has none."""
    resized: tuple[int, int] | None = None
    """Height and width that layers of the model bring its images to before the base; None where none does."""


class HeadState(Frozen):
    """The part of the model that is not the base, in one phase, counted in tensors."""

    tensors: int
    """Tensors that gradients could train."""
    trainable: int
    """Those that were trainable as compiled."""
    moved: int
    """Those that changed."""


class Phase(Frozen):
    """A stretch of training: one `fit`, or several in a row of the same compiled model."""

    index: int
    """From 1."""
    role: Literal["head", "fine-tuning", "other"]
    """``head``: phase 1 of the rubric. ``fine-tuning``: phase 2. ``other``: training that neither belongs to
    (an earlier model, a repetition)."""
    kind: Literal["fit", "train_on_batch", "custom"]
    place: Place | None = None
    """Where the student's code started the training."""
    compiled: Place | None = None
    """Where the `compile` that was in force is; None if there was none."""
    recompiled: bool = False
    """Whether `compile` was called between the phase before and this one."""
    model: str = ""
    """Name of the model that was trained."""
    runs: int = 1
    """Number of calls merged into this phase."""
    epochs: int | None = None
    """Epochs that the notebook asked for, all runs together."""
    steps: int | None = None
    """Steps that were really run, all runs together."""
    error: str = ""
    """Class and text of the exception that broke the training off; empty where it ended by itself."""
    optimizer: str = ""
    learning_rate: float | None = None
    """Of the first update; None where it is no plain number."""
    rate_from: Literal["optimizer", "schedule", "callback"] = "optimizer"
    """Who set it: the optimizer as it was made, its schedule (at its step then), or a callback."""
    loss: str = ""
    """The loss function's name."""
    compiled_loss: Loss | None = None
    """The loss as compiled; None where nothing was compiled."""
    label_shape: tuple[int, ...] | None = None
    """Of the labels of one image: ``()`` and ``(1,)`` for one number, ``(2,)`` for one-hot of two classes; None if
    not known."""
    loss_value: float | None = None
    """As reported after the last epoch that was run; None where it is not finite."""
    flagged: tuple[int, ...] = ()
    """Base layers whose weights `trainable` said would train, as the phase began."""
    flagged_at_compile: tuple[int, ...] | None = None
    """Base layers whose weights `trainable` said would train when `compile` was called; None where that is not
    known (no `compile`, or a model that was not built by then)."""
    trainable: tuple[int, ...] = ()
    """Base layers with weights that were trainable as compiled: those that this phase could train."""
    moved: tuple[int, ...] = ()
    """Base layers whose trainable weights (kernel, gamma, beta, ...) changed."""
    drift: tuple[Drift, ...] = ()
    """Base layers whose moving mean or variance changed while it lasted."""
    drift_before: tuple[Drift, ...] = ()
    """Base layers whose moving mean or variance changed after the phase before had ended and before this one began:
    by code of the student's outside all training."""
    trainable_parameters: int = 0
    """Scalars trainable as compiled in the whole model."""
    trainable_tensors: int = 0
    """Tensors trainable as compiled in the whole model."""
    head: HeadState
    continues: bool | None = None
    """Whether this phase began with the very weights that the phase before (of the same architecture) left;
    None for the first."""


class Asked(Frozen):
    """What the assignment asks for, as far as checks need to know it beside their own parameters."""

    input_shape: tuple[int, int, int]
    """Height, width (pixels) and channels of its images."""
    application: str = ""
    """Name of the base in `keras.applications`; empty in evidence from before this was kept."""


class Note(Frozen):
    """Something a reader should know that is nobody's fault."""

    kind: Literal[
        "repair", "keras", "compat", "weights", "bounded", "limit", "model", "integrity", "replay", "reused", "adjusted"
    ]
    text: str


class Evidence(Frozen):
    """All that is known about one run of one submission."""

    schema_version: Literal[1] = 1
    assignment: str
    """Slug of the assignment it ran under."""
    asked: Asked | None = None
    notebook: Notebook
    environment: Environment
    model: Model | None = None
    """The model with a base; else, with `base` None, what other model was trained or built, if any was."""
    base: Base | None = None
    phases: tuple[Phase, ...] = ()
    """Of the model under test and its like, in order."""
    probes: Probes = Probes()
    """What reached the base and how the model answered probes, so far as a check of the assignment wanted it."""
    replay: Replay | None = None
    """The grader's own measurements on the rebuilt model; None where none were asked for, and in evidence from before
    they were made."""
    trained_sha256: str = ""
    """Of the weights that training changed, as it left them; empty: none were, or in evidence from before this was
    noted. Two notebooks share it where they draw the same random numbers and do the same with them."""
    sources: dict[int, str] = {}
    """Source of each cell that any Place in here speaks of, at most 4,000 characters each."""
    notes: tuple[Note, ...] = ()
    timing: dict[str, float] = {}
    """Wall seconds by stage."""

    def phase(self, role: Literal["head", "fine-tuning"]) -> Phase | None:
        """The phase that plays this role, if it was reached."""
        return next((phase for phase in self.phases if phase.role == role), None)
