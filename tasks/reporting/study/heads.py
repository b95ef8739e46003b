"""Two nodes against one, on each pair of classes and on all of them."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import SIGNIFICANT
from tasks.reporting.study.records import PairRow, PairsRow
from tasks.reporting.study.trials import ScoredTrial, group
from tasks.statistics.paired import holm, sign_flip_p_value

TWO, ONE = softmax_head(2).name, ONE_NODE.name


def compare_pairs(scored: Sequence[ScoredTrial]) -> list[PairRow]:
    """A row for each recipe and pair for which both heads learned from one seed or more.

    An image's difference is the number of seeds in which two nodes were correct, minus that in
    which one node was: the test images are the units of the sign-flip test, and several seeds on
    the same image count as one. `adjusted` is its p value adjusted for all pairs of the recipe.
    """
    subsets = group(scored, lambda one: (one.trial.recipe, one.trial.classes))
    rows = [row for trials in subsets if (row := _compare(trials))]
    for pairs in group(rows, itemgetter("recipe")):
        for pair, adjusted in zip(pairs, holm([one["p_value"] for one in pairs]), strict=True):
            pair["adjusted"] = adjusted
    return rows


def sum_up_pairs(pairs: Sequence[PairRow]) -> PairsRow:
    """One recipe over all of its pairs: here the pairs are the units of the sign-flip test.

    `fewer`, `equal` and `more` count the pairs on which two nodes made fewer errors than one, the
    same number, or more; `different` those whose adjusted p value is significant.
    """
    differences = np.array([pair["two_errors"] - pair["one_errors"] for pair in pairs])
    return {
        "recipe": pairs[0]["recipe"],
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


def _compare(trials: Sequence[ScoredTrial]) -> PairRow | None:
    hits = {(one.trial.head, one.trial.seed): one.hits for one in trials if one.result.learned}
    seeds = [seed for head, seed in hits if head == ONE and (TWO, seed) in hits]
    if not seeds:
        return None
    two, one = (np.sum([hits[head, seed] for seed in seeds], axis=0) for head in (TWO, ONE))
    n, predictions = len(two), len(two) * len(seeds)
    return {
        "recipe": trials[0].trial.recipe,
        "classes": list(trials[0].trial.classes),
        "n": n,
        "seeds": len(seeds),
        "two_errors": predictions - int(two.sum()),
        "one_errors": predictions - int(one.sum()),
        "two_better": int((two > one).sum()),
        "one_better": int((one > two).sum()),
        "p_value": sign_flip_p_value(two - one),
        "adjusted": 1.0,  # until all p values are known
    }
