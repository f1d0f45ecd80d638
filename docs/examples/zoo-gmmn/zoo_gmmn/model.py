import math

from keras import Sequential, layers, ops, optimizers

from zoo_core.models import GenerativeModel, Phase


class GMMN(GenerativeModel):
    inference = ("generator",)  # the networks that sampling needs

    def networks(self, data):
        image = [layers.Dense(math.prod(data.image_shape), "tanh"), layers.Reshape(data.image_shape)]
        return {"generator": Sequential([layers.Input((10,)), layers.Dense(512, "relu"), *image])}

    def phases(self):
        return (Phase("generator", self.loss, trains=("generator",), optimizer=optimizers.Adam(1e-3)),)

    def loss(self, nets, batch, tools):
        fakes = nets["generator"](tools.normal((batch["images"].shape[0], 10)), training=True)
        x = layers.Flatten()(ops.concatenate([batch["images"], fakes]))  # (2N, H·W·C), in [-1, 1]
        gram = ops.matmul(x, ops.transpose(x)) / x.shape[1]  # (2N, 2N)
        distances = ops.diagonal(gram)[:, None] + ops.diagonal(gram) - 2 * gram
        kernel = sum(ops.exp(-distances / scale) for scale in (0.1, 0.3, 1.0))
        sign = ops.repeat([1.0, -1.0], x.shape[0] // 2)
        return ops.mean(kernel * sign[:, None] * sign), {}  # squared MMD, and nothing else to log

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, 10)), training=False)
