# Loops of train_on_batch, and no compile before the second.
# fails: TL201 TL202 TL204
# phases: head fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
for step in range(4):
    model.train_on_batch(images[:4], labels[:4])
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
for step in range(4):
    model.train_on_batch(images[:4], labels[:4])
