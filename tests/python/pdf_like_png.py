"""PDF files, drawn by poppler, look like the PNG files beside them, and their text can be read.

    cargo test -p loss-landscape-plot --features pdf --test pdf
    python3 tests/python/pdf_like_png.py target/tmp/pdf

Needs `pdftoppm` and `pdftotext` (Debian's package is `poppler-utils`) and no package of Python's.
"""

import pathlib
import struct
import subprocess
import sys
import zlib

# Pictures are compared by the means of squares of this many pixels: outlines are smoothed differently.
SIDE = 8
# Of 255; one square and all on average. A letter that is missing, or an area of another colour, is more.
MOST, MEAN = 50, 2.5


def png(data):
    """Width, height and rows of RGB of a PNG of 8 bits, on white."""
    position, packed = 8, b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        chunk = data[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", chunk[:10])
            assert depth == 8 and color in (2, 6), (depth, color)
        elif kind == b"IDAT":
            packed += chunk
        position += 12 + length
    step = 4 if color == 6 else 3
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        rule, row = raw[start], bytearray(raw[start + 1 : start + 1 + width * step])
        for i in range(len(row)):
            left = row[i - step] if i >= step else 0
            above, corner = before[i], before[i - step] if i >= step else 0
            guess = left + above - corner
            nearest = min((left, above, corner), key=lambda v: abs(guess - v))
            row[i] = (row[i] + (0, left, above, (left + above) // 2, nearest)[rule]) & 255
        rows.append(row)
        before = row
    return width, height, [bytes(v for i, v in enumerate(row) if i % step < 3) for row in rows]


def ppm(data):
    _, size, _, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    return width, height, [pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height)]


def squares(width, height, rows):
    """The mean of each square and colour."""
    for top in range(0, height - SIDE + 1, SIDE):
        for left in range(0, width - SIDE + 1, SIDE):
            parts = [row[3 * left : 3 * (left + SIDE)] for row in rows[top : top + SIDE]]
            for color in range(3):
                yield sum(sum(part[color::3]) for part in parts) / SIDE**2


folder = pathlib.Path(sys.argv[1])
names = sorted(folder.glob("*.pdf"))
assert names, f"there are no PDF files in {folder}"
for path in names:
    drawn = subprocess.run(["pdftoppm", "-r", "192", path], capture_output=True, check=True)
    assert not drawn.stderr, (path, drawn.stderr)
    pictures = ppm(drawn.stdout), png(path.with_suffix(".png").read_bytes())
    assert pictures[0][:2] == pictures[1][:2], (path, pictures[0][:2], pictures[1][:2])
    off = [abs(a - b) for a, b in zip(*(squares(*picture) for picture in pictures))]
    most, mean = max(off), sum(off) / len(off)
    print(f"{path.name}: squares of {SIDE} pixels differ by {mean:.2f} of 255 on average, {most:.0f} at most")
    assert most <= MOST and mean <= MEAN, path
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout.decode()
    title = path.with_suffix(".txt").read_text()
    assert "".join(title.split()) in "".join(text.split()), (path, title, text)
