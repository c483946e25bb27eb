# The model is saved as .h5 and loaded, as Sequential with BatchNorm frozen one by one.
# phases: head fine-tuning
# held: sequential

# %%
model = Sequential([Input((96, 96, 3)), new_base(), layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")])
model.layers[0].trainable = False
model.compile("adam", "binary_crossentropy")
model.fit(images, labels)
model.save("alpaca.h5")

# %%
model = tf.keras.models.load_model("alpaca.h5")
base = model.layers[0]
base.trainable = True
for number, layer in enumerate(base.layers):
    layer.trainable = number >= 120 and not isinstance(layer, layers.BatchNormalization)
model.compile(Adam(1e-5), "binary_crossentropy")
model.fit(images, labels)
