# A subclassed model that passes its own training argument on to the base.
# fails: TL103 TL203

# %%
class Alpacas(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.base = new_base()
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(1)

    def call(self, x, training=False):
        return self.head(self.pool(self.base(x, training=training)))

model = Alpacas()
model.build((None, 96, 96, 3))
model.base.trainable = False
model.compile("adam", loss)
model.fit(images, labels)
model.base.trainable = True
for layer in model.base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
