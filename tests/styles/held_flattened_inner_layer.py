# A model on an inner layer of the base, called as a feature extractor.
# warns-3: TL203
# held: nested

# %%
base = new_base()
base.trainable = False
extractor = Model(base.input, base.get_layer("out_relu").output, name="features")
inputs = Input((96, 96, 3))
x = extractor(inputs, training=False)
x = layers.Flatten()(layers.GlobalAveragePooling2D()(x))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for layer in extractor.layers[:-34]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
