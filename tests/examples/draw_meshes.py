"""A picture of meshes side by side, each above its caption, which may have words after a bar:

    draw_meshes.py PNG FILE.obj CAPTION [FILE.obj CAPTION]...
"""

import math
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 320, 262
FOOT = 40
# Each pixel is the mean of this many in each direction.
SAMPLES = 4
TILT = math.radians(52)
SCALE = WIDTH / 3.4
LIGHT = (-0.45, 0.55, 0.7)
PAPER = (255, 255, 255)
INK, DIM = (31, 35, 40), (89, 99, 110)
DARK = (38, 45, 58)
BRIGHT = (226, 232, 242)
COLOURS = 64

Point = tuple[float, float, float]


def read(path: pathlib.Path) -> tuple[list[Point], list[list[int]]]:
    points: list[Point] = []
    faces: list[list[int]] = []
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            x, y, z = map(float, words[:3])
            points.append((x, y, z))
        elif kind == "f":
            faces.append([int(word.split("/")[0]) - 1 for word in words])
    return points, faces


def turned(point: Point) -> Point:
    """Seen from above at a slant: to the right, up, and towards who looks."""
    x, y, z = point
    return x, y * math.sin(TILT) - z * math.cos(TILT), y * math.cos(TILT) + z * math.sin(TILT)


def brightness(a: Point, b: Point, c: Point) -> float:
    u = [b[i] - a[i] for i in range(3)]
    v = [c[i] - a[i] for i in range(3)]
    normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    length = math.hypot(*normal) * math.hypot(*LIGHT) or 1.0
    return max(0.0, sum(n * light for n, light in zip(normal, LIGHT)) / length)


def drawn(path: pathlib.Path) -> Image.Image:
    points, faces = read(path)
    seen = [turned(point) for point in points]
    picture = Image.new("RGB", (WIDTH * SAMPLES, HEIGHT * SAMPLES), PAPER)
    pen = ImageDraw.Draw(picture)
    # Nearer faces are drawn over farther ones.
    for face in sorted(faces, key=lambda face: sum(seen[corner][2] for corner in face)):
        corners = [seen[corner] for corner in face]
        part = 0.12 + 0.88 * brightness(*corners[:3])
        colour = tuple(round(d + (b - d) * part) for d, b in zip(DARK, BRIGHT))
        left, top, scale = picture.width / 2, picture.height / 2, SCALE * SAMPLES
        pen.polygon([(left + x * scale, top - y * scale) for x, y, _ in corners], fill=colour)
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def main(png: str, *named: str) -> None:
    files, captions = named[::2], named[1::2]
    sheet = Image.new("RGB", (WIDTH * len(files), HEIGHT + FOOT), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (file, caption) in enumerate(zip(files, captions)):
        sheet.paste(drawn(pathlib.Path(file)), (WIDTH * number, 0))
        title, _, words = caption.partition("|")
        middle = WIDTH * number + WIDTH // 2
        for text, size, colour, y in (title, 18, INK, HEIGHT), (words, 14, DIM, HEIGHT + 22):
            pen.text((middle, y), text, fill=colour, font=ImageFont.load_default(size), anchor="mm")
    sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(png, optimize=True)


main(*sys.argv[1:])
