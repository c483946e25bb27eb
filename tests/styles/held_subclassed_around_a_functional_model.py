# A subclassed model around a functional one, which calls the base with training=False.
# warns-3: TL203
# held: nested

# %%
class Alpacas(tf.keras.Model):
    def __init__(self):
        super().__init__()
        base = new_base()
        inputs = Input((96, 96, 3))
        x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
        self.net = Model(inputs, layers.Dense(8, activation="relu")(x))
        self.out = layers.Dense(1)
        self.base = base

    def call(self, x, training=None):
        return self.out(self.net(x, training=training))

model = Alpacas()
model.base.trainable = False
model.compile("adam", loss)
model.fit(images, labels)
model.base.trainable = True
for layer in model.base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
