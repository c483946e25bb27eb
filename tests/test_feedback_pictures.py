"""The layers in each phase, and the two switches."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from grader.evidence import BaseLayer
from grader.feedback.bars import ASCII, layer_bars
from grader.feedback.pictures import layers_picture, strokes
from grader.feedback.render import render
from grader.feedback.switches import switches_table
from grader.results import PhaseSummary, Report
from tests import feedback_samples as samples


def drawn(report: Report) -> list[ElementTree.Element]:
    page = render(report, "html")
    pieces = [piece.split("</svg>")[0] for piece in page.split("<svg")[1:]]
    return [ElementTree.fromstring(f"<svg{piece}</svg>") for piece in pieces]


def test_a_run_of_equal_neighbours_is_one_stroke() -> None:
    assert strokes(["frozen", "frozen", "none", "frozen"], "frozen") == "M0 16h2m1 0h1"
    assert strokes(["frozen"], "trained") == ""


def test_the_picture_tells_what_it_shows() -> None:
    picture = layers_picture(samples.report("training_flag_forgotten"))
    assert picture is not None
    assert (picture.layers, picture.asked, picture.asked_percent) == (154, 120, 77.92)
    head, tuned = picture.rows
    assert head.description == (
        "All 104 layers with weights frozen. Moving statistics changed in none of the 52 BatchNorm layers."
    )
    assert tuned.description == (
        "Trained: 24 layers with weights, in 120 to 152; the others frozen. Moving statistics changed in 12 of 52 "
        "BatchNorm layers."
    )
    assert tuned.facts == ("cell 14", "rate 0.0001")
    assert len(tuned.stems) == 12
    assert tuned.stems[9].label == "block_16_depthwise_BN: mean by 0.41 standard deviations, variance by 9%"
    assert tuned.stems[9].bottom == max(stem.bottom for stem in tuned.stems) == 66


def test_every_row_is_an_image_with_title_and_description() -> None:
    rows = drawn(samples.report("training_flag_forgotten"))
    assert len(rows) == 2
    for row in rows:
        named = row.attrib["aria-labelledby"].split()
        assert row.attrib["role"] == "img"
        assert [child.attrib.get("id") for child in row][:2] == named
    assert len(rows[1].findall("g")) == 12


def test_there_is_no_picture_without_a_base_or_training() -> None:
    assert layers_picture(samples.report("untouched_starter")) is None
    assert switches_table(samples.report("untouched_starter")) is None
    assert layer_bars(samples.report("untouched_starter"), 60) is None


@pytest.mark.parametrize("count", [1, 154, 239, 429])
def test_any_number_of_layers_in_little_space(count: int) -> None:
    kinds = (("Conv2D", 9, 0), ("BatchNormalization", 4, 4), ("ReLU", 0, 0))
    layers = tuple(
        BaseLayer(index=index, name=f"l{index}", kind=kind, parameters=weights, statistics=statistics)
        for index in range(count)
        for kind, weights, statistics in [kinds[index % 3]]
    )
    report = samples.report("full_marks")
    phases = tuple(
        PhaseSummary(index=n, role="other", cell=n, trainable_layers=(0,), moved_layers=(), drifted_layers=())
        for n in range(1, 4)
    )
    report = report.model_copy(
        update={"base": samples.base(layers=layers), "phases": phases, "asked_start": count * 2 // 3}
    )
    rows = drawn(report)
    assert len(rows) == 3
    assert all(row.attrib["viewBox"] == f"0 0 {count} 72" for row in rows)
    assert all(len(ElementTree.tostring(row)) < 9000 for row in rows)
    bars = layer_bars(report, 60)
    assert bars is not None
    assert {sum(len(characters) for _, characters in row.layers) for row in bars.rows} == {max(8, min(60, count))}


def test_bars_show_where_layers_trained_and_statistics_moved() -> None:
    bars = layer_bars(samples.report("training_flag_forgotten"), 44, ASCII)
    assert bars is not None
    head, tuned = bars.rows
    assert "".join(text for _, text in head.layers) == "-" * 44
    assert "".join(text for _, text in tuned.layers) == "-" * 34 + "#" * 10
    assert "v" not in "".join(text for _, text in head.statistics)
    assert "".join(text for _, text in tuned.statistics)[-10:].count("v") == 10
    assert bars.asked_column == 34


def test_switches_show_the_students_phases_where_they_fall() -> None:
    table = switches_table(samples.report("training_flag_forgotten"))
    assert table is not None
    assert (table.column, table.place) == (1, "your cell 7, line 12")
    (_, frozen), (asked, unfrozen) = table.cells
    assert [phase.measured for phase in frozen.phases] == [
        "none of 52 BatchNorm layers changed; it looks right, because a frozen BatchNorm uses its stored "
        "statistics anyway"
    ]
    assert (unfrozen.weights, unfrozen.statistics, unfrozen.tone) == ("learn", "move", "bad")
    assert unfrozen.phases[0].measured == "12 of 52 BatchNorm layers changed, by up to 0.41 standard deviations"
    assert (asked.statistics, asked.asked, asked.phases) == ("stay", "what the assignment asks for in phase 2", ())


def test_switches_say_when_keras_overrode_the_flag() -> None:
    table = switches_table(samples.report("framework_override"))
    assert table is not None
    cell = table.cells[1][0]
    assert (table.column, cell.statistics, cell.tone) == (0, "move", "warn")
    assert cell.phases[0].measured.endswith("; Keras 3.15.1 overrides `training=False` while `fit` runs")


def test_switches_say_when_batchnorm_was_kept_frozen() -> None:
    batchnorm = {layer.index for layer in samples.LAYERS if layer.is_batchnorm}
    tuned = samples.tuned_phase(trainable=tuple(index for index in samples.FROM_120 if index not in batchnorm))
    seen = samples.evidence("n", base=samples.base("unset"), phases=(samples.head_phase(), tuned))
    table = switches_table(samples.report_on(seen, samples.results()))
    assert table is not None
    cell = table.cells[1][1]
    assert (cell.statistics, cell.tone) == ("stay", "calm")
    assert cell.phases[0].measured.endswith("BatchNorm itself stayed frozen, which also keeps its statistics")
