"""2,000 damaged inputs, the same each time: each is accepted, a miss or refused in a sentence."""

import pytest

from benchmarks.fuzz import ACCEPTED, KINDS, MISS, SENTENCE, damaged, fuzz

INPUTS = 2_000 // len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_damage_is_never_more_than_a_sentence(kind):
    tally = fuzz(kind, damaged(kind, INPUTS))
    assert tally.others == []
    assert set(tally.outcomes) >= {ACCEPTED}
    assert sum(tally.outcomes[one] for one in (ACCEPTED, SENTENCE, MISS)) == INPUTS
