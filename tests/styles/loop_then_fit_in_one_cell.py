# The head is trained by a loop and the base by fit, in one cell, with one optimizer object each.
# warns-3: TL203
# phases: head fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))

def by_hand(model, optimizer):
    for start in (0, 4):
        with tf.GradientTape() as tape:
            value = loss(labels[start : start + 4], model(images[start : start + 4], training=True))
        gradients = tape.gradient(value, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights))

by_hand(model, Adam())
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
