# The base is unfrozen step by step, down to layer 120.
# warns-3: TL203
# phases: head other other fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for start in (150, 140, 120):
    for number, layer in enumerate(base.layers):
        layer.trainable = number >= start
    model.compile(Adam(start * 1e-7), loss)
    model.fit(images, labels)
