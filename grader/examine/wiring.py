"""What the model computes before and after its base, in order: layers and operations, whatever they are nested in.

A model with a graph tells this in its config. Of a subclassed model or layer the recorder saw in which order its
`call` uses its layers, and what the code in between does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.examine.bases import FoundBase
from grader.examine.graph import ModelConfig, keyword_arguments, name_of, nodes_of
from grader.examine.journal import Journal, LayerFacts, ModelEvent

__all__ = ["Step", "Wiring", "steps_around"]

MOST_DEPTH = 12
MOST_REFERENCES = 20_000

Call = tuple[str, int]
"""A layer's name and which of its calls."""


@dataclass(frozen=True)
class Step:
    """One layer or operation.

    Args:
        name: empty for code that is no layer.
        kind: class name; ``code`` for a student's own code between layers.
        settings: as its config has them.
        effect: what the recorder saw it do, see `grader.run.recorder.layer_calls.effect_of`; empty: not looked at.
    """

    name: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    effect: str = ""


@dataclass(frozen=True)
class Part:
    """The steps of one container, on both sides of the base; without the base, all of them are `before`."""

    before: tuple[Step, ...]
    after: tuple[Step, ...]
    has_base: bool


def steps_around(journal: Journal, folder: Path, model: ModelEvent, base: FoundBase) -> tuple[list[Step], list[Step]]:
    """The steps before the base and those from the base to the model's output."""
    part = Wiring(journal, folder, base).part(model, ())
    return list(part.before), list(part.after)


class Wiring:
    """Reads containers from the outside in."""

    def __init__(self, journal: Journal, folder: Path, base: FoundBase) -> None:
        self._journal = journal
        self._folder = folder
        self._base = base.number
        self._base_layers = {leaf.number for leaf in base.leaves if leaf.containers} if base.number is None else set()
        self._effects: dict[int, str] = {}
        for effect in journal.effects:
            note(self._effects, effect.layer, effect.effect)
        self._calls: dict[int, dict[int, str]] = {}
        for call in journal.layer_calls:
            note(self._calls.setdefault(call.container, {}), call.layer, call.before)
        self._ends: dict[int, str] = {}
        for end in journal.layer_ends:
            note(self._ends, end.container, end.before)

    def part(self, container: ModelEvent, path: tuple[int, ...]) -> Part:
        """The steps of this container."""
        config = ModelConfig.read(self._folder, container.config)
        if config is None or not config.has_graph:
            return self._by_calls(container, (*path, container.model))
        return self._by_config(container, config, (*path, container.model))

    def _by_config(self, container: ModelEvent, config: ModelConfig, path: tuple[int, ...]) -> Part:
        known = {layer.name: layer for layer in container.layers}
        written = {name_of(layer): layer for layer in config.layers}
        sequence = in_order(config)
        before: list[Step] = []
        after: list[Step] = []
        from_base: set[Call] = set()
        for call, inputs in sequence:
            layer = known.get(call[0])
            reached = any(source in from_base for source in inputs)
            part = self._of_layer(layer, written.get(call[0], {}), call[1], path)
            if part.has_base or reached:
                from_base.add(call)
            if part.has_base:
                before.extend(part.before)
                after.extend(part.after)
            else:
                (after if reached else before).extend(part.before)
        return Part(tuple(before), tuple(after), bool(from_base))

    def _by_calls(self, container: ModelEvent, path: tuple[int, ...]) -> Part:
        layers = {layer.number: layer for layer in container.layers}
        called = self._calls.get(container.model, {})
        order = [number for number in called if number in layers] or list(layers)
        steps: list[Step] = []
        before: list[Step] | None = None
        for number in order:
            steps.extend(code_step(called.get(number, "same")))
            part = self._of_layer(layers[number], {}, 0, path)
            if part.has_base:
                before = [*steps, *part.before]
                steps = list(part.after)
            else:
                steps.extend(part.before)
        steps.extend(code_step(self._ends.get(container.model, "same")))
        if before is not None:
            return Part(tuple(before), tuple(steps), True)
        return Part(tuple(steps), (), False)

    def _of_layer(self, layer: LayerFacts | None, written: dict[str, Any], call: int, path: tuple[int, ...]) -> Part:
        """What lies behind one layer of a container.

        Args:
            layer: as the recorder saw it; None for an operation, which is no layer.
            written: its entry in the config; empty where there is no graph.
        """
        if layer is not None and (layer.number == self._base or layer.number in self._base_layers):
            return Part((), (), True)
        inner = self._journal.model(layer.number) if layer is not None and layer.nested else None
        if inner is not None and inner.model not in path and len(path) < MOST_DEPTH:
            part = self.part(inner, path)
            if part.has_base or part.before:
                return part
        config = written.get("config")
        settings = dict(config) if isinstance(config, dict) else dict(layer.settings) if layer else {}
        settings.update(operands(nodes_of(written), call))
        kind = str(written.get("class_name") or (layer.kind if layer else ""))
        name = layer.name if layer else name_of(written)
        return Part((Step(name, kind, settings, self._effects.get(layer.number, "") if layer else ""),), (), False)


def note(effects: dict[int, str], number: int, effect: str) -> None:
    """Keep the first effect that is known, in the order of what was seen first."""
    if effects.setdefault(number, effect) == "unknown":
        effects[number] = effect


def code_step(effect: str) -> list[Step]:
    """The student's code before a layer, as a step; none where the tensor was handed on as it was."""
    return [] if effect == "same" else [Step("", "code", {}, effect)]


def operands(nodes: list[Any], call: int) -> dict[str, Any]:
    """Keyword arguments of one call: operations of Keras 2 have theirs there."""
    if not 0 <= call < len(nodes):
        return {}
    found = {key: value for part in keyword_arguments(nodes[call]) for key, value in part.items()}
    return {key: value for key, value in found.items() if key in ("axis", "keepdims")}


def in_order(config: ModelConfig) -> list[tuple[Call, list[Call]]]:
    """Every call that the output depends on, each after those that it depends on, with what it is called on."""
    layers = config.layers
    if config.kind == "Sequential":
        names = [name_of(layer) for layer in layers]
        return [((name, 0), [(names[index - 1], 0)] if index else []) for index, name in enumerate(names)]
    sources, outputs = graph_of(layers, list(references(config.outputs)))
    done: dict[Call, list[Call]] = {}
    waiting: list[tuple[Call, bool]] = [(call, False) for call in reversed(outputs)]
    entered: set[Call] = set()
    while waiting:
        call, ready = waiting.pop()
        if ready:
            done[call] = sources[call]
        elif call not in entered:
            entered.add(call)
            waiting.append((call, True))
            waiting.extend((source, False) for source in reversed(sources[call]) if source in sources)
    return list(done.items())


def graph_of(layers: list[dict[str, Any]], outputs: list[Call]) -> tuple[dict[Call, list[Call]], list[Call]]:
    """What each call is made on, and the calls that give the output."""
    calls = {name_of(layer): nodes_of(layer) or [[]] for layer in layers}
    sources = {
        (name, index): list(references(node)) for name, nodes in calls.items() for index, node in enumerate(nodes)
    }
    # Calls of a nested model count from 1 in the references to them, and from 0 in its own list.
    highest: dict[str, int] = {}
    for name, index in [*outputs, *(source for told in sources.values() for source in told)]:
        highest[name] = max(index, highest.get(name, 0))
    offset = {name: max(0, highest.get(name, 0) - len(nodes) + 1) for name, nodes in calls.items()}
    moved = {
        call: [(name, index - offset[name]) for name, index in told if name in calls] for call, told in sources.items()
    }
    ends = [(name, index - offset[name]) for name, index in outputs if name in calls]
    return moved, [call for call in ends if call in moved]


def references(data: Any) -> Iterator[Call]:
    """Calls whose result is named in a node (or list of outputs) of a config, in either Keras's notation."""
    stack, left = [data], MOST_REFERENCES
    while stack and left:
        left -= 1
        value = stack.pop()
        if isinstance(value, dict):
            history = value.get("config", {}).get("keras_history") if is_tensor(value) else None
            stack.extend([history] if history else reversed(list(value.values())))
        elif isinstance(value, list):
            if len(value) >= 3 and isinstance(value[0], str) and all(type(number) is int for number in value[1:3]):
                yield value[0], value[1]
                stack.extend(value[3:4])
            else:
                stack.extend(reversed(value))


def is_tensor(value: dict[str, Any]) -> bool:
    """Whether this is Keras 3's notation of a tensor."""
    return value.get("class_name") == "__keras_tensor__" and isinstance(value.get("config"), dict)
