"""Collect: the labelled batches that have arrived since the last run."""

from functools import cache

from tasks.arrivals.arrivals import Arrivals, pixels, take_in
from tasks.arrivals.known import Embed
from tasks.errors import printable
from tasks.networks.inference import Model, run
from tasks.networks.models import read_model
from tasks.registry.registry import Registry
from tasks.reporting.folder import tell
from tasks.schemas.images import LabelledImages, with_channel
from tasks.schemas.references import Floats, Pixels
from tasks.storage.stages import current_store, uncached_stage


@uncached_stage("collect")
def collect(
    registry: Registry, inbox: str, base: LabelledImages, settle: float, hold_out: float
) -> Arrivals:
    """Take in what lies in the inbox, seen by the champion; never cached, see `take_in`."""
    registry.prepare()
    found = take_in(inbox, base, current_store(), settle, hold_out, champions_view(registry))
    for name, fate, why in found.fates:
        if fate == "quarantined":
            tell("batch.quarantined", f"batch.{printable(name)}", why)
    return found


def champions_view(registry: Registry) -> Embed:
    """The features of the champion's backbone, which is read when they are needed first."""
    champion = registry.champion()
    if champion is None:
        return pixels

    @cache
    def backbone() -> Model:
        return read_model(registry.network_path(champion)).get_layer("backbone")

    def embed(images: Pixels) -> Floats:
        return run(backbone(), images.reshape(with_channel(images.shape)))

    return embed
