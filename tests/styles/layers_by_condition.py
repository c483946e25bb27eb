# Layers are chosen by a condition on their names; images come from a Sequence; Rescaling is in the model.
# warns-3: TL203

# %%
class Batches(tf.keras.utils.Sequence):
    def __init__(self):
        super().__init__()

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return (images[part] + 1) * 127.5, labels[part]

base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
x = layers.GlobalAveragePooling2D()(base(x, training=False))
model = Model(inputs, layers.Dense(1)(x))
model.compile("adam", loss)
model.fit(Batches(), epochs=2)

# %%
base.trainable = True
for layer in base.layers:
    block = layer.name.split("_")[1] if layer.name.startswith("block") else ""
    late = block in ("14", "15", "16") or layer.name in ("Conv_1", "Conv_1_bn")
    layer.trainable = late or layer.name.startswith(("block_13_depthwise", "block_13_project"))
model.compile(Adam(1e-5), loss)
model.fit(Batches(), epochs=2)
