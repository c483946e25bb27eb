# Sequential with the base in it, unfrozen together with its BatchNorm layers.
# fails: TL103 TL203
# held: sequential
# replay-3: done

# %%
base = new_base()
base.trainable = False
model = Sequential([layers.Input((96, 96, 3)), base, layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(4).repeat(), steps_per_epoch=2, epochs=2)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), "binary_crossentropy")
model.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(4).repeat(), steps_per_epoch=2, epochs=2)
