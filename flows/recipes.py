"""The recipes. To add one, add an entry: the command line and the report follow."""

from tasks.networks.recipe import Augmentation, Recipe, Training

# The published notebook, to the letter: raw pixels and a squared error. It is a lottery: about half
# of its initialisations never learn. Seven in ten of its two-node heads on 0 and 1 are dead after
# their first epoch, and one on 3 and 5 learned at its 35th attempt.
NOTEBOOK = Training(
    loss="mean_squared_error",
    optimizer="sgd",
    learning_rate=0.01,
    batch_size=100,
    epochs=10,
    least_steps=800,
    attempts=100,
)
NOTEBOOK_HEAD = NOTEBOOK.model_copy(update={"epochs": 5, "least_steps": 20})
HEAD = Training(
    loss="crossentropy",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=128,
    epochs=3,
    least_steps=20,
)
# Cross-entropy, Adam along a cosine, and distorted images; every number of this and of `FAST` was
# chosen on 10,000 training images that were held out.
TUNED = Training(
    loss="crossentropy",
    optimizer="adam",
    learning_rate=0.006,
    batch_size=200,
    least_batches=10,
    epochs=19,
    least_steps=800,
    warm_up=0.3,
    beta_2=0.99,
    weight_decay=0.05,
    averaging=0.99,
    label_smoothing=0.05,
    dropout=0.25,
    augmentation=Augmentation(shift=2, rotation=10, zoom=0.1, shear=0.1),
    precision="auto",
)
# The same network in some 280 steps, whatever the number of images, for a first look.
FAST: dict[str, object] = {"learning_rate": 0.01, "batch_size": 100, "epochs": 1, "beta_2": 0.95}
FAST |= {"most_images": 28_000, "least_steps": 280}
FAST |= {"averaging": 0, "dropout": 0, "augmentation": None}
RECIPES = {
    "notebook": Recipe(scaling=1.0, base=NOTEBOOK, head=NOTEBOOK_HEAD),
    "tuned": Recipe(scaling=1 / 255, base=TUNED, head=HEAD),
    "fast": Recipe(scaling=1 / 255, base=TUNED.model_copy(update=FAST), head=HEAD),
}
