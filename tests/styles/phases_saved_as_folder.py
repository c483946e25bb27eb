# The model is saved as a folder (SavedModel) and loaded.
# keras: 2

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)
model.save("alpaca")

# %%
model = tf.keras.models.load_model("alpaca")
base = model.layers[1]
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
