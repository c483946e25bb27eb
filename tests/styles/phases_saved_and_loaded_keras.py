# The model is saved as .keras and loaded; the base is found by its name and by get_layer.
# warns-3: TL203
# replay-2: done

# %%
from tensorflow import keras
base = new_base()
base.trainable = False
inputs = keras.Input((96, 96, 3))
x = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = keras.Model(inputs, keras.layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)
model.save("alpaca.keras")

# %%
model = keras.models.load_model("alpaca.keras")
inner = model.get_layer("mobilenetv2_1.00_96")
inner.trainable = True
for layer in inner.layers[:120]:
    layer.trainable = False
model.compile(keras.optimizers.Adam(1e-5), loss)
model.fit(images, labels)
