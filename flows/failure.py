"""What a failed or crashed run leaves in the UI: the reason, in words."""

from typing import Any

from prefect import Flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import FlowRun, State

from tasks.errors import DeadModelError, InputError


def leave_reason(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Failure and crash hook: a markdown artifact of the run that says why it ended."""
    create_markdown_artifact(
        f"## `{flow.name}`: {state.name}\n\n{reason(state)}\n\n"
        "What was stored before is whole; the next run goes on from there.",
        key="failure",
        description="Why the run ended.",
    )


def reason(state: State[Any]) -> str:
    """The message of a state without the words that Prefect puts in front."""
    message = state.message or "no reason was given"
    _, introduction, rest = message.partition("encountered an exception: ")
    if not introduction:
        return message
    kind, _, sentence = rest.partition(": ")
    return sentence if kind in (InputError.__name__, DeadModelError.__name__) else rest
