# The model has a base of its own; what is unfrozen is a global one of the same name.
# fails: TL202
# skips: TL201 TL204
# phases: head fine-tuning

# %%
base_model = new_base()

def alpaca_model():
    base_model = new_base()
    base_model.trainable = False
    inputs = Input(shape=(96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base_model(inputs, training=False))
    return Model(inputs, layers.Dense(1)(x))

model = alpaca_model()
model.compile("adam", loss)
model.fit(images, labels)
base_model.trainable = True
for layer in base_model.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
