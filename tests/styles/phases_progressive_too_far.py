# The base is unfrozen step by step, and in the end further than asked.
# fails: TL202
# warns-3: TL203
# phases: head other fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)
base.trainable = True
for start in (120, 80):
    for number, layer in enumerate(base.layers):
        layer.trainable = number >= start
    model.compile(Adam(start * 1e-7), loss)
    model.fit(images, labels)
