# The trained model is cloned for fine-tuning, and a clone has new random weights.
# fails: TL205
# warns-3: TL203

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
first = Model(inputs, layers.Dense(1)(x))
first.compile("adam", loss)
first.fit(images, labels)
model = tf.keras.models.clone_model(first)
inner = next(layer for layer in model.layers if isinstance(layer, tf.keras.Model))
inner.trainable = True
for layer in inner.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
