# A training step as tf.function, made anew for each phase, with the model in inference mode.
# phases: head fine-tuning
# skips: TL304

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))

def make_step(optimizer):
    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=False))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return value
    return step

# %%
step = make_step(Adam(1e-3))
for start in (0, 4):
    print(step(images[start : start + 4], labels[start : start + 4]))

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
step = make_step(Adam(1e-5))
for start in (0, 4):
    print(step(images[start : start + 4], labels[start : start + 4]))
