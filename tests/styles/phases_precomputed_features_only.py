# The head is trained on features that the base computed once, and put on the base; nothing is fine-tuned.
# fails: TL202
# skips: TL201 TL205 TL204
# phases: head

# %%
base = new_base()
base.trainable = False
extractor = Model(base.input, layers.GlobalAveragePooling2D()(base.output))
features = extractor.predict(images)
top = Sequential([Input(features.shape[1:]), layers.Dropout(0.2), layers.Dense(1)])
top.compile("adam", loss)
top.fit(features, labels, epochs=5)
inputs = Input((96, 96, 3))
model = Model(inputs, top(extractor(inputs, training=False)))
model.compile("adam", loss)
print(model.evaluate(images, labels))
