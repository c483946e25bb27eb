# After both phases, another fit breaks off because its loss does not fit; it takes nothing from what was done.
# fails: NB001
# warns-3: TL203
# phases: head fine-tuning other

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)

# %%
base.trainable = True
model.compile(Adam(1e-5), "categorical_crossentropy")
model.fit(images, np.zeros((8, 7)))
