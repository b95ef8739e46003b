"""A Prefect flow whose tasks do nothing: what orchestration alone costs.

python -m benchmarks.empty 14
"""

import sys

from prefect import flow, task


@task
def nothing() -> None:
    """Do nothing."""


@flow
def empty(tasks: int) -> None:
    """Run so many tasks that do nothing."""
    for _ in range(tasks):
        nothing()


if __name__ == "__main__":
    empty(int(sys.argv[1]))
