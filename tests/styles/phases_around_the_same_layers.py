# A second model is built around the very layers that the first one trained; two phases in one cell, in a helper.
# warns-3: TL203

# %%
base = new_base()
pool, head = layers.GlobalAveragePooling2D(), layers.Dense(1)

def build():
    inputs = Input((96, 96, 3))
    return Model(inputs, head(pool(base(inputs, training=False))))

def train(model, rate):
    model.compile(Adam(rate), loss, metrics=["accuracy"])
    return model.fit(images, labels, epochs=2, verbose=0)

# %%
base.trainable = False
train(build(), 1e-3)
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
train(build(), 1e-4)
