"""What a cold kernel leaves out as it imports Keras is there all the same when a notebook asks for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BEGIN = """
import gc, sys
from grader.run.recorder.launch import import_needed
import_needed("{keras}")
"""


def run(code: str, keras: str = "3") -> str:
    """What this code prints in a process that has imported as a cold kernel does."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(keras=keras) + code],
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1" if keras == "2" else "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_scikit_learn_is_imported_only_when_keras_wrappers_are_asked_for() -> None:
    code = """
print("sklearn" in sys.modules)
from tensorflow.keras.wrappers import SKLearnClassifier
import keras
from sklearn.base import BaseEstimator
print(issubclass(SKLearnClassifier, BaseEstimator), keras.wrappers.SKLearnClassifier is SKLearnClassifier)
try:
    keras.wrappers.SKLearnRanker
except AttributeError as error:
    print(error)
"""
    assert run(code).splitlines() == [
        "False",
        "True True",
        "module 'keras.wrappers' has no attribute 'SKLearnRanker'",
    ]


def test_a_notebook_that_imports_scikit_learn_gets_it() -> None:
    assert run("from sklearn.model_selection import train_test_split; print(train_test_split.__name__)") == (
        "train_test_split"
    )


@pytest.mark.parametrize("keras", ["2", "3"])
def test_keras_takes_data_frames_though_pandas_is_imported_only_by_the_notebook(keras: str) -> None:
    code = """
import numpy as np, tensorflow as tf
model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((4, 2)), np.ones((4, 1)), validation_split=0.5, verbose=0)
print("pandas" in sys.modules)
import pandas as pd
frame, series = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1.0, 2.0, 3.0, 4.0]}), pd.Series([1.0, 2.0, 3.0, 4.0])
print(len(model.fit(frame, series, validation_split=0.5, epochs=2, verbose=0).history["val_loss"]))
print(model.predict(frame, verbose=0).shape, pd.read_csv.__name__)
"""
    assert run(code, keras).splitlines() == ["False", "2", "(4, 1) read_csv"]


def test_what_else_is_asked_of_a_stand_in_is_the_real_packages() -> None:
    code = """
from importlib.util import find_spec
from grader.run.recorder.stand_ins import optional_packages_when_needed
packages = ("pandas", "scipy", "scipy.sparse", "cv2", "requests")
print([name for name in packages if name in sys.modules])
with optional_packages_when_needed():
    import pandas, scipy.sparse, requests
    from scipy.sparse import issparse
    stand_in = pandas
    print(isinstance(1, pandas.Series), issparse(1), hasattr(pandas, "__file__"), find_spec("cv2") is not None)
    print("pandas.core" in sys.modules, "scipy.linalg" in sys.modules)
    from scipy import linalg
    print(linalg.det([[2, 0], [0, 3]]), requests.get.__name__)
print([name for name in packages if name in sys.modules])
print(stand_in.Index.__name__, "pandas.core" in sys.modules)
import pandas, scipy.sparse
print(pandas is stand_in, isinstance(pandas.Series([1]), stand_in.Series), isinstance([1], stand_in.DataFrame))
print(issparse(scipy.sparse.eye(2)), issparse(1))
with optional_packages_when_needed():
    import pandas
    print(pandas is stand_in, pandas.Series is stand_in.Series)
"""
    assert run(code).splitlines() == [
        "[]",
        "False False False True",
        "False False",
        "6.0 get",
        "['scipy', 'requests']",
        "Index True",
        "False True False",
        "True False",
        "False False",
    ]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_functions_and_annotations_are_told_as_python_tells_them(keras: str) -> None:
    """Of all that is asked while TensorFlow is imported, and of some functions that it has not."""
    code = f"""
import functools, inspect, typing
from grader.run.recorder import introspection
usual, asked, wrong = inspect.getfullargspec, 0, []
quick = introspection.argument_names
def compared(usual, func):
    global asked
    asked += 1
    told = quick(usual, func)
    if told != usual(func):
        wrong.append(func)
    return told
introspection.argument_names = compared
from grader.run.recorder.launch import import_needed
import_needed("{keras}")
print(asked > 2500, wrong, inspect.getfullargspec is usual, hasattr(typing, "compile"))
def all_kinds(a, b: "int", /, c=1, *rest: str, d, e: float = 2.0, **more: "dict") -> "None": pass
def none(): pass
def signed(a): pass
signed.__signature__ = inspect.Signature()
@functools.wraps(all_kinds)
def wrapped(*args, **kwargs): pass
class Callable:
    def __call__(self, a): pass
for each in (all_kinds, none, signed, wrapped, Callable(), Callable, Callable().__call__, len, functools.partial(none)):
    assert quick(usual, each) == usual(each), each
with introspection.quick_introspection():
    first, second = typing.Optional["list[int]"], typing.Union["list[int]", None]
    try:
        typing.Optional["a b"]
    except SyntaxError as error:
        print(error)
print(first == second, typing.get_type_hints(type("A", (), {{"__annotations__": {{"x": first}}}})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [
        "True [] True False",
        "Forward reference must be an expression -- got 'a b'",
        "True {'x': typing.Optional[list[int]]}",
    ]


def test_protocols_are_told_as_python_tells_them_and_functions_quickly_from_then_on() -> None:
    code = """
import inspect
from typing import Protocol, runtime_checkable
import tensorflow as tf
from tensorflow.python.framework.tensor_util import IsTensorLike
from tensorflow.python.types.core import TensorProtocol

@runtime_checkable
class Closes(Protocol):
    name: str
    def close(self) -> None: ...

@runtime_checkable
class ClosesTwice(Closes, Protocol):
    def again(self) -> None: ...

class Half:
    def close(self): pass

class Whole(Half):
    name = "a"

class Twice(Whole):
    def again(self): pass

def answers():
    some = (tf.zeros(1), tf.Variable(1.0), 1, "a", None, Half(), Whole(), Twice(), open("/dev/null"))
    return [[isinstance(one, kind) for one in some] for kind in (Closes, ClosesTwice, IsTensorLike, TensorProtocol)]

usual, before = inspect.getfullargspec, answers()
from grader.run.recorder.introspection import answer_quickly
answer_quickly()
assert [answers(), answers()] == [before, before]
for one in (tf.keras.layers.Conv2D.__init__, inspect.signature, Whole.close, len):
    assert inspect.getfullargspec(one) == usual(one)
assert (inspect.getfullargspec.__name__, inspect.getfullargspec.__doc__) == (usual.__name__, usual.__doc__)
print([sum(row) for row in before])
"""
    assert run(code) == "[3, 1, 0, 1]"


def test_the_collector_works_again_and_passes_over_what_was_imported() -> None:
    code = """
class Ring:
    pass
ring = Ring(); ring.itself = ring
import weakref
gone = weakref.ref(ring)
del ring
gc.collect()
print(gc.isenabled(), gc.get_freeze_count() > 100_000, gone())
"""
    assert run(code) == "True True None"


def test_a_kernel_does_without_a_debugger_and_a_notebook_may_still_import_it() -> None:
    code = """
from grader.run.recorder.imports import leave_debugger_out
leave_debugger_out()
from ipykernel.debugger import _is_debugpy_available
print(_is_debugpy_available, "debugpy" in sys.modules)
import debugpy
print(debugpy.__name__)
"""
    assert run(code).splitlines() == ["False False", "debugpy"]
