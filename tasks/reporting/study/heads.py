"""Two nodes against one, on each pair of classes and on all of them."""

from collections.abc import Sequence

import numpy as np

from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import SIGNIFICANT
from tasks.reporting.study.records import PairRow, PairsRow
from tasks.reporting.study.trials import ScoredTrial, group
from tasks.statistics.paired import holm, sign_flip_p_value


def compare_pairs(scored: Sequence[ScoredTrial]) -> list[PairRow]:
    """A row for each recipe and pair for which both heads learned from one seed or more.

    An image's difference is the number of seeds in which two nodes were correct, minus that in
    which one node was: the test images are the units of the sign-flip test, and several seeds on
    the same image count as one. `adjusted` is its p value adjusted for all pairs of the recipe.
    """
    subsets = group(scored, lambda trial: (trial.recipe, trial.classes))
    rows = [row for trials in subsets.values() if (row := _compare(trials)) is not None]
    adjusted = {
        recipe: iter(holm([row["p_value"] for row in rows if row["recipe"] == recipe]))
        for recipe in dict.fromkeys(row["recipe"] for row in rows)
    }
    for row in rows:
        row["adjusted"] = next(adjusted[row["recipe"]])
    return rows


def sum_up_pairs(pairs: Sequence[PairRow]) -> list[PairsRow]:
    """Each recipe over all of its pairs: here the pairs are the units of the sign-flip test.

    `fewer`, `equal` and `more` count the pairs on which two nodes made fewer errors than one, the
    same number, or more; `different` those whose adjusted p value is significant.
    """
    recipes = dict.fromkeys(pair["recipe"] for pair in pairs)
    return [_sum_up(recipe, [p for p in pairs if p["recipe"] == recipe]) for recipe in recipes]


def _compare(trials: Sequence[ScoredTrial]) -> PairRow | None:
    learned = {(one.trial.head, one.trial.seed): one for one in trials if one.result.learned}
    seeds = [seed for head, seed in learned if head == ONE_NODE.name]
    both = [
        (learned[softmax_head(2).name, seed], learned[ONE_NODE.name, seed])
        for seed in seeds
        if (softmax_head(2).name, seed) in learned
    ]
    if not both:
        return None
    two = np.sum([pair[0].hits for pair in both], axis=0)
    one = np.sum([pair[1].hits for pair in both], axis=0)
    n, predictions = len(two), len(two) * len(both)
    return {
        "recipe": trials[0].trial.recipe,
        "classes": list(trials[0].trial.classes),
        "n": n,
        "seeds": len(both),
        "two_errors": predictions - int(two.sum()),
        "one_errors": predictions - int(one.sum()),
        "two_better": int((two > one).sum()),
        "one_better": int((one > two).sum()),
        "p_value": sign_flip_p_value(two - one),
        "adjusted": 1.0,  # until all p values are known
    }


def _sum_up(recipe: str, pairs: Sequence[PairRow]) -> PairsRow:
    differences = np.array([pair["two_errors"] - pair["one_errors"] for pair in pairs])
    return {
        "recipe": recipe,
        "pairs": len(pairs),
        "fewer": int((differences < 0).sum()),
        "equal": int((differences == 0).sum()),
        "more": int((differences > 0).sum()),
        "two_errors": sum(pair["two_errors"] for pair in pairs),
        "one_errors": sum(pair["one_errors"] for pair in pairs),
        "p_value": sign_flip_p_value(differences),
        "least_adjusted": min(pair["adjusted"] for pair in pairs),
        "different": sum(pair["adjusted"] < SIGNIFICANT for pair in pairs),
    }
