# Model, optimizers and loops are all a function's own, and gone when the cell ends.
# fails: TL103 TL203
# phases: head fine-tuning
# skips: TL304

# %%
def main():
    base = new_base()
    base.trainable = False
    inputs = Input((96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs))
    model = Model(inputs, layers.Dense(1)(x))
    for rate in (1e-3, 1e-5):
        optimizer = Adam(rate)
        for start in (0, 4):
            with tf.GradientTape() as tape:
                value = loss(labels[start : start + 4], model(images[start : start + 4], training=True))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        base.trainable = True
        for layer in base.layers[:120]:
            layer.trainable = False
    return float(value)

print(main())
