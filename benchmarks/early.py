"""How soon a recipe's base is good.

    python -m benchmarks.early DATASET --recipe tuned --accuracy 0.99

Trains the base for one epoch, then anew for two, and so on until its test accuracy is reached;
prints epochs, accuracy and the seconds of that last training as JSON.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

from flows.config import Config
from tasks.data.read import find_source, read_source
from tasks.data.splits import encode
from tasks.networks.architecture import build_base
from tasks.networks.epochs import derive_seed
from tasks.networks.inference import predicted_classes, run
from tasks.networks.training import Compiled, fit

MOST_EPOCHS = 5


@dataclass(frozen=True)
class Early:
    """Test accuracy (0..1) after so many epochs of the whole schedule, and the seconds they took.

    The seconds start before the network is built, after the imports, and end with its weights.
    """

    epochs: int
    accuracy: float
    seconds: float


def train_briefly(config: Config, name: str, epochs: int) -> Early:
    """Train a recipe's base for its first epochs."""
    import keras  # noqa: F401    # which takes as long as a short training

    images = read_source(find_source(config.dataset, config.seed))
    recipe = config.chosen_recipes()[name]
    seed = derive_seed(config.seed, "base", 0)
    pixels, labels = images.train_images[..., None], encode(images.train_labels, 10)
    started = time.perf_counter()
    model = build_base((28, 28, 1), 10, recipe.scaling, recipe.base, seed)
    compiled = Compiled(model, pixels, labels, recipe.base)
    fit(
        compiled,
        pixels,
        labels,
        seed,
        is_over=lambda history: len(history.epochs) == epochs,  # as scheduled for all of them
    )
    seconds = time.perf_counter() - started
    predicted = predicted_classes(run(model, images.test_images[..., None]))
    return Early(epochs, float((predicted == images.test_labels).mean()), seconds)


def main() -> int:
    """Train longer and longer until it is enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--recipe", default="tuned")
    parser.add_argument("--accuracy", type=float, default=0.99)
    arguments = parser.parse_args()
    config = Config(dataset=arguments.dataset, recipes=(arguments.recipe,))
    for epochs in range(1, MOST_EPOCHS + 1):
        early = train_briefly(config, arguments.recipe, epochs)
        if early.accuracy >= arguments.accuracy:
            print(json.dumps(asdict(early)))
            return 0
    print(f"{MOST_EPOCHS} epochs reached {early.accuracy:.4f} only", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
