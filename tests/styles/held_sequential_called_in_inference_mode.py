# The base in a Sequential that is itself called with training=False inside a functional model.
# warns-3: TL203
# held: sequential

# %%
base = new_base()
base.trainable = False
extractor = Sequential([base, layers.GlobalAveragePooling2D()], name="extractor")
inputs = Input((96, 96, 3))
outputs = layers.Dense(1)(extractor(inputs, training=False))
model = Model(inputs, outputs)
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
