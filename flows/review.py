"""Review: what was set aside is listed, approved, rejected or withdrawn by a person."""

from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.config import ReviewConfig
from flows.run import pipeline_flow, reported_alive
from tasks.arrivals.batch import read_notes
from tasks.arrivals.review import decide
from tasks.reporting.review import list_batches, write_page
from tasks.storage.lock import exclusive
from tasks.storage.store import Store, writable_store


@pipeline_flow("digit-review")
def review(config: ReviewConfig) -> State[None]:
    """Do what a person decides on a batch, and show all batches; InputError if that cannot be."""
    store = writable_store(config.artifacts)
    with exclusive(store, config.wait, get_run_logger().warning), reported_alive(store):
        said, table = carry_out(store, config)
    create_markdown_artifact(f"{said}\n\n{table}", key="review", description="All batches.")
    return Completed(message=said)


def carry_out(store: Store, config: ReviewConfig) -> tuple[str, str]:
    """What was decided and where the pictures lie, in sentences, and a table of all batches."""
    said = ""
    if config.action != "review":
        note = decide(store, config.action, config.batch, config.why)
        said = f"{note.batch.title} is {note.state} now. "
    notes = read_notes(store)
    waiting = sum(note.state == "waiting" for note in notes)
    place = write_page(store, notes)
    said += f"Batches that wait for a decision: {waiting}; pictures: {place}"
    return said, list_batches(notes)
