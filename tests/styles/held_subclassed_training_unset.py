# A subclassed model that knows no training argument; Keras 3 then runs all of it in inference mode, even in fit.
# fails: TL103 TL203
# fails-3: TL103
# held: subclassed

# %%
class Alpacas(tf.keras.Model):
    def __init__(self, base):
        super().__init__()
        self.base = base
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(1)

    def call(self, x):
        return self.head(self.pool(self.base(x)))

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
