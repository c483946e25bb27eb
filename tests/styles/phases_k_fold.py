# A loop over folds, each with a base and a model of its own.
# warns-3: TL203
# phases: other other head fine-tuning

# %%
folds = np.array_split(np.arange(8), 2)
for fold in folds:
    tf.keras.backend.clear_session()
    rest = np.setdiff1d(np.arange(8), fold)
    base = new_base()
    base.trainable = False
    inputs = Input((96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = Model(inputs, layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images[rest], labels[rest], validation_data=(images[fold], labels[fold]))
    base.trainable = True
    for layer in base.layers[:120]:
        layer.trainable = False
    model.compile(Adam(1e-5), loss)
    model.fit(images[rest], labels[rest], validation_data=(images[fold], labels[fold]))
