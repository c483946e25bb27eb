# Fine-tuning with two optimizers in one step: a small rate for the base, a larger one for the head.
# warns-3: TL203
# phases: head fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
head = layers.Dense(1)
model = Model(inputs, head(layers.GlobalAveragePooling2D()(base(inputs, training=False))))
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
slow, fast = Adam(1e-5), Adam(1e-4)
for start in (0, 4, 0):
    with tf.GradientTape(persistent=True) as tape:
        value = loss(labels[start : start + 4], model(images[start : start + 4], training=True))
    slow.apply_gradients(zip(tape.gradient(value, base.trainable_variables), base.trainable_variables))
    fast.apply_gradients(zip(tape.gradient(value, head.trainable_variables), head.trainable_variables))
