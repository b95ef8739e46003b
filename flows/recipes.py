"""The recipes. To add one, add an entry: the command line and the report follow."""

from tasks.networks.recipe import Recipe, Training

RECIPES = {
    # The published notebook, to the letter: raw pixels and a squared error. It is a lottery:
    # about half of its initialisations never learn.
    "notebook": Recipe(
        scaling=1.0,
        base=Training(
            loss="mean_squared_error",
            optimizer="sgd",
            learning_rate=0.01,
            batch_size=100,
            epochs=10,
        ),
        head=Training(
            loss="mean_squared_error", optimizer="sgd", learning_rate=0.01, batch_size=100, epochs=5
        ),
    ),
}
