# Weights are put aside before the first training and put back after it: what it learned is gone.
# fails: TL205
# warns-3: TL203

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
start = model.get_weights()
model.fit(images, labels)
model.set_weights(start)
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
