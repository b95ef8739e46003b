"""Foresee: what a challenger would have to do, before it is trained."""

from tasks.networks.export import PortableModel
from tasks.registry.decision import Prospect, foresee_win
from tasks.registry.registry import Registry
from tasks.schemas.references import Split
from tasks.storage.stages import current_store, get_run_logger, uncached_stage


@uncached_stage("foresee")
def foresee(registry: Registry, held_out: Split) -> Prospect:
    """Whether a challenger could win on held-out images (n, h, w, channels), labels one-hot."""
    champion = registry.champion()
    if champion is None:
        return Prospect(True, "there is no champion yet")
    store = current_store()
    model = PortableModel(registry.model_path(champion))
    predicted = model.answer(store.array(held_out.inputs)).probabilities.argmax(axis=1)
    wrong = predicted != store.array(held_out.labels).argmax(axis=1)
    prospect = foresee_win(int(wrong.sum()), len(wrong), registry.looks() + 1)
    get_run_logger().info("%s", prospect.sentence)
    return prospect
