# Fits of one epoch in a loop, evaluation between them, and a second, slower training of the head.
# warns-3: TL203
# phases: other head fine-tuning

# %%
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss, metrics=["accuracy"])
for epoch in range(5):
    model.fit(images, labels, epochs=1, verbose=0)
    print(model.evaluate(images, labels, verbose=0))
model.compile(Adam(1e-4), loss, metrics=["accuracy"])
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss, metrics=["accuracy"])
for epoch in range(5):
    model.fit(images, labels, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
    model.optimizer.learning_rate.assign(1e-5 / (epoch + 2))
model.predict(images)
