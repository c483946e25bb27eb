# The model is built anew and gets the first one's weights: by set_weights, and from a file.
# warns-3: TL203

# %%
def build():
    base = new_base()
    inputs = Input((96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return base, Model(inputs, layers.Dense(1)(x))

base, first = build()
base.trainable = False
first.compile("adam", loss)
first.fit(images, labels)
first.save_weights("head.weights.h5")

# %%
base, second = build()
second.set_weights(first.get_weights())
base, third = build()
third.load_weights("head.weights.h5")
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
third.compile(Adam(1e-5), loss)
third.fit(images, labels)
