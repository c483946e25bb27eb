# The base is cloned with its weights, the trained model too.
# warns-3: TL203
# held: nested

# %%
original = new_base()
base = tf.keras.models.clone_model(original)
base.set_weights(original.get_weights())
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
first = Model(inputs, layers.Dense(1)(x))
first.compile("adam", loss)
first.fit(images, labels)

# %%
model = tf.keras.models.clone_model(first)
model.set_weights(first.get_weights())
for layer in model.layers:
    if isinstance(layer, tf.keras.Model):
        layer.trainable = True
        for inner in layer.layers[:120]:
            inner.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
