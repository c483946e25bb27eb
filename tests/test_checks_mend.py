"""The line that a finding of TL103 suggests."""

from __future__ import annotations

import pytest

from grader.checks._mend import with_training_false


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("x = base_model(x)", "x = base_model(x, training=False)"),
        ("x = base_model(x, training=True)  # BatchNorm", "x = base_model(x, training=False)  # BatchNorm"),
        ("x = base_model(x, training=None)", "x = base_model(x, training=False)"),
        ("x = base_model(x, True)", "x = base_model(x, training=False)"),
        ("x = base_model(inputs, )", "x = base_model(inputs, training=False)"),
        ("x = base_model( inputs )", "x = base_model( inputs, training=False)"),
        ("return self.base(x, training=training)", "return self.base(x, training=False)"),
        ("x = base_model(preprocess_input(x))", "x = base_model(preprocess_input(x), training=False)"),
        ("outputs = Dense(1)(base_model(x))", "outputs = Dense(1)(base_model(x, training=False))"),
        ("é = base_model(é)  # é", "é = base_model(é, training=False)  # é"),
        ("x = net(inputs)", "x = net(inputs, training=False)"),
        ("def forward(x): return base(x)", "def forward(x): return base(x, training=False)"),
        ("with strategy.scope(): x = conv_base(x)", "with strategy.scope(): x = conv_base(x, training=False)"),
    ],
)
def test_lines_that_can_be_mended(line: str, mended: str) -> None:
    assert with_training_false(line) == mended


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x = base_model(",
        "!python train.py",
        "x = layer(x)",
        "x = TimeDistributed(base_model)(x)",
        "x = base_model(*inputs)",
        "x = base_model(x, **options)",
        "x = base_model()",
        "y = first_base(x) + second_base(x)",
        "x = head(net(x))",
    ],
)
def test_lines_that_are_left_alone(line: str) -> None:
    assert with_training_false(line) == ""
