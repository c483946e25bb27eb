"""`training=False` written into the line that calls the base."""

from __future__ import annotations

import ast

__all__ = ["with_training_false"]

NAMES_OF_BASES = (
    "base",
    "backbone",
    "pretrained",
    "mobilenet",
    "extractor",
    "resnet",
    "vgg",
    "inception",
    "efficientnet",
)
NAMES_OF_ANYTHING = frozenset({"layer", "l", "f", "fn", "func", "block", "step"})
OPENS_BLOCK = " pass"


def with_training_false(code: str) -> str:
    """The line with `training=False` in the call of the base.

    Args:
        code: one line of Python, stripped of its indentation.

    Returns:
        The line mended, or an empty text where it is no complete line, or where it is not plain which of its
        calls is the base's.
    """
    call = base_call(code)
    if call is None:
        return ""
    passed = next((word.value for word in call.keywords if word.arg == "training"), None)
    if passed is not None:
        mended = replace(code, passed, "False")
    elif len(call.args) == 2:
        # `training` is the second parameter of a functional model's call.
        mended = replace(code, call.args[1], "training=False")
    else:
        mended = append(code, call)
    return mended if parse(mended) else ""


def parse(code: str) -> ast.Module | None:
    """The syntax tree; None where the line alone is not valid Python."""
    for text in (code, code + OPENS_BLOCK):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            continue
    return None


def base_call(code: str) -> ast.Call | None:
    """The one call in the line that can only be the base's."""
    tree = parse(code)
    if tree is None:
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    likely = [call for call in calls if could_be_base(call)]
    named = [call for call in likely if any(word in called_name(call).lower() for word in NAMES_OF_BASES)]
    if len(named) == 1:
        return named[0]
    return likely[0] if not named and len(likely) == 1 and len(calls) == 1 else None


def called_name(call: ast.Call) -> str:
    """``base_model`` of ``self.base_model(x)``; empty for ``Dense(1)(x)``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def could_be_base(call: ast.Call) -> bool:
    """Whether this has the form of a model called on a tensor, with nothing unpacked into it."""
    name = called_name(call)
    plain = not any(isinstance(arg, ast.Starred) for arg in call.args) and all(word.arg for word in call.keywords)
    return bool(name) and not name[0].isupper() and name not in NAMES_OF_ANYTHING and plain and 1 <= len(call.args) <= 2


def replace(code: str, node: ast.expr, text: str) -> str:
    """The line with one expression replaced."""
    # The syntax tree counts columns in bytes of UTF-8.
    raw = code.encode()
    return (raw[: node.col_offset] + text.encode() + raw[node.end_col_offset :]).decode()


def append(code: str, call: ast.Call) -> str:
    """The line with `training=False` as the call's last argument."""
    raw = code.encode()
    closing = (call.end_col_offset or len(raw)) - 1
    arguments = raw[:closing].decode().rstrip().rstrip(",")
    return f"{arguments}, training=False{raw[closing:].decode()}"
