# The base is taken out of the model by its place there, whichever that is on this Keras; preprocess_input inside.
# warns-3: TL203

# %%
from tensorflow.keras.applications.mobilenet_v2 import preprocess_input
data_augmenter = Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)])
base = new_base()
base.trainable = False
inputs = Input(shape=(96, 96, 3))
x = preprocess_input(data_augmenter(inputs))
x = base(x, training=False)
x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
model = Model(inputs, layers.Dense(2, activation="softmax")(x))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
del base
model.fit((images + 1) * 127.5, labels)

# %%
inner = model.layers[4] if hasattr(model.layers[4], "layers") else model.layers[[hasattr(l, "layers") for l in model.layers].index(True, 2)]
inner.trainable = True
for layer in inner.layers[0:120]:
    layer.trainable = False
model.compile(Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit((images + 1) * 127.5, labels)
