# Sequential and add, two classes by softmax, an endless generator; fine-tuned without the BatchNorm layers.
# held: sequential

# %%
from tensorflow import keras
model = keras.models.Sequential()
model.add(new_base())
model.add(keras.layers.GlobalAveragePooling2D())
model.add(keras.layers.Dense(2, activation="softmax"))
model.layers[0].trainable = False
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["acc"])

def batches():
    while True:
        yield images[:4], labels[:4, 0]

history = model.fit(batches(), steps_per_epoch=3, epochs=2, validation_data=batches(), validation_steps=1)
print(history.history["acc"][-1])

# %%
base = model.layers[0]
base.trainable = True
for layer in base.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.trainable = False
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(keras.optimizers.RMSprop(learning_rate=1e-5), "sparse_categorical_crossentropy", metrics=["acc"])
model.fit(batches(), steps_per_epoch=3, epochs=2)
