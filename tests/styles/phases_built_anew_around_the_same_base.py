# The second model shares the base, but its head is new.
# fails: TL205
# warns-3: TL203

# %%
base = new_base()

def build():
    inputs = Input((96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return Model(inputs, layers.Dense(1)(x))

base.trainable = False
model = build()
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model = build()
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
