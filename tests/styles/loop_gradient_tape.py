# Two eager training loops in one cell, with the model called in training mode.
# warns-3: TL203
# phases: head fine-tuning
# skips: TL304

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(layers.Dropout(0.2)(x)))
dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)

def train(optimizer, epochs):
    for epoch in range(epochs):
        for x, y in dataset:
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))

# %%
train(Adam(1e-3), 2)
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
train(Adam(1e-5), 2)
