# The module that the notebook writes builds a subclassed model that says nothing of training to its base.
# fails: TL103 TL203

# %%
# %%writefile nets.py
import tensorflow as tf

class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
        self.base.trainable = False
        self.pool = tf.keras.layers.GlobalAveragePooling2D()
        self.out = tf.keras.layers.Dense(1)

    def call(self, x, training=None):
        return self.out(self.pool(self.base(x)))

# %%
from nets import Net
net = Net()
net.compile("adam", loss)
net.fit(images, labels)
net.base.trainable = True
for layer in net.base.layers[:120]:
    layer.trainable = False
net.compile(Adam(1e-5), loss)
net.fit(images, labels)
