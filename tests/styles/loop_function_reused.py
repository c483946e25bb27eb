# A training step as tf.function, traced in the first phase and used again in the second: nothing new trains.
# fails: TL201 TL202
# phases: head fine-tuning
# skips: TL304

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
optimizer = Adam(1e-3)

@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return value

for start in (0, 4):
    print(step(images[start : start + 4], labels[start : start + 4]))

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
optimizer.learning_rate = 1e-4
for start in (0, 4):
    print(step(images[start : start + 4], labels[start : start + 4]))
