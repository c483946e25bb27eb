# One base called on two views of the image, both times in inference mode; layers chosen by their position.
# warns-3: TL203

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
pool = layers.GlobalAveragePooling2D()
one = pool(base(inputs, training=False))
two = pool(base(layers.Cropping2D(16)(layers.ZeroPadding2D(16)(inputs)), training=False))
model = Model(inputs, layers.Dense(1)(layers.Concatenate()([one, two])))
model.compile("adam", loss)
model.fit(images, labels)
base.trainable = True
for layer in base.layers:
    layer.trainable = base.layers.index(layer) >= 120
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
