"""What a failed or crashed run leaves in the UI: the reason, in words."""

import re
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State

from tasks.errors import ReadableError

INTRODUCTION = re.compile("^.*?(encountered an exception|parameters failed with error): ")


def leave_reason(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Failure and crash hook: a markdown artifact of the run that says why it ended."""
    text = (
        f"## `{flow.name}`: {state.name}\n\n{reason(state)}\n\n"
        "What was stored before is whole; the next run resumes from there."
    )
    # not create_markdown_artifact: after a crash there is no run any more that it would belong to
    with get_client(sync_client=True) as client:
        client.create_artifact(
            ArtifactCreate(
                key="failure",
                type="markdown",
                description="Why the run ended.",
                data=text,
                flow_run_id=flow_run.id,
            )
        )


def reason(state: State[Any]) -> str:
    """The message of a state without the words that Prefect puts in front."""
    message = state.message or "no reason was given"
    rest = INTRODUCTION.sub("", message)
    kind, _, sentence = rest.partition(": ")
    readable = {error.__name__ for error in ReadableError.__subclasses__()}
    return sentence if kind in readable else rest
