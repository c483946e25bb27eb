# Layers are chosen by a part of their name, and those are fewer than asked.
# fails: TL202
# warns-3: TL203

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)
base.trainable = True
for layer in base.layers:
    layer.trainable = "block_16" in layer.name
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
