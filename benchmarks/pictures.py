"""What reading a folder of pictures costs.

    python -m benchmarks.pictures --images 100000

Ours is `find_source` and `read_source`, which identify, decode on all cores, prepare, hold out and
check; theirs a plain loop that opens each file with Pillow and writes it into an array. Both read
the same JPEG files of 64 x 64 in colour, in alternation, each time in a new process.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.machine import print_machine
from benchmarks.processes import in_a_process
from tasks.data.read import find_source, read_source

CLASSES, SIDE, RUNS = 10, 64, 3


def write_pictures(folder: Path, images: int) -> None:
    """So many different JPEG files, in ten class folders."""
    rng = np.random.default_rng(0)
    for number in range(images):
        path = folder / f"class-{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((SIDE, SIDE)).save(path, quality=85)


def ours(folder: str) -> tuple[float, float]:
    """Seconds, and the peak memory of the process in MB (10^6 bytes)."""
    return _measured(lambda: read_source(find_source(folder, 0)))


def theirs(folder: str) -> tuple[float, float]:
    """The same for the plain loop."""
    return _measured(lambda: _plain_loop(folder))


def _plain_loop(folder: str) -> object:
    paths = sorted(Path(folder).rglob("*.jpg"))
    pixels = np.empty((len(paths), SIDE, SIDE, 3), np.uint8)
    for row, path in enumerate(paths):
        with Image.open(path) as picture:
            pixels[row] = np.asarray(picture)
    return pixels


def _measured(call: Callable[[], object]) -> tuple[float, float]:
    started = time.perf_counter()
    call()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return time.perf_counter() - started, peak


def main() -> None:
    """Write the pictures, read them in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000)
    images = parser.parse_args().images
    print_machine()
    with TemporaryDirectory() as folder:
        write_pictures(Path(folder), images)
        turns = [[in_a_process(side, folder) for side in (ours, theirs)] for _ in range(RUNS)]
    print("\n| reading | seconds | images/s | peak memory, MB |")
    print("| --- | ---: | ---: | ---: |")
    for name, found in zip(("ours", "theirs"), zip(*turns, strict=True), strict=True):
        seconds = median(one[0] for one in found)
        peak = max(one[1] for one in found)
        print(f"| {name} | {seconds:.1f} | {images / seconds:,.0f} | {peak:.0f} |")
    ratio = median(their[0] / our[0] for our, their in turns)
    print(f"\nTheirs / ours: {ratio:.2f}, the median of {RUNS} turns.")


if __name__ == "__main__":
    main()
