# The head is trained on features that the base computed once, then both are put together and fine-tuned.
# warns-3: TL203
# phases: head fine-tuning

# %%
base = new_base()
features = base.predict(images)
head = Sequential([Input(features.shape[1:]), layers.GlobalAveragePooling2D(), layers.Dense(1)], name="head")
head.compile("adam", loss, metrics=["accuracy"])
head.fit(features, labels, epochs=5)

# %%
inputs = Input((96, 96, 3))
model = Model(inputs, head(base(inputs, training=False)))
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
