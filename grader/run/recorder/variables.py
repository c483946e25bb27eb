"""Variables made in a third of the time that TensorFlow takes for them.

Run eagerly, TensorFlow prepares an operation once for each set of attributes that it is called with, which takes a
millisecond. One attribute of the operation that makes a variable is the variable's name, so that it is prepared anew
for each of the 260 variables of a network. The runtime keeps that name for messages of its own alone: Keras, summaries,
checkpoints and Python's messages have it from the variable.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["make_variables_quickly"]


def make_variables_quickly() -> None:
    """Have variables of the same type and shape share what TensorFlow prepares for them."""
    from tensorflow.python.eager import context
    from tensorflow.python.ops import gen_resource_variable_ops as operations

    operations.var_handle_op = without_name(operations.var_handle_op, context.anonymous_name())


def without_name(original: Callable[..., Any], anonymous: str) -> Callable[..., Any]:
    """The operation without the name of a variable that is shared with nobody, as eager ones are.

    Args:
        anonymous: what such variables are shared under.
    """

    @functools.wraps(original)
    def var_handle_op(*args: Any, **keywords: Any) -> Any:
        if keywords.get("shared_name") == anonymous and "debug_name" in keywords:
            keywords["debug_name"] = ""
        return original(*args, **keywords)

    return var_handle_op
