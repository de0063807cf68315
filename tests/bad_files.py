"""One file of each bad or odd kind, and what reading must make of it."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32), seed: int = 0) -> Image.Image:
    """A smooth picture with some noise: small as a file, and no two seeds alike."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(int)
    noisy = np.clip(smooth + rng.integers(-12, 13, smooth.shape), 0, 255).astype(np.uint8)
    return Image.fromarray(noisy).convert(mode)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The picture as the bytes of a file."""
    stream = BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG, with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG of 8-bit RGB made by hand from its header and chunks."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def exif(orientation: int) -> bytes:
    """An EXIF block that says how the picture was held."""
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def tiff_header(width: int, height: int) -> bytes:
    """A TIFF that promises a size and holds no pixels."""
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (279, width)])
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags) + 1) + entries + b"\0\0\0\0"


def _animation() -> bytes:
    frames = [picture("P", seed=seed) for seed in (1, 2, 3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _palette_with_alpha() -> bytes:
    return encoded(picture("P"), "PNG", transparency=bytes(range(256)))


def _sixteen_bits() -> Image.Image:
    return Image.fromarray(np.arange(48 * 32, dtype=np.uint16).reshape(32, 48) * 40)


def _damaged_exif() -> bytes:
    return encoded(picture(seed=5), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x00garbage")


def _zip() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("inner.jpg", encoded(picture(), "JPEG"))
    return stream.getvalue()


def _contents() -> dict[str, tuple[Callable[[], bytes] | bytes, str]]:
    """Name: content and what is to become of it."""
    jpeg, plain_png = encoded(picture(seed=9), "JPEG"), encoded(picture(seed=10), "PNG")
    webp, gif = encoded(picture(seed=11), "WEBP"), encoded(picture("P", seed=12), "GIF")
    tiff, bmp = encoded(picture(seed=13), "TIFF"), encoded(picture(seed=14), "BMP")
    text_bomb = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(80 * 2**20)))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(3 * 8 * 8 + 8)))
    return {
        # what decodes, in odd modes and under odd names
        "cmyk.jpg": (encoded(picture("CMYK"), "JPEG"), "used"),
        "grey.jpg": (encoded(picture("L"), "JPEG"), "used"),
        "progressive.jpg": (encoded(picture(seed=4), "JPEG", progressive=True), "used"),
        "sideways.jpg": (encoded(picture(seed=6), "JPEG", exif=exif(6)), "used"),
        "damaged_exif.jpg": (_damaged_exif, "used"),
        "sixteen_bits.png": (encoded(_sixteen_bits(), "PNG"), "used"),
        "sixteen_bits.tif": (encoded(_sixteen_bits(), "TIFF"), "used"),
        "float.tiff": (encoded(Image.fromarray(np.eye(9, dtype=np.float32)), "TIFF"), "used"),
        "palette_alpha.png": (_palette_with_alpha, "used"),
        "grey_alpha.png": (encoded(picture("LA"), "PNG"), "used"),
        "alpha.webp": (encoded(picture("RGBA"), "WEBP", lossless=True), "used"),
        "one_bit.png": (encoded(picture("1"), "PNG"), "used"),
        "one_bit.tif": (encoded(picture("1"), "TIFF", compression="group4"), "used"),
        "lab.tif": (encoded(picture("LAB"), "TIFF"), "used"),
        "plain.bmp": (bmp, "used"),
        "animation.gif": (_animation, "used"),
        "png_inside.jpg": (encoded(picture(seed=7), "PNG"), "used"),
        "jpeg_inside.heic": (encoded(picture(seed=8), "JPEG"), "used"),
        "no_ending": (encoded(picture(seed=3), "JPEG"), "used"),
        "odd.ending": (encoded(picture(seed=2), "WEBP"), "used"),
        "CAPITALS.JPG": (encoded(picture(seed=15), "JPEG"), "used"),
        "ünïcödé 猫.png": (encoded(picture(seed=16), "PNG"), "used"),
        "new\nline.png": (encoded(picture(seed=17), "PNG"), "used"),
        "-rf.png": (encoded(picture(seed=18), "PNG"), "used"),
        "one_pixel.png": (encoded(picture(size=(1, 1)), "PNG"), "used"),
        "sliver.png": (encoded(picture(size=(900, 1)), "PNG"), "used"),
        "copy_of_grey.jpg": (encoded(picture("L"), "JPEG"), "used"),
        # what does not
        "empty.jpg": (b"", "set aside: empty"),
        "one_byte.jpg": (b"\xff", "set aside: not a picture"),
        "truncated.jpg": (jpeg[: len(jpeg) // 2], "set aside: truncated"),
        "truncated.png": (plain_png[: len(plain_png) // 2], "set aside: truncated"),
        "truncated.webp": (webp[: len(webp) // 2], "set aside: truncated"),
        "truncated.gif": (gif[: len(gif) // 2], "set aside: truncated"),
        "truncated.tif": (tiff[: len(tiff) // 2], "set aside: "),
        "truncated.bmp": (bmp[: len(bmp) // 2], "set aside: truncated"),
        "text.jpg": (b"This is no picture, whatever its name says.", "set aside: not a picture"),
        "web_page.jpg": (b"<!DOCTYPE html><html>404</html>", "set aside: not a picture"),
        "corrupt.png": (png(8, 8, png_chunk(b"IDAT", b"no zlib at all")), "set aside: "),
        "bomb.png": (png(60_000, 60_000, pixels), "set aside: bomb"),
        "text_bomb.png": (png(8, 8, text_bomb, pixels), "set aside: bomb"),
        "bomb.tif": (tiff_header(60_000, 60_000), "set aside: bomb"),
        "bomb.gif": (
            b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
            "set aside: bomb",
        ),
        "no_size.gif": (b"GIF89a\0\0\0\0\x00\x00\x00,\0\0\0\0\0\0\0\0\0\x08\0;", "set aside: undecodable"),
        "not_numbers.tif": (
            encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"),
            "set aside: undecodable",
        ),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "set aside: unsupported"),
        "phone.avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(64), "set aside: unsupported"),
        "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "set aside: unsupported"),
        "layers.psd": (b"8BPS\0\x01" + bytes(64), "set aside: unsupported"),
        "camera.nef": (tiff, "set aside: unsupported"),
        "old.tga": (bytes(40), "set aside: unsupported"),
        # what was never meant to be one
        "paper.pdf": (b"%PDF-1.7", "skipped: documents"),
        "notes.txt": (b"BM is how this text begins", "skipped: text files"),
        "README": (b"BM is how this text begins", "skipped: other files"),
        "labels.csv": (b"file,label\n", "skipped: tables"),
        "nested.zip": (_zip, "skipped: archives"),
        "Thumbs.db": (b"\xd0\xcf\x11\xe0", "skipped: thumbnail databases"),
        "desktop.ini": (b"[.ShellClassInfo]", "skipped: folder settings"),
        ".DS_Store": (b"Bud1", "skipped: hidden files"),
        "._resource.jpg": (b"\0\x05\x16\x07", "skipped: hidden files"),
        ".hidden.png": (plain_png, "skipped: hidden files"),
        "partial.jpg.part": (jpeg[:100], "skipped: unfinished files"),
    }


def make_bad_files(folder: Path) -> dict[str, str]:
    """Write a folder with the classes "bad" and "good"; every file but four good ones is bad or odd.

    Returns what is expected of each path below `folder`: "used", "set aside: KIND" (the kind may be left
    open) or "skipped: KIND".
    """
    good, bad = folder / "good", folder / "bad"
    good.mkdir(parents=True)
    bad.mkdir()
    expected = {}
    for seed in range(20, 24):
        (good / f"{seed}.jpg").write_bytes(encoded(picture(seed=seed), "JPEG"))
        expected[f"good/{seed}.jpg"] = "used"
    for name, (content, outcome) in _contents().items():
        (bad / name).write_bytes(content() if callable(content) else content)
        expected[f"bad/{name}"] = outcome
    return expected | _special(bad)


def _special(bad: Path) -> dict[str, str]:
    """Links, pipes, locks and names that only some systems have."""
    expected = {}
    if hasattr(os, "symlink") and os.name == "posix":
        (bad / "broken_link.jpg").symlink_to("nowhere.jpg")
        (bad / "own_tail.jpg").symlink_to("own_tail.jpg")
        (bad / "link.jpg").symlink_to("cmyk.jpg")
        (bad / "loop").symlink_to(bad, target_is_directory=True)
        os.mkfifo(bad / "pipe.jpg")
        expected |= {
            "bad/broken_link.jpg": "set aside: broken link",
            "bad/own_tail.jpg": "set aside: broken link",
            "bad/link.jpg": "used",
            "bad/loop": "skipped: links to folders that are read anyway",
            "bad/pipe.jpg": "skipped: pipes, sockets and devices",
        }
        locked = bad / "locked.jpg"
        locked.write_bytes(encoded(picture(seed=19), "JPEG"))
        locked.chmod(0)
        expected["bad/locked.jpg"] = "used" if os.access(locked, os.R_OK) else "set aside: unreadable"
    try:
        with open(os.fsencode(bad) + b"/latin-\xe9.png", "wb") as stream:
            stream.write(encoded(picture(seed=25), "PNG"))
    except OSError:  # file systems that take nothing but UTF-8
        return expected
    return expected | {"bad/latin-\\xe9.png": "used"}
