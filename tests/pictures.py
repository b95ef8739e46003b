"""Pictures that the tests make: shapes in colour and letters, unlike anything of MNIST's."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

KINDS = ("circle", "square", "triangle")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


def draw_shape(kind: str, rng: np.random.Generator) -> Image.Image:
    """A light shape somewhere on a dark ground, both in a colour of their own, 40 to 90 pixels."""
    width, height = (int(side) for side in rng.integers(40, 90, 2))
    picture = Image.new("RGB", (width, height), _colour(rng, 0, 80))
    radius = int(min(width, height) * rng.uniform(0.28, 0.45))
    x, y = (int(rng.integers(radius, side - radius + 1)) for side in (width, height))
    draw, colour = ImageDraw.Draw(picture), _colour(rng, 150, 256)
    box = (x - radius, y - radius, x + radius, y + radius)
    if kind == "circle":
        draw.ellipse(box, fill=colour)
    elif kind == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.polygon([(x, y - radius), (x - radius, y + radius), (x + radius, y + radius)], colour)
    return picture


def save_shapes(folder: Path, count: int, seed: int) -> None:
    """So many JPEG files of each kind, in folders named by it."""
    rng = np.random.default_rng(seed)
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            draw_shape(kind, rng).save(folder / kind / f"{seed}-{number}.jpg", quality=92)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # Pillow's own, which needs no file of the system


def draw_letters(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """So many of each letter, turned and moved a little: uint8 (n, 15, 12), and text (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(LETTERS, count)
    return np.stack([_draw_letter(letter, rng) for letter in labels]), labels


def _draw_letter(letter: str, rng: np.random.Generator) -> np.ndarray:
    picture = Image.new("L", (32, 40), int(rng.integers(200, 256)))
    place = (16 + rng.uniform(-2, 2), 20 + rng.uniform(-2, 2))
    font = _font(int(rng.integers(26, 32)))
    ImageDraw.Draw(picture).text(place, letter, int(rng.integers(0, 60)), font, anchor="mm")
    turned = picture.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR, fillcolor=220)
    return np.asarray(turned.resize((12, 15), Image.Resampling.BOX))


def _colour(rng: np.random.Generator, darkest: int, brightest: int) -> tuple[int, ...]:
    return tuple(int(level) for level in rng.integers(darkest, brightest, 3))
