# Loops of train_on_batch in both phases.
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
    for start in (0, 4):
        print(model.train_on_batch(images[start : start + 4], labels[start : start + 4]))
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
for epoch in range(3):
    for start in (0, 4):
        print(model.train_on_batch(images[start : start + 4], labels[start : start + 4]))
