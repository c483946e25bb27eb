# A subclassed model that calls its base with training=False; a look at the features outside the model is no fault.
# held: subclassed
# replay-3: impossible

# %%
class Alpacas(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.base = new_base()
        self.base.trainable = False
        self.pool = layers.GlobalAveragePooling2D()
        self.drop = layers.Dropout(0.2)
        self.head = layers.Dense(1)

    def call(self, x, training=False):
        x = self.base(x, training=False)
        return self.head(self.drop(self.pool(x), training=training))

model = Alpacas()
feature_batch = model.base(images[:2])
print(feature_batch.shape)
model.compile("adam", loss)
model.fit(images, labels)
model.evaluate(images, labels)

# %%
model.base.trainable = True
for layer in model.base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
