"""What a hostile notebook may write about its model: refused by name before anything is made of it, or found out."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from grader.assignment import Assignment
from grader.evidence import Evidence
from grader.examine import RunFacts, examine
from grader.examine.allowed import MisfitConfigError, RefusedConfigError, fit_to_rebuild
from grader.examine.rebuilding import NotRebuiltError, Rebuilding
from grader.replaying import second_opinion
from grader.run.execution import Execution
from grader.run.flavour import Choice
from grader.run.replay import process
from grader.submission import Submission, load_submission
from grader.weights import WeightsStore
from tests.notebooks import KERNELS

ROOT = Path(__file__).resolve().parent.parent
Config = dict[str, Any]


def layer(kind: str, module: str = "keras.layers", **settings: Any) -> Config:
    """A layer of a config, as both Kerases write it."""
    config = {"name": "made", "trainable": False, **settings}
    return {"module": module, "class_name": kind, "config": config, "registered_name": None, "name": config["name"]}


def model(*layers: Config) -> Config:
    return {"class_name": "Functional", "module": "keras", "config": {"name": "model", "layers": list(layers)}}


# --- what a config may hold -----------------------------------------------------------------------------------


def test_what_is_listed_passes_with_every_layer_trainable_and_nothing_compiled() -> None:
    given = model(layer("Dense", units=3), layer("TFOpLambda", function="math.truediv", name="divide"))
    given["compile_config"] = {"loss": {"class_name": "Mine", "module": "mine", "config": {}}}
    passed = fit_to_rebuild(copy.deepcopy(given), {"made": [(4, 3), (3,)]})
    assert [entry["config"]["trainable"] for entry in passed["config"]["layers"]] == [True, True]
    assert "compile_config" not in passed


NOT_RUN = "which is not among the layers that are run."


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (layer("Lambda"), f"The model holds a `Lambda`, {NOT_RUN}"),
        (layer("TFSMLayer", filepath="/etc/passwd"), f"The model holds a `TFSMLayer`, {NOT_RUN}"),
        (layer("StringLookup", vocabulary="/etc/passwd"), f"The model holds a `StringLookup`, {NOT_RUN}"),
        (layer("Dense", module="os"), f"The model holds a `os.Dense`, {NOT_RUN}"),
        (layer("system", module="os"), f"The model holds a `os.system`, {NOT_RUN}"),
        ({**layer("Dense"), "registered_name": "mine>Dense"}, f"The model holds a `mine>Dense`, {NOT_RUN}"),
        (layer("TimeDistributed", layer=layer("Lambda")), f"The model holds a `TimeDistributed`, {NOT_RUN}"),
        (layer("Dense", kernel_initializer={"class_name": "Evil", "module": None, "config": {}}),
         f"The model holds a `Evil`, {NOT_RUN}"),
        (layer("Activation", activation={"class_name": "function", "module": "os", "config": "system"}),
         "The config names the function `system` of `os`."),
        (layer("Activation", activation={"class_name": "function", "module": "keras.utils", "config": "get_file"}),
         "The config names the function `get_file` of `keras.utils`."),
        (layer("Activation", activation={"class_name": "__lambda__", "config": {"value": "4wE="}}),
         f"The model holds a `__lambda__`, {NOT_RUN}"),
        (layer("TFOpLambda", function="io.read_file"),
         "The model calls `io.read_file`, which is not among the functions that are run."),
        (layer("Functional", layers=[layer("Lambda")]), f"The model holds a `Lambda`, {NOT_RUN}"),
    ],
)  # fmt: skip
def test_what_is_not_listed_is_refused_by_name(made: Config, told: str) -> None:
    with pytest.raises(RefusedConfigError) as refused:
        fit_to_rebuild(model(made), {"made": [(4, 3)]})
    assert str(refused.value) == told


HAVE = "its weights, as written down, have the shapes [4, 3], [3]."


def nested(depth: int) -> Config:
    return model(nested(depth - 1)) if depth else model()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (model(layer("Dense", units=2 * 10**9)), f"The config says that `made` has 2,000,000,000 units; {HAVE}"),
        (model(layer("Conv2D", filters=64)), f"The config says that `made` has 64 filters; {HAVE}"),
        (model(layer("ZeroPadding2D", padding=10**7)), "The config asks for `padding` = 10,000,000."),
        (model(layer("InputLayer", batch_shape=[None, 10**5, 10**5, 3])),
         "The model takes inputs of the shape [None, 100000, 100000, 3]."),
        (model(*[layer("ReLU")] * 3001), "The model has more than 3,000 layers."),
        (nested(11), "Models are nested more than 10 deep."),
        (model({**layer("Dense", units=3), "class_name": 7}), "The config is none that Keras writes."),
    ],
)  # fmt: skip
def test_more_than_a_machine_should_be_asked_for_is_refused(given: Config, told: str) -> None:
    with pytest.raises(MisfitConfigError) as refused:
        fit_to_rebuild(given, {"made": [(4, 3), (3,)]})
    assert str(refused.value) == told


def test_a_model_of_the_students_own_class_is_named() -> None:
    with pytest.raises(RefusedConfigError) as refused:
        fit_to_rebuild({**model(), "class_name": "Alpacas", "registered_name": "Custom>Alpacas"}, {})
    assert str(refused.value) == "The model is a `Custom>Alpacas`, which is no class of Keras's own."


# --- a run's leavings, tampered with --------------------------------------------------------------------------


class Forgery:
    """A copy of what a real run left, and what the grader makes of it."""

    def __init__(self, folder: Path, recorded: Path, alpaca: Assignment) -> None:
        self.left = folder / "left"
        shutil.copytree(recorded, self.left)
        self.folder = folder
        self.assignment = alpaca
        self.submission: Submission = load_submission(ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb")

    def events(self, change: Callable[[Config], None]) -> None:
        """Change each event of the journal."""
        path = self.left / "journal.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()]
        for event in events:
            change(event)
        path.write_text("".join(f"{json.dumps(event)}\n" for event in events))

    def configs(self, change: Callable[[Config], None]) -> None:
        """Change each config."""
        for path in self.left.glob("config-*.json"):
            config = json.loads(path.read_text())
            change(config)
            path.write_text(json.dumps(config))

    def arrays(self, change: Callable[[str, np.ndarray], np.ndarray]) -> None:
        """Change each array."""
        for path in self.left.glob("snapshot-*.safetensors"):
            save_file({key: change(key, array) for key, array in load_file(path).items()}, path)

    def examined(self) -> tuple[Evidence, Execution]:
        """As evidence, without the cells."""
        execution = Execution(self.submission.notebook, self.left, ())
        facts = RunFacts(Choice("3", ""), "bounded", WeightsStore())
        return examine(self.submission, self.assignment, execution, facts), execution

    def refused(self) -> NotRebuiltError:
        """Why it is not rebuilt; no process was started."""
        evidence, execution = self.examined()
        self.folder.joinpath("given").mkdir()
        with pytest.raises(NotRebuiltError) as refused:
            Rebuilding(self.submission, self.assignment, execution, evidence).plan(self.folder / "given", [])
        return refused.value

    def replayed(self, isolation: str = "auto") -> Evidence:
        """With the replay's word in it."""
        evidence, execution = self.examined()
        run = (self.submission, self.assignment, execution)
        return second_opinion(evidence, (), "always", run, self.folder / "replay", (KERNELS, isolation))


@pytest.fixture
def forgery(tmp_path: Path, recorded: Path, alpaca: Assignment) -> Forgery:
    return Forgery(tmp_path, recorded, alpaca)


def notes_of(evidence: Evidence) -> list[str]:
    return [note.text for note in evidence.notes if note.kind in ("integrity", "replay")]


def last_dense(config: Config) -> Config:
    """The model's last layer; of a config without one, nothing that matters."""
    dense = [entry for entry in config["config"]["layers"] if entry["class_name"] == "Dense"]
    return dense[-1] if dense else {"config": {}}


def test_a_lambda_among_the_layers_is_refused(forgery: Forgery) -> None:
    forgery.configs(lambda config: last_dense(config).update(class_name="Lambda"))
    refused = forgery.refused()
    assert (refused.outcome, refused.reason) == ("refused", f"The model holds a `Lambda`, {NOT_RUN}")


def test_two_billion_units_are_refused_before_anything_is_made(forgery: Forgery) -> None:
    forgery.configs(lambda config: last_dense(config)["config"].update(units=2 * 10**9))
    refused = forgery.refused()
    assert refused.outcome == "misfit"
    assert "has 2,000,000,000 units; its weights, as written down, have the shapes [1280, 1], [1]." in refused.reason


def test_two_billion_units_in_config_and_journal_alike_are_refused_by_the_arrays(forgery: Forgery) -> None:
    huge = 2 * 10**9

    def enlarge(event: Config) -> None:
        for entry in event.get("layers", []) if event["event"] == "model" else []:
            if entry["kind"] == "Dense":
                entry["own"][0]["shape"], entry["own"][1]["shape"] = [1280, huge], [huge]

    forgery.configs(lambda config: last_dense(config)["config"].update(units=huge))
    forgery.events(enlarge)
    refused = forgery.refused()
    assert (refused.outcome, refused.reason) == ("refused", "The model has more than 400,000,000 parameters.")


def test_arrays_of_other_shapes_are_refused(forgery: Forgery) -> None:
    forgery.arrays(lambda key, array: array[..., None] if array.ndim == 4 else array)
    refused = forgery.refused()
    assert refused.outcome == "misfit"
    assert refused.reason == (
        "`Conv1` is said to have a weight of the shape [3, 3, 3, 32]; the one written down has [3, 3, 3, 32, 1]."
    )


def test_flags_and_log_that_were_patched_are_found_out_by_the_model_itself(forgery: Forgery) -> None:
    """The recorder is made to say that fine-tuning trained nothing of the base and moved no statistics."""

    def hide(event: Config) -> None:
        if event["event"] in ("training", "trained"):
            event["trainable"] = event["flagged"] = event["trainable"][-2:]

    forgery.events(hide)
    evidence = forgery.replayed()
    assert evidence.replay is not None and evidence.replay.outcome == "done"
    assert [(one.what, one.phase) for one in evidence.replay.disagreements] == [("trainable", 2)]
    tuned = evidence.phase("fine-tuning") or evidence.phases[1]
    assert tuned.trainable == evidence.replay.disagreements[0].replayed != ()
    (note,) = notes_of(evidence)
    assert note.startswith(
        "Phase 2: the recorder and the replay of the model disagree on which layers of the base could train. The "
        "replay alone: `block_13_depthwise` (120),"
    )


def test_a_config_that_is_not_the_models_is_found_out(forgery: Forgery) -> None:
    forgery.configs(lambda config: last_dense(config)["config"].update(use_bias=False))
    evidence = forgery.replayed()
    assert evidence.replay is not None and evidence.replay.outcome == "misfit"
    (note,) = notes_of(evidence)
    assert note.startswith(
        "The model was not rebuilt and measured by the grader. What was written down of the model does"
    )
    assert "weights of the shapes (1280, 1), not (1280, 1), (1)." in note


def test_weights_that_are_no_numbers_are_told_and_cost_nothing(forgery: Forgery) -> None:
    forgery.arrays(lambda key, array: np.full_like(array, np.nan) if array.shape == (1280, 1) else array)
    evidence = forgery.replayed()
    assert evidence.replay is not None and evidence.replay.answers == ()
    assert evidence.replay.unmeasured == (
        "What the trained model does was not measured: ValueError: the model's outputs are no finite numbers.",
    )
    assert [phase.step.head_trainable for phase in evidence.replay.phases] == [2, 2]


def test_a_fault_of_the_graders_own_leaves_what_the_run_showed(
    forgery: Forgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(Rebuilding, "plan", broken)
    before, _ = forgery.examined()
    evidence = forgery.replayed()
    assert (evidence.phases, evidence.probes) == (before.phases, before.probes)
    assert notes_of(evidence) == [
        "The model was not rebuilt and measured by the grader. The grader failed at it: KeyError: 'oops'"
    ]


def test_where_there_are_no_monitors_the_child_is_the_graders_own(
    forgery: Forgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "monitored", process.alone)
    monkeypatch.setattr(process, "SECONDS", 0.0)
    evidence = forgery.replayed(isolation="none")
    assert evidence.replay is not None and evidence.replay.outcome == "broke"
    assert "it took longer than 0 s" in evidence.replay.reason


def test_a_child_that_takes_too_long_is_ended(forgery: Forgery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 0.0)
    evidence = forgery.replayed()
    assert evidence.replay is not None and evidence.replay.outcome == "broke"
    assert notes_of(evidence) == [
        "The model was not rebuilt and measured by the grader. Nothing could be measured: what the trained model does "
        "was not measured: it took longer than 0 s."
    ]
