# The base's layers lie in the model (input_tensor, base.output, pooling); BatchNorm stays frozen one by one.
# held: flattened
# replay-3: done

# %%
inputs = Input((96, 96, 3))
base = MobileNetV2(include_top=False, weights="imagenet", input_tensor=inputs, pooling="avg")
for layer in base.layers:
    layer.trainable = False
outputs = layers.Dense(1)(layers.Dropout(0.2)(base.output))
model = Model(inputs=base.input, outputs=outputs)
model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
model.fit(images, labels, epochs=2, batch_size=4, validation_split=0.25)

# %%
for number, layer in enumerate(model.layers):
    if number >= 120 and not isinstance(layer, layers.BatchNormalization):
        layer.trainable = True
model.compile(optimizer=Adam(1e-5), loss=loss)
model.fit(images, labels, epochs=3, initial_epoch=2)
