"""How disputed cases are judged: an assignment's decisions, with documented defaults."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Policy"]


class Policy(BaseModel):
    """The ``[policy]`` table of an ``assignment.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    framework_override: Literal["forgive", "fail"] = "forgive"
    """Moving statistics that changed only because Keras 3 overrides a rightly passed
    ``training=False`` during ``fit``: ``forgive`` (TL203 is warned) or ``fail``."""

    trainable_after_compile: Literal["effect", "strict"] = "effect"
    """`trainable` changed after `compile` where this Keras acts on it all the same (Keras 3 until the first `fit`):
    ``effect`` (what could train counts) or ``strict`` (TL201 fails: Keras 2 would not have acted on it)."""

    extra_layers: Literal["fail", "warn"] = "fail"
    """All the asked layers fine-tuned, and more below them: ``fail`` (TL202) or ``warn``."""

    batchnorm_frozen: Literal["accept", "refuse"] = "accept"
    """BatchNorm layers of the base kept frozen one by one while the others are fine-tuned,
    in place of ``training=False``: ``accept`` it as an equivalent (TL103, TL202) or ``refuse`` it."""

    other_base: Literal["warn", "fail"] = "warn"
    """A model on another pretrained network than the assignment's: ``warn`` (NB002 is warned, and all else is judged
    on that network) or ``fail``."""
