"""Inputs of strangers: valid ones, damaged at random, and some that unpack to much.

    python -m benchmarks.fuzz --inputs 200000

Each is read as the program reads it. It is accepted, refused in one sentence, or, of what the
program stored itself, a miss; anything else is a defect, and so are 10 seconds or 1 GB. Half of the
damage is done below the checksums of a format, which are then made anew.
"""

import argparse
import gzip
import io
import json
import resource
import signal
import struct
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks.machine import print_machine
from benchmarks.processes import in_a_process
from tasks.arrivals.batch import Batch, Note, read_notes
from tasks.arrivals.decode import decode_folder, decode_npz
from tasks.data.idx import IDX_NAMES, MAGIC
from tasks.data.pictures import read_picture
from tasks.errors import ReadableError
from tasks.networks.attempts import Notes, read_checkpoint
from tasks.networks.recipe import Training
from tasks.schemas.images import LabelledImages, Preparation
from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.schemas.training import Attempt, EpochResult, History
from tasks.storage.reasons import NotStoredError
from tasks.storage.reasons import stored as stored_result
from tasks.storage.records import write_record
from tasks.storage.stages import Checkpoint, cache_key
from tasks.storage.store import Store, write_arrays, write_checksummed
from tasks.trials.trial import Group, Trial, TrialResult, find_all, keep

SECONDS, MEGABYTES = 10, 1_000
CLASSES = tuple(range(10))
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**63,
    1e308,
    float("nan"),
    "",
    "../a",
    "\0",
    "9" * 5_000,
    [],
    {},
    [[[]]],
)
HANDWRITING = Preparation(height=28, width=28, channels=1, handwriting=True)
COLOURS = Preparation(height=16, width=16, channels=3)

ACCEPTED, SENTENCE, MISS = "accepted", "one sentence", "a miss"


@dataclass(frozen=True)
class Kind:
    """A kind of input: how one is made at random, how it is read, and some that are large."""

    name: str
    make: Callable[[Random], bytes]
    read: Callable[[Path, bytes], object]  # into a folder, if need be; None is a miss
    large: tuple[Callable[[], bytes], ...] = ()


class Tally(NamedTuple):
    """What came of some inputs, the slowest in seconds, and what should not have been."""

    outcomes: Counter[str]
    slowest: float
    others: list[str]


class SlowError(BaseException):
    """An input takes too long; no `Exception`, so that nobody takes it for one of theirs."""


def damage(content: bytes, random: Random) -> bytes:
    """The bytes with one to four changes: numbers, bits, and parts lost, doubled or moved."""
    data = bytearray(content)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((1, 2, 4, 64, len(data))))
        change = random.randrange(6)
        if change == 0 and data:
            data[start % len(data)] ^= 1 << random.randrange(8)
        elif change == 1:
            number = struct.pack(random.choice("<>") + "I", random.choice(INTERESTING))
            data[start : start + 4] = number[: random.choice((1, 2, 4))]
        elif change == 2:
            del data[start:end]
        elif change == 3:
            data[start:start] = data[start:end]
        elif change == 4:
            data[start:end] = random.randbytes(end - start)
        else:
            data[start:start] = random.choice(
                (b"[" * 2_000, b"9" * 400, b"\0" * 64, b"\n", b"\xff")
            )
    return bytes(data)


def damage_json(value: Any, random: Random) -> Any:
    """A JSON value in which another stands somewhere."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.2:
        return random.choice(VALUES)
    key = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
    changed = value.copy()
    changed[key] = damage_json(value[key], random)
    return changed


def png_again(content: bytes, random: Random) -> bytes:
    """A PNG of which a chunk is damaged, below its checksum."""
    chunks, start = [], 8
    while start < len(content):
        (length,) = struct.unpack(">I", content[start : start + 4])
        chunks.append(content[start + 4 : start + 8 + length])
        start += 12 + length
    chosen = random.randrange(len(chunks))
    chunks[chosen] = chunks[chosen][:4] + damage(chunks[chosen][4:], random)
    whole = (
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks
    )
    return content[:8] + b"".join(whole)


def npz_again(content: bytes, random: Random) -> bytes:
    """A .npz of which an array is damaged, below its checksum, and perhaps packed otherwise."""
    buffer, methods = io.BytesIO(), (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = random.choice(list(members))
    members[chosen] = damage(members[chosen], random)
    with zipfile.ZipFile(buffer, "w", random.choice(methods)) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return buffer.getvalue()


def gzip_again(content: bytes, random: Random) -> bytes:
    """A gzipped file that is damaged below its checksum."""
    return gzip.compress(damage(gzip.decompress(content), random), 1)


def json_again(content: bytes, random: Random) -> bytes:
    """JSON in which another value stands somewhere."""
    return json.dumps(damage_json(json.loads(content), random)).encode()


def notes_again(content: bytes, random: Random) -> bytes:
    """Stored arrays with notes in which another value stands somewhere, as we write them."""
    with np.load(io.BytesIO(content)) as saved:
        arrays = dict(saved)
    arrays["notes"] = np.array(json_again(str(arrays["notes"]).encode(), random).decode())
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def mixed(valid: Sequence[bytes], *again: Callable[[bytes, Random], bytes]) -> Callable[..., bytes]:
    """Makes an input: one of the valid ones, damaged as it lies there or in one of these ways."""

    def make(random: Random) -> bytes:
        content = random.choice(valid)
        return (
            random.choice(again)(content, random)
            if random.random() < 0.5
            else damage(content, random)
        )

    return make


def idx(dimensions: int, *shape: int, data: bytes | None = None) -> bytes:
    """An IDX file of unsigned bytes."""
    content = bytes(range(256)) * 99 if data is None else data
    size = int(np.prod(shape)) if data is None else len(data)
    return struct.pack(f">{1 + len(shape)}I", MAGIC + dimensions, *shape) + content[:size]


def npz(**arrays: Any) -> bytes:
    """A .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def picture(form: str, mode: str, size: tuple[int, int] = (20, 24), **how: Any) -> bytes:
    """A picture of noise; a large one is black."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1] % 999, size[0] % 999, 4), np.uint8)
    noise = Image.fromarray(pixels).convert(mode)
    buffer = io.BytesIO()
    (noise if size[0] < 999 else Image.new(mode, size)).save(buffer, form, **how)
    return buffer.getvalue()


def read_idx_batch(form: str, folder: Path, content: bytes) -> object:
    """Images in an IDX file, with the labels of three."""
    images, labels = IDX_NAMES[:2]
    batch = {f"{images}{form}": content, labels: idx(1, 3)}
    return decode_folder(batch, DATA)


def read_a_picture(preparation: Preparation, folder: Path, content: bytes) -> object:
    """A picture that is prepared for a model."""
    return read_picture(content, "a", preparation)


def read_a_record(folder: Path, content: bytes) -> object:
    """A record; what cannot be read is a miss."""
    store = Store(folder)
    store.add_array("a", np.arange(3))
    write_checksummed(store, f"records/{cache_key(DECIDED_BY)}", content)
    try:
        return stored_result(store, DECIDED_BY, set())
    except NotStoredError:
        return None


def read_training(folder: Path, content: bytes) -> object:
    """A checkpoint."""
    store = Store(folder)
    write_checksummed(store, "checkpoints/a", content)
    return read_checkpoint(Checkpoint(store, "checkpoints/a"))


def read_trial(folder: Path, content: bytes) -> object:
    """What was kept of a study's only trial."""
    (name,) = Store(folder).names("trials") or [_keep_trial(Store(folder))]
    write_checksummed(Store(folder), name, content)
    return find_all(Store(folder), GROUP) or None


def read_note(folder: Path, content: bytes) -> object:
    """The note of a batch whose arrays are there."""
    store = Store(folder)
    store.add_array("a", np.arange(3))
    write_checksummed(store, "batches/a", content)
    return read_notes(store)


def stored(write: Callable[[Store], object]) -> bytes:
    """The content of the checksummed file that is written."""
    with TemporaryDirectory() as folder:
        write(Store(Path(folder)))
        found = [path for path in Path(folder).glob("*/*") if path.suffix != ".npy"]
        return found[0].read_bytes().partition(b"\n")[2]


def _reference() -> ArrayReference:
    with TemporaryDirectory() as folder:
        return Store(Path(folder)).add_array("a", np.arange(3))


def _record(store: Store) -> None:
    write_record(store, store.add_array("a", np.arange(3)), DECIDED_BY)


def _checkpoint(store: Store) -> None:
    epoch = EpochResult(loss=0.5, accuracy=0.5)
    dead = Attempt(seed=0, history=History(epochs=(epoch,)), outcome="dead")
    notes = Notes(name="a", epochs=2, dead=(dead,), history=History(epochs=(epoch,)))
    write_arrays(store, "checkpoints/a", [np.zeros((4, 2))], notes.model_dump_json())


def _keep_trial(store: Store) -> str:
    attempt = Attempt(seed=0, history=History(), outcome="learned")
    probabilities = np.full((3, 2), 0.5, np.float32)
    told = {"trial": GROUP.trials[0], "attempts": (attempt,), "weights_sha256": "0"}
    keep(store, GROUP, TrialResult(**told, probabilities=probabilities))
    return store.names("trials")[0]


def _note(store: Store) -> None:
    found = _reference()
    batch = Batch(name="a", sha256="0", images=found, labels=found, held_out=found)
    text = Note(number=1, batch=batch, suggested=found, classes=(0, "a")).model_dump_json()
    write_checksummed(store, "batches/a", text.encode())


TRAINING = Training(loss="crossentropy", optimizer="sgd", learning_rate=0.1, batch_size=8, epochs=1)
SPLIT = Split(inputs=_reference(), labels=_reference())
IMAGES = Dataset(train=SPLIT, test=SPLIT)
DATA = LabelledImages(images=IMAGES, classes=CLASSES, preparation=COLOURS)
DECIDED_BY = {"stage": "any"}
GROUP = Group(
    trials=(Trial(recipe="tuned", classes=(0, 1), head="two-node", seed=0),),
    features=IMAGES,
    held_out=_reference(),
    training=TRAINING,
)


GREY, LABELS = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8), np.arange(3)
IDX = idx(3, 3, 8, 8)
NPZ = (
    npz(images=GREY, labels=LABELS),
    npz(x_train=np.stack([GREY] * 3, axis=-1), y_train=np.array(["1", "2", "3"])),
    npz(images=GREY / np.float32(255), labels=LABELS),
)
PNG = [picture("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
JPEG = [picture("JPEG", mode, progressive=mode == "L") for mode in ("RGB", "L", "CMYK")]
TIFF = [picture("TIFF", "RGB", compression=how) for how in (None, "tiff_lzw", "jpeg")]
MOST = (7_071, 7_071)  # pixels that are allowed

KINDS = (
    Kind("IDX", mixed([IDX], damage), partial(read_idx_batch, "")),
    Kind(
        "IDX, gzipped",
        mixed([gzip.compress(IDX)], gzip_again),
        partial(read_idx_batch, ".gz"),
        (lambda: gzip.compress(idx(3, 2**20, 32, 32, data=bytes(2**30)), 1),),
    ),
    Kind(
        "`.npz`",
        mixed(NPZ, npz_again),
        lambda _, content: decode_npz(content, DATA),
        (
            lambda: npz(images=np.zeros((342_000, 28, 28), np.uint8), labels=LABELS),
            lambda: npz(images=np.zeros((1, 5_790, 5_790)), labels=LABELS[:1]),
        ),
    ),
    Kind(
        "PNG",
        mixed(PNG, png_again),
        partial(read_a_picture, HANDWRITING),
        (lambda: picture("PNG", "RGBA", MOST), lambda: picture("PNG", "I;16", MOST)),
    ),
    Kind(
        "JPEG",
        mixed(JPEG, damage),
        partial(read_a_picture, COLOURS),
        (lambda: picture("JPEG", "CMYK", MOST),),
    ),
    Kind(
        "TIFF",
        mixed(TIFF, damage),
        partial(read_a_picture, COLOURS),
        (lambda: picture("TIFF", "RGBA", MOST, compression="tiff_lzw"),),
    ),
    Kind("record", mixed([stored(_record)], json_again), read_a_record),
    Kind(
        "checkpoint",
        mixed([stored(_checkpoint)], npz_again, notes_again),
        read_training,
        (lambda: npz(**{"0": np.zeros(2**27), "notes": np.array("{}")}),),
    ),
    Kind("trial note", mixed([stored(_keep_trial)], npz_again, notes_again), read_trial),
    Kind("batch note", mixed([stored(_note)], json_again), read_note),
)


def fuzz(kind: Kind, inputs: Iterable[bytes]) -> Tally:
    """What comes of inputs of a kind."""
    outcomes: Counter[str] = Counter()
    slowest, others = 0.0, []
    with TemporaryDirectory() as folder, _no_longer_than(SECONDS):
        for number, content in enumerate(inputs):
            signal.alarm(SECONDS)
            began = time.perf_counter()
            outcome = _outcome(partial(kind.read, Path(folder), content))
            slowest = max(slowest, time.perf_counter() - began)
            signal.alarm(0)
            outcomes[outcome] += 1
            if outcome not in (ACCEPTED, SENTENCE, MISS):
                others.append(f"{kind.name}, input {number}: {outcome}")
    return Tally(outcomes, slowest, others)


def damaged(kind: Kind, inputs: int) -> Iterator[bytes]:
    """So many inputs of a kind, the same each time."""
    return (kind.make(Random(number)) for number in range(inputs))


def _outcome(read: Callable[[], object]) -> str:
    try:
        return MISS if read() is None else ACCEPTED
    except ReadableError as error:
        return SENTENCE if "\n" not in str(error) else f"several lines: {str(error)[:200]!r}"
    except (Exception, SlowError) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"


@contextmanager
def _no_longer_than(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise SlowError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def large(position: int) -> list[bytes]:
    """The large inputs of a kind, which take memory to make, too."""
    return [make() for make in KINDS[position].large]


def measured(position: int, inputs: int, first: list[bytes]) -> tuple[Tally, float]:
    """The tally of a kind, and the most memory that this process had, in MB (10^6 bytes)."""
    kind = KINDS[position]
    tally = fuzz(kind, chain(first, damaged(kind, inputs - len(first))))
    return tally, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Print a line for each kind, and on stderr what should not have been."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=200_000, help="Of all kinds together.")
    each = parser.parse_args().inputs // len(KINDS)
    print_machine()
    print("| input | tried | accepted | one sentence | a miss | other | slowest, s | peak, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for position, kind in enumerate(KINDS):
        tally, peak = in_a_process(measured, position, each, in_a_process(large, position))
        counts = [tally.outcomes[one] for one in (ACCEPTED, SENTENCE, MISS)]
        numbers = " | ".join(f"{one:,}" for one in (each, *counts, len(tally.others)))
        print(f"| {kind.name} | {numbers} | {tally.slowest:.1f} | {peak:,.0f} |", flush=True)
        print("\n".join(tally.others[:20]), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
