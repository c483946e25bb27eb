# A subclassed model around a Sequential with the base in it, which it calls with training=False.
# held: sequential

# %%
class Alpacas(tf.keras.Model):
    def __init__(self, base):
        super().__init__()
        self.features = Sequential([base, layers.GlobalAveragePooling2D()])
        self.out = layers.Dense(1)

    def call(self, x, training=None):
        return self.out(self.features(x, training=False))

base = new_base()
base.trainable = False
model = Alpacas(base)
model.compile("adam", loss)
model.fit(images, labels)
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
