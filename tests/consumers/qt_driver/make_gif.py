"""An animation of the pictures that `film.hpp` took, for the front page:

    make_gif.py FOLDER GIF
"""

import pathlib
import sys

from PIL import Image

WIDTH = 640
SHOWN_MS = 80
HELD_MS = 1200
COLOURS = 256


def read(path: pathlib.Path) -> Image.Image:
    with Image.open(path) as picture:
        size = WIDTH, round(WIDTH * picture.height / picture.width)
        return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def palette_of(pictures: list[Image.Image]) -> Image.Image:
    """The colours that all of them share, so that what stays takes no room in the file."""
    shown = pictures[:: max(1, len(pictures) // 8)]
    size = WIDTH, sum(picture.height for picture in shown)
    sheet = Image.new("RGB", size)
    top = 0
    for picture in shown:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)


def main(folder: str, gif: str) -> None:
    paths = sorted(pathlib.Path(folder).glob("*.png"))
    pictures = [read(path) for path in paths]
    palette = palette_of(pictures)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [HELD_MS if path.stem.endswith("-held") else SHOWN_MS for path in paths]
    frames[0].save(gif, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)


main(*sys.argv[1:])
