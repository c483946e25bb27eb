# Model and training live in a module that the notebook writes; images come from ImageDataGenerator.
# warns-3: TL203

# %%
# %%writefile helpers.py
import tensorflow as tf

def build():
    base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
    base.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    return base, tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation="sigmoid")(x))

def train(model, data, rate):
    model.compile(tf.keras.optimizers.Adam(rate), "binary_crossentropy")
    return model.fit(data, epochs=2)

# %%
from helpers import build, train
from tensorflow.keras.preprocessing.image import ImageDataGenerator
generator = ImageDataGenerator(horizontal_flip=True, rotation_range=10)
base, model = build()
train(model, generator.flow(images, labels, batch_size=4), 1e-3)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
train(model, generator.flow(images, labels, batch_size=4), 1e-5)
