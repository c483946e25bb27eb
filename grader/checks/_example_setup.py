"""The cell that runs before every check's example; see `_base` for the convention."""

from __future__ import annotations

__all__ = ["SETUP"]

SETUP = """\
import tensorflow as tf
from tensorflow.keras.applications import MobileNetV2

tf.random.set_seed(7)
images = tf.random.uniform((8, 96, 96, 3), -1.0, 1.0)
labels = tf.constant([[0.0], [1.0]] * 4)
loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
base_model = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
"""
"""`images`: float32 ``[8, 96, 96, 3]``, between -1 and 1; `labels`: float32 ``[8, 1]``, 0 or 1."""
