"""Any image of handwriting, converted as MNIST was made.

LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition,
section III.A, and the MNIST page: digits were fitted into a box of 20 x 20 pixels, their aspect
ratio kept, anti-aliased, light on dark, and placed in 28 x 28 with their centre of mass in the
middle: in the published files the pixel (14, 14), counted from 0, to within half a pixel.
"""

import numpy as np
from PIL import Image, ImageStat

from tasks.schemas.images import Preparation
from tasks.schemas.references import Floats, Pixels

BOX, MIDDLE = 20 / 28, 14 / 28  # of an image's sides
WIDE = 128  # training images that reach it use the range of 8 bits, so any pixel may be theirs
LEVELS = np.arange(256)
LOOKED_AT = 1_000
LEAST_ALIKE = 0.95  # of the images


def convert(image: Image.Image, preparation: Preparation) -> tuple[Pixels, str]:
    """Convert an image as MNIST was made: uint8 (height, width), and in words what was done.

    Pixels are from 0, the background, to `preparation.max_pixel`. What has one grey level only is
    empty, and becomes black. `image` has any size, and mode 1, L, LA, P, RGB, RGBA or I;16.
    """
    grey, steps = _grey(image)
    lowest, highest = grey.getextrema()
    if lowest == highest:
        return np.zeros(preparation.shape, np.uint8), "empty"
    levels = np.asarray(grey)
    foreground, contrast = _foreground_of_levels(levels)
    if contrast < 0:
        steps.append("inverted")
    if abs(contrast) != preparation.max_pixel:
        steps.append(f"stretched to 0..{preparation.max_pixel}")
    drawn = Image.fromarray(foreground[levels])
    drawn = drawn.crop(drawn.getbbox())
    fitted = _fit(drawn, preparation)
    if fitted.size != drawn.size:
        steps.append(f"scaled from {image.width} x {image.height}")
    field = _centre(np.asarray(fitted), preparation)
    pixels = (field * (preparation.max_pixel / field.max())).round().astype(np.uint8)
    return pixels, ", ".join([*steps, "centred by mass"])


def is_handwriting(images: Pixels) -> bool:
    """Whether images (n, h, w), 1,000 of them at most, are light, fitted and centred as MNIST's."""
    rows = np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).astype(int)
    return bool(np.mean([_is_fitted(images[row]) for row in rows]) >= LEAST_ALIKE)


def _is_fitted(image: Pixels) -> bool:
    from scipy.ndimage import center_of_mass

    down, across = np.nonzero(image)
    if not down.size:
        return False
    box, longer = min(image.shape) * BOX, max(np.ptp(down), np.ptp(across)) + 1
    off = np.abs(np.array(center_of_mass(image)) - np.array(image.shape) * MIDDLE).max()
    return bool(abs(longer - box) <= 1.5 and off <= 1)


def _grey(image: Image.Image) -> tuple[Image.Image, list[str]]:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float32)
        levels -= levels.min()
        levels *= 255 / max(levels.max(), 1)
        return Image.fromarray(levels.round().astype(np.uint8)), ["grey of 16 bits"]
    if image.has_transparency_data:
        return _flattened(image)
    return image.convert("L"), [] if image.mode in ("1", "L") else ["grey"]


def _flattened(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Dark strokes on white, light ones on black: by the mean of what is not transparent."""
    grey, alpha = image.convert("RGBA").convert("LA").split()
    lowest, _ = alpha.getextrema()
    if lowest == 255:
        return grey, ["grey"]
    is_light = alpha.getbbox() is not None and ImageStat.Stat(grey, alpha).mean[0] >= 128
    background = Image.new("L", image.size, 0 if is_light else 255)
    background.paste(grey, mask=alpha)
    return background, ["grey", "laid on black" if is_light else "laid on white"]


def _foreground_of_levels(pixels: Pixels) -> tuple[Pixels, int]:
    """How much foreground, 0..255, each of the 256 grey levels is, and the contrast, not 0.

    The background is the median of the outermost pixels, give or take three times their noise (its
    95 % quantile), a quarter of the contrast at most; that is negative if levels go farther below.
    """
    edge = np.sort(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]))
    level, last = int(edge[len(edge) // 2]), len(edge) - 1
    above, below = int(pixels.max()) - level, int(pixels.min()) - level
    contrast = above if above >= -below else below
    noise = abs(int(edge[round((0.95 if contrast > 0 else 0.05) * last)]) - level)
    farther, most = (LEVELS - level) * np.sign(contrast), abs(contrast)
    foreground = np.where(farther > min(3 * noise, most / 4), farther * (255 / most), 0)
    return (foreground.clip(0, 255) + 0.5).astype(np.uint8), contrast


def _fit(drawn: Image.Image, preparation: Preparation) -> Image.Image:
    """The drawn part in float32 greys, its longer side that of the box, 20 pixels of 28."""
    scale = round(min(preparation.height, preparation.width) * BOX) / max(drawn.size)
    size = max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))
    # Hamming's filter averages as it shrinks, and does not overshoot.
    return drawn.convert("F").resize(size, Image.Resampling.HAMMING, reducing_gap=3)


def _centre(drawn: Floats, preparation: Preparation) -> Floats:
    """On black, the centre of mass within half a pixel of the middle where there is room."""
    field = np.zeros((preparation.height, preparation.width), np.float32)
    height, width = drawn.shape
    top = _start(drawn.sum(axis=1), preparation.height)
    left = _start(drawn.sum(axis=0), preparation.width)
    field[top : top + height, left : left + width] = drawn
    return field


def _start(profile: Floats, side: int) -> int:
    """Where of `side` pixels to start a row or column with this foreground at each pixel."""
    centre = profile @ np.arange(len(profile)) / profile.sum()
    return min(max(round(side * MIDDLE - float(centre)), 0), side - len(profile))
