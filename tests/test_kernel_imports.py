"""What a cold kernel leaves out as it imports Keras is there all the same when a notebook asks for it."""

from __future__ import annotations

import subprocess
import sys

BEGIN = """
import gc, sys
from grader.run.recorder.launch import import_needed
import_needed("3")
"""


def run(code: str) -> str:
    """What this code prints in a process that has imported as a cold kernel does."""
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False)
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
