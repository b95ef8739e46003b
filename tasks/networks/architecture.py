"""The network: a convolutional backbone, and heads that differ only in their output nodes."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tasks.networks.epochs import derive_seed
from tasks.networks.recipe import Training

if TYPE_CHECKING:
    import keras

HIDDEN = 200
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}  # weights are float32 in both


@dataclass(frozen=True)
class HeadSpecification:
    """What distinguishes one classifier from another on the same backbone."""

    name: str
    nodes: int
    activation: Literal["softmax", "sigmoid"]


ONE_NODE = HeadSpecification("one-node", 1, "sigmoid")


def softmax_head(classes: int) -> HeadSpecification:
    """The head with a node for each class; `two-node` for two classes."""
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
    return HeadSpecification(f"{words.get(classes, classes)}-node", classes, "softmax")


def build_backbone(
    image_shape: tuple[int, ...], scaling: float, training: Training, seed: int = 0, mean: float = 0
) -> "keras.Sequential":
    """Blocks of 3x3 convolution, 2x2 pooling and ReLU, three of them for images of 28 x 28.

    Images (n, *image_shape) of 0..255 in, less `mean`, times `scaling`; features (n, m) out, 1152
    for 28 x 28. The notebook has the ReLU before the pooling: the same bits, for more work.
    """
    from keras import Input, Sequential, layers

    policy = POLICIES[training.precision]
    blocks = []
    for number, filters in enumerate(block_filters(image_shape)):
        name = f"convolution-{filters}" if number < 3 else f"convolution-{filters}-{number}"
        blocks += [
            layers.Conv2D(filters, 3, padding="same", dtype=policy, name=name),
            layers.MaxPooling2D(dtype=policy),
            layers.ReLU(dtype=policy),
        ]
    first = layers.Rescaling(scaling, offset=-scaling * mean, dtype=policy)
    last = layers.Flatten(dtype=policy)
    backbone = Sequential([Input(image_shape), first, *blocks, last], name="backbone")
    return reseed(backbone, seed)


def block_filters(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The filters of each block: one block more for each doubling of the shorter side above 28."""
    # With many more features than of 28 x 28 the tuned recipe's steps are too large to learn.
    return (32, 64, 128, *[128] * max(0, int(math.log2(min(image_shape[:2]) / 28))))


def build_head(
    specification: HeadSpecification, features: int, training: Training, seed: int = 0
) -> "keras.Sequential":
    """Dense 200, ReLU, then the output nodes: features (n, `features`) in, probabilities out."""
    # The output is float32 in any precision: bfloat16 has no number between 0.996 and 1.
    from keras import Input, Sequential, layers

    nodes, activation = specification.nodes, specification.activation
    hidden = layers.Dense(HIDDEN, "relu", dtype=POLICIES[training.precision], name="hidden")
    output = layers.Dense(nodes, activation, dtype="float32", name="output")
    dropped = [layers.Dropout(training.dropout)] if training.dropout else []
    head = Sequential([Input((features,)), *dropped, hidden, output], name=specification.name)
    return reseed(head, seed)


def reseed(model: "keras.Sequential", seed: int) -> "keras.Sequential":
    """The same network with a seed's kernels, after Glorot and Bengio (2010), and dropout."""
    # Building it takes nine times as long, and Keras never gives back 0.26 MB of each. Each layer
    # has a seed of its own: Prefect's threads draw from Python's generator, as Keras does, too.
    from keras.initializers import GlorotUniform
    from keras.random import SeedGenerator

    for layer in model.layers:
        if hasattr(layer, "layers"):
            reseed(layer, seed)
        elif hasattr(layer, "kernel"):
            kernel = GlorotUniform(derive_seed(seed, layer.name))
            layer.kernel.assign(kernel(layer.kernel.shape))
        elif hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign(SeedGenerator(seed).state)
    return model


def join(backbone: "keras.Sequential", head: "keras.Sequential") -> "keras.Sequential":
    """One model, named as the head: images in, probabilities out; the layers are shared."""
    from keras import Input, Sequential

    return Sequential([Input(backbone.input_shape[1:]), backbone, head], name=head.name)


def build_base(
    image_shape: tuple[int, ...],
    classes: int,
    scaling: float,
    training: Training,
    seed: int = 0,
    mean: float = 0,
) -> "keras.Sequential":
    """A new network: images of 0..255 (n, *image_shape) in, probabilities (n, classes) out."""
    backbone = build_backbone(image_shape, scaling, training, seed, mean)
    head = HeadSpecification("base", classes, "softmax")
    return join(backbone, build_head(head, backbone.output_shape[-1], training, seed))
