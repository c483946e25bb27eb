"""Which Keras a notebook was written for.

`choose_flavour` reads imports and calls before a run; `version_reason` reads the errors after one and says
whether the other Keras would cure the first that is of this kind. The tables hold what was measured to break
on Keras 3.15 and to work on tf-keras 2.21, or the other way round: `ImageDataGenerator` of `tf.keras`, say, works
on both and is no sign.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nbformat import NotebookNode

from grader.cells import parse_cell

__all__ = ["Choice", "Flavour", "asked_flavour", "choose_flavour", "version_reason"]

Flavour = Literal["2", "3"]
OTHER: dict[Flavour, Flavour] = {"2": "3", "3": "2"}


@dataclass(frozen=True)
class Choice:
    """The Keras to run a notebook on."""

    flavour: Flavour
    reason: str
    """A sentence for the report."""


@dataclass(frozen=True)
class Sign:
    """Something in a notebook that only one Keras has."""

    flavour: Flavour
    what: str
    cell: int
    decisive: bool = False
    """The notebook itself says which Keras it wants."""


# Dotted names below `keras` (or `tf.keras`), as a chain of attributes or a module's path ends in.
NAMES: dict[Flavour, tuple[str, ...]] = {
    "2": (
        "experimental.preprocessing",
        "layers.experimental",
        "optimizers.legacy",
        "optimizers.experimental",
        "keras.experimental",
        "keras.estimator",
        "keras.dtensor",
        "layers.LocallyConnected2D",
        "layers.DenseFeatures",
        "utils.np_utils",
        "utils.vis_utils",
        "utils.generic_utils",
        "layers.core",
        "layers.convolutional",
        "layers.pooling",
        "keras.engine",
        "backend.learning_phase",
        "backend.set_learning_phase",
        "K.learning_phase",
        "K.set_learning_phase",
        "optimizer.lr",
    ),
    "3": (
        "keras.ops",
        "keras.random",
        "keras.config",
        "keras.tree",
        "keras.distribution",
        "keras.Variable",
        "keras.Layer",
        "keras.StatelessScope",
        "keras.dtype_policies",
        "layers.RandAugment",
        "layers.RandomColorJitter",
        "layers.RandomGrayscale",
        "layers.RandomHue",
        "layers.RandomSaturation",
        "layers.RandomErasing",
        "layers.RandomShear",
        "layers.AugMix",
        "layers.MixUp",
        "layers.CutMix",
        "layers.TFSMLayer",
        "optimizers.Muon",
        "optimizers.Lamb",
        "utils.PyDataset",
    ),
}
METHODS = ("fit_generator", "predict_generator", "evaluate_generator")
OPTIMIZERS = ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl")
CALL_KEYWORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(OPTIMIZERS, ("lr",)),
    "fit": ("workers", "use_multiprocessing", "max_queue_size"),
    "predict": ("workers", "use_multiprocessing", "max_queue_size"),
    "ModelCheckpoint": ("period",),
    "TensorBoard": ("write_grads",),
    "BatchNormalization": ("fused",),
}
MODULES: dict[str, Flavour] = {"tf_keras": "2", "keras_hub": "3", "keras_core": "3"}


def asked_flavour(by_option: str | None, by_assignment: str) -> Choice | None:
    """The Keras that was asked for; None where that is ``auto``, so that the notebook tells."""
    wanted = by_option or by_assignment
    if wanted == "auto":
        return None
    source = "by --keras" if by_option else "by the assignment"
    return Choice("2" if wanted == "2" else "3", f"Keras {wanted} was asked for {source}.")


def choose_flavour(notebook: NotebookNode) -> Choice:
    """The Keras that ``notebook`` was written for; Keras 3 where nothing tells.

    A notebook that names its Keras itself (`TF_USE_LEGACY_KERAS`, `KERAS_BACKEND`, `import tf_keras`) gets it;
    else whatever has more signs, and Keras 2 where they are equal in number.
    """
    signs = [sign for number, source in code_cells(notebook) for sign in signs_of(source, number)]
    decisive = [sign for sign in signs if sign.decisive]
    if decisive:
        return choice(decisive[-1])
    if not signs:
        return Choice("3", "It uses nothing that tells Keras 2 from Keras 3.")
    two = [sign for sign in signs if sign.flavour == "2"]
    three = [sign for sign in signs if sign.flavour == "3"]
    return choice(two[0] if len({s.what for s in two}) >= len({s.what for s in three}) else three[0])


def choice(sign: Sign) -> Choice:
    """The choice that one sign leads to."""
    if sign.decisive:
        return Choice(sign.flavour, f"It asks for Keras {sign.flavour} itself, by {sign.what} (cell {sign.cell}).")
    return Choice(sign.flavour, f"It uses {sign.what}, which only Keras {sign.flavour} has (cell {sign.cell}).")


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """Number (from 1 over all cells) and source of each code cell."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell.source


def signs_of(source: str, cell: int) -> list[Sign]:
    """The signs in one cell, in the order of its lines."""
    tree = parse_cell(source)
    if tree is None:
        return [sign for line in source.splitlines() for sign in signs_of_line(line.split("#")[0], cell)]
    found: list[tuple[int, Sign]] = []
    for node in ast.walk(tree):
        found.extend((getattr(node, "lineno", 0), sign) for sign in signs_of_node(node, cell))
    return [sign for _, sign in sorted(found, key=lambda pair: pair[0])]


def signs_of_node(node: ast.AST, cell: int) -> Iterator[Sign]:
    """The signs that one syntax node is."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from signs_of_module(alias.name, (), cell)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from signs_of_module(node.module, tuple(alias.name for alias in node.names), cell)
    elif isinstance(node, ast.Attribute):
        if node.attr in METHODS:
            yield Sign("2", f"`{node.attr}`", cell)
        else:
            yield from signs_of_name(dotted(node), cell)
    elif isinstance(node, ast.Call):
        known = CALL_KEYWORDS.get(dotted(node.func).rpartition(".")[2], ())
        for keyword in node.keywords:
            if keyword.arg in known:
                yield Sign("2", f"`{keyword.arg}=`", cell)
        yield from signs_of_environment(ast.unparse(node) if "setdefault" in dotted(node.func) else "", cell)
    elif isinstance(node, ast.Assign):
        yield from signs_of_environment(ast.unparse(node) if isinstance(node.targets[0], ast.Subscript) else "", cell)


def signs_of_module(module: str, names: tuple[str, ...], cell: int) -> Iterator[Sign]:
    """The signs in ``import module`` or ``from module import names``."""
    root = module.partition(".")[0]
    if root in MODULES:
        yield Sign(MODULES[root], f"`{root}`", cell, decisive=root == "tf_keras")
    elif module.startswith("tensorflow.python.keras"):
        yield Sign("2", "`tensorflow.python.keras`", cell)
    elif module == "keras.preprocessing.image" and {"ImageDataGenerator", "*"} & set(names):
        # Keras 3 has it below `tf.keras` only.
        yield Sign("2", "`keras.preprocessing.image.ImageDataGenerator`", cell)
    elif "keras" in module.split(".") or (root == "tensorflow" and "keras" in names):
        seen = set()
        for name in names or ("",):
            for sign in signs_of_name(f"{module}.{name}".rstrip("."), cell, imported=True):
                if sign.what not in seen:
                    seen.add(sign.what)
                    yield sign


def signs_of_name(name: str, cell: int, imported: bool = False) -> Iterator[Sign]:
    """The sign that a dotted name is; an attribute at the node that it ends in, an import also with more after it."""
    for flavour, known in NAMES.items():
        for ending in known:
            if f".{name}".endswith(f".{ending}") or (imported and f".{ending}." in f".{name}"):
                text = f"layers.{ending}" if ending == "experimental.preprocessing" else ending
                yield Sign(flavour, f"`{text}`", cell)
                return


def signs_of_environment(code: str, cell: int) -> Iterator[Sign]:
    """The sign in a setting of the environment."""
    if match := re.search(r"TF_USE_LEGACY_KERAS\W+(\w+)", code):
        flavour: Flavour = "2" if match[1].lower() in ("1", "true", "yes") else "3"
        yield Sign(flavour, "`TF_USE_LEGACY_KERAS`", cell, decisive=True)
    elif "KERAS_BACKEND" in code:
        yield Sign("3", "`KERAS_BACKEND`", cell, decisive=True)


def signs_of_line(line: str, cell: int) -> Iterator[Sign]:
    """The signs in a line of a cell that cannot be parsed."""
    yield from signs_of_environment(line if "environ" in line else "", cell)
    imported = re.match(r"\s*(?:from\s+([\w.]+)\s+import\s+(.+)|import\s+([\w.]+))", line)
    if imported:
        yield from signs_of_module(imported[1] or imported[3], tuple(re.findall(r"\w+", imported[2] or "")), cell)
        return
    for name in re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", line):
        if name.rpartition(".")[2] in METHODS:
            yield Sign("2", f"`{name.rpartition('.')[2]}`", cell)
        else:
            yield from signs_of_name(name, cell)
    for function, arguments in re.findall(r"(\w+)\(([^()]*)", line):
        for keyword in CALL_KEYWORDS.get(function, ()):
            if re.search(rf"\b{keyword}\s*=[^=]", arguments):
                yield Sign("2", f"`{keyword}=`", cell)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of attributes; the part before anything else is left out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


ONLY_2 = (
    "experimental|legacy|estimator|dtensor|saving|LocallyConnected[12]D|DenseFeatures|AbstractRNNCell|np_utils|vis_utils|"
    "generic_utils|core|convolutional|pooling|engine|ImageDataGenerator|(?:fit|predict|evaluate)_generator|lr|state_updates|input_shape|"
    "output_shape|get_(?:in|out)put_(?:at|shape_at)|(?:in|out)bound_nodes|(?:set_)?learning_phase(?:_scope)?|placeholder|"
    "mean_(?:squared|absolute)_error|to_yaml|model_from_yaml|BaseLogger|RegNet[XY]\\d+|ResNetRS\\d+"
)
ONLY_3 = (
    "ops|random|config|tree|distribution|Variable|Layer|Loss|Metric|Optimizer|Operation|KerasTensor|StatelessScope|dtype_policies|DTypePolicy|"
    "Rand(?:Augment|om(?:ColorJitter|ColorDegeneration|Grayscale|Hue|Saturation|Sharpness|Shear|Erasing|Invert|Perspective|Posterization|GaussianBlur))|AugMix|MixUp|"
    "CutMix|AutoContrast|Equalization|Solarization|TFSMLayer|GroupQueryAttention|Muon|Lamb|PyDataset|quantize|relu6|silu|"
    "enable_lora|symbolic_call|src"
)
ERRORS: dict[Flavour, tuple[str, ...]] = {
    # Errors on Keras 3 that Keras 2 cures; the first group is what only Keras 2 has.
    "3": (
        rf"module '[\w.]*keras[\w.]*' has no attribute '({ONLY_2})'",
        rf"'\w+' object has no attribute '({ONLY_2})'",
        rf"No module named '[\w.]*keras[\w.]*\.({ONLY_2})",
        rf"cannot import name '({ONLY_2})' from '[\w.]*keras",
        r"`(keras\.optimizers\.legacy)` is not supported in Keras 3",
        r"Argument\(s\) not recognized: \{'(lr)'",
        r"Unrecognized keyword arguments passed to \w+: \{'(\w+)'",
        r"unexpected keyword argument '(workers|use_multiprocessing|max_queue_size|period|write_grads|fused)'",
        r"A (KerasTensor) cannot be used as input to a TensorFlow function",
        r"When using `(save_weights_only=True)`",
        r"The (filepath) provided must end in `\.(?:keras|weights)",
        r"Invalid (filepath) extension for saving",
    ),
    "2": (
        rf"module '[\w.]*keras[\w.]*' has no attribute '({ONLY_3})'",
        rf"'\w+' object has no attribute '({ONLY_3})'",
        rf"No module named '[\w.]*keras[\w.]*\.({ONLY_3})",
        rf"cannot import name '({ONLY_3})' from '[\w.]*keras",
        r"(decay) is deprecated in the new Keras optimizer",
    ),
}
WORDS = {
    "KerasTensor": "TensorFlow functions on a model's symbolic tensors",
    "filepath": "models saved under names without `.keras`",
}
VERSION_ERRORS = ("AttributeError", "ImportError", "ModuleNotFoundError", "TypeError", "ValueError")


def version_reason(errors: Sequence[tuple[int, str, str, str]], flavour: Flavour) -> str | None:
    """Why the other Keras is worth a try, as a sentence; None if no error is of that kind.

    Args:
        errors: cell (from 1 over all cells), class of the exception, its text, and the cell's source, in order.
        flavour: the Keras that they happened on.
    """
    for cell, name, text, _code in errors:
        if name not in VERSION_ERRORS:
            continue
        for pattern in ERRORS[flavour]:
            if match := re.search(pattern, text):
                what = WORDS.get(match[1], f"`{match[1]}`")
                return (
                    f"Cell {cell} stopped at {what}, which Keras {OTHER[flavour]} accepts and Keras {flavour} does not."
                )
    return None
