"""Why a stage has to run: what is another than at the most similar of its former results."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tasks.schemas.references import Record
from tasks.storage.records import FOLDER, UNREADABLE, read_record, read_unchecked
from tasks.storage.stages import cache_key
from tasks.storage.store import DamagedError, Store

RECENT = 300  # records, among which a former one of a stage is looked for
SHOWN = 3  # reasons
DIGEST = 64  # characters


class NotStoredError(Exception):
    """A stage would run; `stand_in` is a former result of it, if there is one.

    `inputs` are those that have another content than for that one, if nothing else is another.
    """

    def __init__(
        self, reason: str, stand_in: Record | None = None, inputs: Collection[str] = ()
    ) -> None:
        super().__init__(reason)
        self.stand_in, self.inputs = stand_in, inputs


def stored(store: Store, decided_by: Mapping[str, Any], known: Collection[str]) -> Record:
    """The result that so much decides; NotStoredError if there is no record, or it is damaged.

    No result of the present run, whose keys are `known`, stands in for one.
    """
    try:
        return read_record(store, cache_key(decided_by))
    except DamagedError as error:
        reason = str(error)
    except UNREADABLE:
        reason = ""
    before, stand_in = nearest(store, decided_by, known)
    words, inputs = differences(before, decided_by)
    raise NotStoredError(reason or words, stand_in, () if reason else inputs)


def nearest(
    store: Store, decided_by: Mapping[str, Any], known: Collection[str]
) -> tuple[Mapping[str, Any], Record | None]:
    """What decided a former result of the same stage, and that: of the most similar inputs."""
    wanted = _flat(decided_by)

    def likeness(former: tuple[Mapping[str, Any], Record]) -> tuple[int, int]:
        other = wanted.items() ^ _flat(former[0]).items()
        return -sum(path.startswith("inputs") for path, _ in other), -len(other)

    # of a remote, to read so many records would take longer than many a stage
    former = () if store.remote else _former(store, decided_by["stage"], known)
    return max(former, key=likeness, default=({}, None))


def _former(
    store: Store, stage: str, known: Collection[str]
) -> Iterator[tuple[Mapping[str, Any], Record]]:
    names = (name.removeprefix(f"{FOLDER}/") for name in store.names(FOLDER)[-RECENT:][::-1])
    for key in (name for name in names if name not in known):
        try:
            record, decided_by = read_unchecked(store, key)
            if decided_by["stage"] == stage:
                yield decided_by, record
        except UNREADABLE:
            continue


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, Collection[str]]:
    """What is another than before, if there is one: in words, and which inputs, if only they."""
    if not before:
        return "no result of it is stored here", ()
    old, new = _flat(before), _flat(now)
    changed = {path: (old.get(path), new.get(path)) for path in {**new, **old}}
    changed = {path: pair for path, pair in changed.items() if pair[0] != pair[1]}
    told = list(dict.fromkeys(_in_words(changed)))
    more = len(told) - SHOWN
    names = {path.split("/")[1] if path.startswith("inputs/") else "" for path in changed}
    words = ", ".join(told[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    return words, () if "" in names else names


def _in_words(changed: Mapping[str, tuple[object, object]]) -> Iterator[str]:
    split = {path: path.split("/", 1) for path in changed}
    other = {
        split[path][1].split("/")[0]
        for path, pair in changed.items()
        if any(isinstance(one, str) and len(one) == DIGEST for one in pair)
    }
    for path, (before, now) in changed.items():
        kind, name = split[path]
        if kind == "source":
            yield f"{name} was edited"
        elif name.split("/")[0] in other:
            yield f"{name.split('/')[0]} has other content"
        else:
            yield f"{name.replace('/', '.')} {before} -> {now}"


def _flat(value: Any, path: str = "") -> dict[str, object]:
    """The leaves of nested mappings and lists, by their paths."""
    if isinstance(value, list | tuple):
        value = {str(place): item for place, item in enumerate(value)}
    if not isinstance(value, Mapping):
        return {path: value}
    below = (_flat(item, f"{path}/{name}".lstrip("/")) for name, item in value.items())
    return {path: leaf for leaves in below for path, leaf in leaves.items()}
