# A loop over folds around one base: the second fold begins with what the first one fine-tuned.
# fails: TL102
# warns-3: TL203
# phases: other other head fine-tuning

# %%
folds = np.array_split(np.arange(8), 2)
base = new_base()
for fold in folds:
    rest = np.setdiff1d(np.arange(8), fold)
    base.trainable = True
    base.trainable = False
    inputs = Input((96, 96, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = Model(inputs, layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images[rest], labels[rest])
    base.trainable = True
    for layer in base.layers[:120]:
        layer.trainable = False
    model.compile(Adam(1e-5), loss)
    model.fit(images[rest], labels[rest])
