# A layer of the student's own holds the base and calls it with training=False.
# held: subclassed

# %%
class Features(layers.Layer):
    def __init__(self, base, **kwargs):
        super().__init__(**kwargs)
        self.base = base

    def call(self, x):
        return self.base(x, training=False)

    def compute_output_shape(self, shape):
        return self.base.compute_output_shape(shape)

base = new_base()
base.trainable = False
print(base(images[:2]).shape)
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(Features(base)(inputs))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(images, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels)
