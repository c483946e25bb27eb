# Everything from the keras package itself, with the application's module.
# setup: none
# keras: 3
# warns: TL203

# %%
import keras
import numpy as np
from keras.applications import mobilenet_v2
images = np.random.default_rng(1).uniform(-1, 1, (8, 96, 96, 3)).astype("float32")
labels = np.array([0, 1] * 4)
base = mobilenet_v2.MobileNetV2(input_shape=(96, 96, 3), include_top=False)
base.trainable = False
model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
inputs = keras.Input((96, 96, 3))
model = keras.Model(inputs, model(base(keras.ops.multiply(inputs, 1.0), training=False)))
model.compile(keras.optimizers.Adam(), keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(keras.optimizers.Adam(1e-5), keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(images, labels)
