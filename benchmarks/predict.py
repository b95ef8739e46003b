"""How fast images are labelled.

    python -m benchmarks.predict --images 10000

Ours is what `flows/predict.py` does after its start: read, decode, convert, predict, and make the
CSV. Theirs is plain `model.predict` on the same pixels, which lie in memory as float32. The network
is a new two-node network in float32, as it is stored; what it says does not matter. With
`--artifacts` of a retraining, it times the first answer of `flows/predict.py`, too, beside a
process that only imports onnxruntime and pydantic-settings.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile, TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.machine import print_machine
from flows.config import Config
from tasks.networks.architecture import build_backbone, build_head, join, softmax_head
from tasks.networks.export import PortableModel, to_onnx
from tasks.networks.models import in_float32
from tasks.prediction.reading import read_images
from tasks.prediction.writing import label_images, write_csv
from tasks.schemas.images import Preparation

if TYPE_CHECKING:
    import keras

RUNS = 3
FILES, ARRAYS = 50_000, 1_000_000
# in a small process, as Linux counts the memory of whoever starts a process as its own
MEASURE = """
import os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
assert status == 0
print(time.perf_counter() - started, usage.ru_maxrss)
"""
PREPARATION = Preparation(height=28, width=28, channels=1, handwriting=True)
VERSION: Any = SimpleNamespace(number=1, sha256="0" * 64, classes=(0, 1))


def build_two_node() -> "keras.Sequential":
    """The tuned recipe's network for two digits, untrained."""
    recipe = Config().chosen_recipes()["tuned"]
    backbone = build_backbone((28, 28, 1), recipe.scaling, recipe.base, 0)
    head = build_head(softmax_head(2), backbone.output_shape[1], recipe.head, 0)
    return in_float32(join(backbone, head))


def draw(seed: int, scale: int) -> Image.Image:
    """A ring or a stroke, light on dark, 28 pixels times `scale`."""
    rng = np.random.default_rng(seed)
    left, right = sorted(rng.integers(6 * scale, 22 * scale, 2).tolist())
    image = Image.new("L", (28 * scale, 28 * scale))
    box = (left, 4 * scale, right + scale, 23 * scale)
    pen = ImageDraw.Draw(image)
    if seed % 2:
        pen.line(box, 255, width=3 * scale)
    else:
        pen.ellipse(box, outline=255, width=3 * scale)
    return image


def write_npz(folder: Path, images: int) -> Path:
    """28 x 28, taken as they are."""
    path = folder / "images.npz"
    np.savez(path, images=np.stack([np.asarray(draw(seed, 1)) for seed in range(images)]))
    return path


def write_png(folder: Path, images: int) -> Path:
    """Files of 28 x 28, taken as they are."""
    for seed in range(images):
        draw(seed, 1).save(folder / f"{seed:05}.png")
    return folder


def write_png_to_convert(folder: Path, images: int) -> Path:
    """Files of 112 x 112, in colour, dark on light."""
    for seed in range(images):
        inverted = draw(seed, 4).point(range(255, -1, -1))
        inverted.convert("RGB").save(folder / f"{seed:05}.png")
    return folder


KINDS: dict[str, Callable[[Path, int], Path]] = {
    ".npz, 28 x 28": write_npz,
    "PNG, 28 x 28": write_png,
    "PNG, 112 x 112, RGB, dark on light": write_png_to_convert,
}


def as_in_use(model: "keras.Model") -> PortableModel:
    """The model as ONNX."""
    with NamedTemporaryFile(suffix=".onnx") as file:
        file.write(to_onnx(model, VERSION.classes).SerializeToString())
        file.flush()
        return PortableModel(Path(file.name))


def time_first_answer(artifacts: Path) -> None:
    """Seconds and memory of whole processes: for one image, for many, and of one that imports."""
    print("\n| process | seconds | most memory, MB |\n| --- | ---: | ---: |")
    ours = [sys.executable, "flows/predict.py", "--artifacts", str(artifacts)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        draw(0, 1).save(folder / "a.png")
        (folder / "many").mkdir()
        for number in range(FILES):
            os.link(folder / "a.png", folder / "many" / f"{number:06}.png")
        np.savez(folder / "many.npz", images=np.zeros((ARRAYS, 28, 28), np.uint8))
        imports = "import onnxruntime, pydantic_settings"
        print_process(imports, [sys.executable, "-c", imports])
        print_process("predict.py a.png", [*ours, str(folder / "a.png")])
        print_process(f"predict.py of {FILES:,} PNG files", [*ours, str(folder / "many")])
        print_process(f"predict.py of {ARRAYS:,} images", [*ours, str(folder / "many.npz")])


def print_process(name: str, command: list[str]) -> None:
    """The least time of two runs, and the most memory of one process."""
    found = [
        subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, capture_output=True)
        for _ in range(2)
    ]
    taken, memory = zip(*(map(float, one.stdout.split()) for one in found), strict=True)
    print(f"| `{name}` | {min(taken):.2f} | {max(memory) / 1e3:.0f} |", flush=True)


def label(model: PortableModel, path: Path) -> None:
    """All of it, after the start."""
    table = label_images(model, read_images([path], PREPARATION), VERSION)
    write_csv(StringIO(), table, VERSION)


def seconds(call: Callable[[], object]) -> float:
    """The median of a few runs, after one that is not counted."""
    call()
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return median(taken)


def main() -> None:
    """Print images per second for each kind of input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--artifacts", type=Path)
    told = parser.parse_args()
    images = told.images
    print_machine()
    model = build_two_node()
    in_use = as_in_use(model)
    print("| input | ours, images/s | model.predict, images/s | ratio | runs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, write in KINDS.items():
        with TemporaryDirectory() as folder:
            path = write(Path(folder), images)
            pixels = np.concatenate([part.pixels for part in read_images([path], PREPARATION)])
            floats = pixels[..., None].astype(np.float32)
            ours = images / seconds(lambda: label(in_use, path))  # noqa: B023
            theirs = images / seconds(lambda: model.predict(floats, verbose=0))  # noqa: B023
        print(
            f"| {name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} | {RUNS} |", flush=True
        )
    if told.artifacts:
        time_first_answer(told.artifacts)


if __name__ == "__main__":
    main()
