# A function with its own local base, called several times; sizes are compared, the last model is the real one.
# warns-3: TL203
# phases: head fine-tuning

# %%
def alpaca_model(units):
    base_model = new_base()
    base_model.trainable = False
    inputs = Input(shape=(96, 96, 3))
    x = base_model(inputs, training=False)
    x = layers.GlobalAveragePooling2D()(x)
    if units:
        x = layers.Dense(units, activation="relu")(x)
    return Model(inputs, layers.Dense(1)(x))

print(alpaca_model(0).count_params())

# %%
# %%time
for units in (8, 16):
    model2 = alpaca_model(units)
    model2.compile(loss=loss, optimizer=Adam(0.001), metrics=["accuracy"])
    model2.fit(images, labels, epochs=1)
base_model = [layer for layer in model2.layers if "mobilenet" in layer.name][0]

# %%
# %%time
base_model.trainable = True
set_trainable = False
for layer in base_model.layers:
    if layer.name == "block_13_depthwise":
        set_trainable = True
    layer.trainable = set_trainable
model2.compile(loss=loss, optimizer=Adam(0.0001), metrics=["accuracy"])
model2.fit(images, labels, epochs=4, initial_epoch=2)
