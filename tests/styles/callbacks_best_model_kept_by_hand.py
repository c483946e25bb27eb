# A loop of fits keeps the best weights by hand and goes on with those, which are not the last ones.
# warns-3: TL203
# phases: head fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
for epoch in range(3):
    model.fit(images, labels, verbose=0)
    if epoch == 1:
        best = model.get_weights()
model.set_weights(best)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
