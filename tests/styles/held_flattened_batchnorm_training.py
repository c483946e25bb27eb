# The base's layers lie in the model, as Keras's own example has it; its BatchNorm layers are fine-tuned.
# fails: TL103 TL203
# held: flattened
# replay-2: done

# %%
base = new_base()
x = layers.GlobalAveragePooling2D()(base.output)
x = layers.Dense(16, activation="relu")(x)
model = Model(base.input, layers.Dense(1)(x))
for layer in base.layers:
    layer.trainable = False
model.compile("adam", loss)
model.fit(images, labels)
for layer in model.layers[:120]:
    layer.trainable = False
for layer in model.layers[120:]:
    layer.trainable = True
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
