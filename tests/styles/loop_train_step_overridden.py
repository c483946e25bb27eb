# A functional model with a train_step of its own; preprocessing as arithmetic in a Lambda layer.
# warns-3: TL203
# phases: head fine-tuning
# held: nested
# skips: TL304

# %%
class Careful(tf.keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, self(x, training=True)))
        gradients = tape.gradient(value, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": value}

base = new_base()
base.trainable = False
inputs = Input((96, 96, 3))
x = layers.Lambda(lambda image: image / 127.5 - 1)(inputs)
x = layers.GlobalAveragePooling2D()(base(x, training=False))
model = Careful(inputs, layers.Dense(1)(x))
model.compile("adam")
model.fit((images + 1) * 127.5, labels)

# %%
base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(Adam(1e-5))
model.fit((images + 1) * 127.5, labels)
