"""Remove what no kept run, model in use, or batch needs.

python flows/prune.py --keep 10 --dry-run
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from startup import begin

    begin()

import sys
from datetime import datetime
from pathlib import Path

from flows.cli import run_command
from flows.config import PruneConfig
from flows.run import exclusive
from tasks.arrivals.batch import read_notes
from tasks.errors import InputError
from tasks.registry.connection import NAMES, database, is_begun, read_rows
from tasks.registry.registry import Registry
from tasks.reporting.folder import find_reports
from tasks.storage.records import unneeded
from tasks.storage.store import Store, writable_store


def prune(store: Store, keep: int, *, dry_run: bool = False) -> list[str]:
    """Remove what only runs before the last `keep`, 1 or more, needed; say what, in a line each.

    Whoever calls holds the lock. It may be killed at any point: the next one removes the rest.
    """
    reports, lines = find_reports(store), list[str]()
    if len(reports) <= keep:
        return [f"nothing to remove: there are {len(reports)} runs, and {keep} are kept"]
    for what, paths in _found(store, keep, reports).items():
        size = sum(file.stat().st_size for path in paths for file in (path, *path.rglob("*")))
        lines.append(f"{what}: {len(paths):,}, {size / 1e6:,.1f} MB")
        for path in paths if not dry_run else ():
            with store.temporary(path.name) as gone:  # a folder is whole, or is gone
                path.rename(gone)
    return lines


def _found(store: Store, keep: int, reports: list[tuple[datetime, Path]]) -> dict[str, list[Path]]:
    """What is to be removed; the reports come last, as by them it is found."""
    ended, _ = reports[-keep - 1]
    of_batches = {file.path for note in read_notes(store) for file in note.files()}
    names = read_rows(database(store), NAMES) if is_begun(store) else []
    superseded = (Registry(store, None, name).superseded(keep, ended) for (name,) in names)
    return {
        "records and files": unneeded(store, ended.timestamp(), of_batches),
        "files of superseded models": [folder for folders in superseded for folder in folders],
        "reports": [folder for _, folder in reports[:-keep]],
    }


def call(config: PruneConfig) -> None:
    """Print what is removed, or would be; InputError if the artifacts are in no folder."""
    store = writable_store(config.artifacts)
    if store.remote:
        raise InputError(f"--artifacts {store.remote} is no folder, and only one is pruned")
    with exclusive(store, config.wait, print):
        lines = prune(store, config.keep, dry_run=config.dry_run)
    print("\n".join([*lines, "Nothing was removed: a dry run."] if config.dry_run else lines))


if __name__ == "__main__":
    sys.exit(run_command(PruneConfig.script, __doc__, PruneConfig, call))
