# Callbacks of all kinds; the second phase begins with the best weights of the first, out of a file.
# warns-3: TL203

# %%
from tensorflow.keras import callbacks
base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
model = Model(inputs, layers.Dense(1)(x))
watch = [
    callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True),
    callbacks.ModelCheckpoint("best.weights.h5", monitor="val_loss", save_best_only=True, save_weights_only=True),
    callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1),
    callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])),
]
model.compile("adam", loss)
model.fit(images, labels, epochs=5, validation_split=0.25, callbacks=watch)

# %%
model.load_weights("best.weights.h5")
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5), loss)
model.fit(images, labels, epochs=5, validation_split=0.25, callbacks=watch)
