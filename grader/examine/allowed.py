"""Which configs are fit to be rebuilt: Keras's own layers and nothing else, and no more of them than a machine holds.

A config is JSON that a stranger's process wrote, and rebuilding makes objects by the names in it. So all names are
looked up here first, by module and class; what is not listed is refused by name, and nothing is rebuilt then.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "FUNCTIONS",
    "LAYERS",
    "MOST_LAYERS",
    "OPERATIONS",
    "MisfitConfigError",
    "RefusedConfigError",
    "fit_to_rebuild",
]

MOST_LAYERS = 3000
"""The largest network of `keras.applications` has 1,030."""
MOST_NESTED = 10
MOST_NUMBER = 10**6
"""Of any whole number in a config but a seed."""
MOST_PIXELS = 10**8
"""Numbers in one image that the model takes."""
MODELS = frozenset({"Functional", "Model", "Sequential"})
LAYERS = MODELS | frozenset(
    """
    InputLayer Dense EinsumDense Activation Identity Masking Embedding Flatten Permute RepeatVector Reshape
    ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU
    Add Average Concatenate Dot Maximum Minimum Multiply Subtract
    Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
    BatchNormalization SyncBatchNormalization GroupNormalization LayerNormalization UnitNormalization Normalization
    RMSNormalization
    AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
    ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise
    SpatialDropout1D SpatialDropout2D SpatialDropout3D
    Rescaling Resizing CenterCrop RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation
    RandomTranslation RandomWidth RandomZoom RandomColorJitter RandomColorDegeneration RandomErasing
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation
    RandomSharpness RandomShear Solarization AutoContrast Equalization
    Attention AdditiveAttention MultiHeadAttention
    """.split()  # noqa: SIM905
)
"""Layers of Keras 2 and 3 that compute with tensors. Left out: what runs code that it is given (`Lambda`, wrappers of
other frameworks, saved models) and what reads files (vocabularies)."""
OPERATIONS = frozenset(
    """
    Absolute Add Argmax BroadcastTo Cast Clip Concatenate Divide Exp ExpandDims Expm1 Flip GetItem Log Log1p Max Maximum
    Mean Min Minimum Moveaxis Multiply Negative Power Reciprocal Reshape Round Rsqrt Sign Sqrt Square Squeeze Stack
    Std Subtract Sum Swapaxes Tanh Transpose TrueDivide Var
    Elu Gelu HardSigmoid LeakyRelu LogSigmoid LogSoftmax Relu Relu6 Selu Sigmoid Silu Softmax Softplus Softsign
    Norm Normalize Sigmoid AveragePool MaxPool Resize
    """.split()  # noqa: SIM905
)
"""What Keras 3 makes of arithmetic between layers, by its class."""
FUNCTIONS = frozenset(
    f"{prefix}{name}"
    for prefix, names in {
        "": "abs cast clip_by_value concat expand_dims reshape reverse squeeze stack transpose subtract add multiply",
        "math.": "abs add divide divide_no_nan exp log maximum minimum multiply negative pow reduce_max reduce_mean "
        "reduce_min reduce_sum rsqrt sigmoid softplus sqrt square subtract tanh truediv l2_normalize",
        "nn.": "bias_add elu gelu l2_normalize leaky_relu relu relu6 selu sigmoid silu softmax softmax_v2 softplus "
        "sigmoid tanh avg_pool max_pool",
        "image.": "resize resize_v2",
        "linalg.": "l2_normalize normalize",
        "compat.v1.": "gather transpose",
        "__operators__.": "add getitem mul neg sub truediv pow",
    }.items()
    for name in names.split()
)
"""What Keras 2 makes of it: functions of TensorFlow by name, in a `TFOpLambda` or `SlicingOpLambda`."""
LAMBDAS = frozenset({"TFOpLambda", "SlicingOpLambda"})
VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__tuple__"})
SETTINGS = frozenset(
    """
    DTypePolicy Policy FloatDTypePolicy
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    L1 L2 L1L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm SeedGenerator
    """.split()  # noqa: SIM905
)
"""Initializers, regularizers, constraints and the like."""
PACKAGES = ("keras", "tf_keras")
HOLD_FUNCTIONS = frozenset({"activations", "ops", "nn"})
"""Modules of theirs whose functions compute with tensors and nothing else."""
SIZES = ("units", "filters")
"""Settings that say the size of a weight."""


class RefusedConfigError(Exception):
    """The model is not rebuilt; the text says why, as a sentence."""


class MisfitConfigError(RefusedConfigError):
    """The config is none of a model that was there."""


def fit_to_rebuild(config: dict[str, Any], shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> dict[str, Any]:
    """A copy of the config, with every layer trainable and nothing compiled, if it may be rebuilt.

    Args:
        config: of a model.
        shapes: of the weights of each layer, by its name, as they were written down.

    Raises:
        RefusedConfigError: it names what is not on the lists, or more than a machine should be asked for.
    """
    if config.get("class_name") not in MODELS:
        raise RefusedConfigError(f"The model is a `{named(config)}`, which is no class of Keras's own.")
    copied = copy.deepcopy(config)
    Reader(shapes).read(copied)
    return copied


class Reader:
    """Goes through a config once."""

    def __init__(self, shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> None:
        self._shapes = shapes
        self._layers = 0

    def read(self, value: Any, key: str = "", nested: int = 0) -> None:
        """Look at all there is in here, and take out what is not wanted.

        Raises:
            RefusedConfigError: see `fit_to_rebuild`.
        """
        if isinstance(value, bool):
            return
        if isinstance(value, int) and key != "seed" and abs(value) > MOST_NUMBER:
            raise MisfitConfigError(f"The config asks for `{key[:40]}` = {value:,}.")
        if isinstance(value, list):
            for entry in value:
                self.read(entry, key, nested)
        elif isinstance(value, dict):
            if "class_name" in value:
                nested += self._is_allowed(value)
                if nested > MOST_NESTED:
                    raise MisfitConfigError(f"Models are nested more than {MOST_NESTED} deep.")
            value.pop("compile_config", None)
            for inner, entry in value.items():
                self.read(entry, str(inner), nested)

    def _is_allowed(self, entry: dict[str, Any]) -> bool:
        """Whether this is a model; raises where it is nothing that may be made."""
        kind, module = entry["class_name"], entry.get("module")
        if not isinstance(kind, str) or not isinstance(module, (str, type(None))):
            raise MisfitConfigError("The config is none that Keras writes.")
        if kind in VALUES:
            return False
        if kind == "function":
            if module != "builtins" and not (of_keras(module) and HOLD_FUNCTIONS & set(str(module).split("."))):
                raise RefusedConfigError(f"The config names the function `{function_name(entry)}` of `{module}`.")
            return False
        registered = entry.get("registered_name")
        own = registered in (None, kind) and (module is None or of_keras(module))
        if not own or kind not in LAYERS | OPERATIONS | LAMBDAS | SETTINGS:
            raise RefusedConfigError(f"The model holds a `{named(entry)}`, which is not among the layers that are run.")
        config = entry.get("config")
        if isinstance(config, dict) and (kind in LAYERS or kind in LAMBDAS or "inbound_nodes" in entry):
            self._count(kind, entry, config)
        return kind in MODELS

    def _count(self, kind: str, entry: dict[str, Any], config: dict[str, Any]) -> None:
        """Look at a layer's own settings."""
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise MisfitConfigError(f"The model has more than {MOST_LAYERS:,} layers.")
        if kind in LAMBDAS and config.get("function") not in FUNCTIONS:
            name = str(config.get("function"))[:60]
            raise RefusedConfigError(f"The model calls `{name}`, which is not among the functions that are run.")
        name = str(entry.get("name") or config.get("name") or "")
        for setting in SIZES:
            size = config.get(setting)
            if isinstance(size, int) and not any(size in shape for shape in self._shapes.get(name, ())):
                have = ", ".join(str(list(shape)) for shape in self._shapes.get(name, ())) or "none"
                raise MisfitConfigError(
                    f"The config says that `{name[:60]}` has {size:,} {setting}; its weights, as written down, have "
                    f"the shapes {have[:120]}."
                )
        for setting in ("batch_shape", "batch_input_shape"):
            shape = config.get(setting)
            if isinstance(shape, list) and product(shape) > MOST_PIXELS:
                raise MisfitConfigError(f"The model takes inputs of the shape {str(shape)[:80]}.")
        # Of a frozen layer Keras makes weights that can never be trained, although the flag can be set later on.
        if "trainable" in config:
            config["trainable"] = True


def of_keras(module: str | None) -> bool:
    """Whether this is a module of Keras's own."""
    return module is not None and module.split(".")[0] in PACKAGES and ".." not in module


def named(entry: dict[str, Any]) -> str:
    """Module and class, as much of it as is there."""
    kind = str(entry.get("registered_name") or entry.get("class_name"))
    module = entry.get("module")
    own = module is None or of_keras(str(module))
    return (kind if own else f"{module}.{kind}")[:80].replace("`", "'")


def function_name(entry: dict[str, Any]) -> str:
    """Name of a function in a config."""
    return str(entry.get("config"))[:60].replace("`", "'")


def product(shape: list[Any]) -> int:
    """Numbers in one example of this shape."""
    total = 1
    for size in shape[1:]:
        total *= size if isinstance(size, int) and size > 0 else 1
    return total
