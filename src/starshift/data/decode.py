"""From the bytes of a picture file to RGB pixels of one size, or to the sentence that says why not."""

from __future__ import annotations

import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from msgspec import Struct
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from starshift.errors import UnreadablePicture

DECODER = 1
"""Raised by one whenever the same file and frame would give other pixels than before; cached rows made by
another number are not used."""

MAX_PIXELS = 178_000_000
"""Width times height that is still decoded: about 0.7 GB in memory. Known from the header alone."""

Fit = Literal["stretch", "crop"]

LARGEST_SIDE = 4096
"""Pixels per side of the largest square that pictures are brought to."""


@dataclass(frozen=True)
class Frame:
    """The square that every picture is brought to."""

    size: int  # pixels per side
    fit: Fit = "stretch"  # "stretch": both sides to `size`; "crop": shorter side to `size`, then the centre

    def __post_init__(self) -> None:
        if not 1 <= self.size <= LARGEST_SIDE:
            raise ValueError(f"size must be 1 to {LARGEST_SIDE} pixels, not {self.size}")
        if self.fit not in ("stretch", "crop"):
            raise ValueError(f"fit must be 'stretch' or 'crop', not {self.fit!r}")

    @property
    def key(self) -> str:
        """What determines the pixels besides the file's bytes; part of every cache address."""
        return f"{self.fit}-{self.size}-bilinear-decoder{DECODER}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a decoded picture."""
        return (self.size, self.size, 3)


class Facts(Struct, frozen=True, forbid_unknown_fields=True):
    """What a picture file says about itself."""

    width: int  # pixels, after EXIF orientation
    height: int  # pixels, after EXIF orientation
    format: str  # "JPEG", "PNG", "WEBP", "BMP", "TIFF" or "GIF", from the content
    mode: str  # colour mode in the file, as Pillow names it


def decode(data: bytes, frame: Frame) -> tuple[np.ndarray, Facts]:
    """Decode the first picture of a file, turned upright, on white where it is transparent.

    Returns uint8 (size, size, 3), 0 to 255, read-only, and the file's facts. Averages while it scales down
    (bilinear, antialiased). Raises UnreadablePicture if the file is empty, truncated, damaged, absurdly
    large, of a format that is not supported, or no picture at all; nothing else, whatever the bytes are.
    """
    name = _named(data)
    try:
        with _quietly(name, data):
            picture = READERS[name](BytesIO(data))
            _refuse_bombs(picture)
            mode = picture.mode
            width, height = picture.size
            square = _scaled(picture, frame)
        turn = orientation(picture.info.get("exif", b"")) if name != "TIFF" else 1  # Pillow turns TIFFs
        pixels = np.asarray(_turned(_on_white(square), turn))
    except DAMAGE as error:
        raise _unreadable(error, name, data) from error
    if turn in SIDEWAYS:
        width, height = height, width
    return pixels, Facts(width, height, name, mode)


def _named(data: bytes) -> str:
    """The format by content. Raises UnreadablePicture if it is none of READERS."""
    if not data:
        raise UnreadablePicture("empty", "The file is empty (0 bytes).")
    name = sniff(data[:SNIFFED_BYTES])
    if name in READERS:
        return str(name)
    if name in UNSUPPORTED:
        raise UnreadablePicture("unsupported", unsupported_sentence(str(name)))
    what = f"it holds {NOT_PICTURES[name]}" if name else "its content is of no known picture format"
    raise UnreadablePicture("not a picture", f"The file is no picture: {what}.")


def unsupported_sentence(name: str) -> str:
    """What to tell the owner of a picture in a format that is not read."""
    return f"{name} is not supported; convert it to JPEG or PNG."


# ----------------------------------------------------------------------------------------------------
# What is in a file, by its first bytes

SNIFFED_BYTES = 512

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II\x2a\x00", "TIFF"),
    (b"MM\x00\x2a", "TIFF"),
    (b"II\x2b\x00", "TIFF"),
    (b"MM\x00\x2b", "TIFF"),
    (b"8BPS", "PSD"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"gimp xcf", "XCF"),
    (b"v/1\x01", "OpenEXR"),
    (b"SIMPLE  =", "FITS"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"PK\x03\x04", "ZIP"),
)

_BRANDS: dict[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"crx ": "RAW",
}

UNSUPPORTED = frozenset(
    {"HEIC", "AVIF", "SVG", "PSD", "JPEG 2000", "JPEG XL", "ICO", "XCF", "OpenEXR", "FITS", "RAW", "DICOM"}
)
"""Picture formats that are recognized, to name them, and not read."""

NOT_PICTURES = {
    "PDF": "a PDF document",
    "PostScript": "a PostScript document",
    "ZIP": "an archive",
    "HTML": "a web page, perhaps the answer of a server that refused the download",
}


def sniff(head: bytes) -> str | None:
    """The format that a file's first SNIFFED_BYTES bytes show: of READERS, UNSUPPORTED or NOT_PICTURES."""
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and head[15:18] == b"\0\0\0" and 12 <= head[14] <= 124:
        return "BMP"  # "BM" alone also begins texts; the size of the second header follows it in a picture
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    if head[128:132] == b"DICM":
        return "DICOM"
    return _sniff_markup(head)


def _sniff_markup(head: bytes) -> str | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    prologue = text.startswith((b"<?xml", b"<!--", b"<!doctype svg"))
    if text.startswith(b"<svg") or (prologue and b"<svg" in text):
        return "SVG"
    return "HTML" if text.startswith((b"<!doctype html", b"<html")) else None


# ----------------------------------------------------------------------------------------------------
# Opening without side effects on the process


class _Jpeg(JpegImageFile):
    """Pillow's reader, less its search for the resolution in EXIF.

    It parses the whole EXIF block for a number that nobody here asks for: slow, and on a damaged block it
    warns.
    """

    def _read_dpi_from_exif(self) -> None:
        pass


READERS: dict[str | None, type[ImageFile.ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "GIF": GifImageFile,
}
"""Pillow's readers by format. They are called directly because `Image.open` warns on large pictures,
according to a limit that is a global variable of the user's process, and would try every plugin."""


class _Silence:
    """A context in which warnings are ignored, and which threads share.

    The filters belong to the whole process: the first thread to enter sets them aside and the last one to
    leave puts them back, so that threads neither restore each other's filters nor wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


_SHARED_SILENCE = _Silence()


@contextmanager
def silence() -> Iterator[None]:
    """A context without warnings, in as many threads at once as one likes."""
    # From Python 3.14 on each thread can have filters of its own.
    own = getattr(sys.flags, "context_aware_warnings", False)
    with warnings.catch_warnings() if own else _SHARED_SILENCE:
        if own:
            warnings.simplefilter("ignore")
        yield


def _quietly(name: str, data: bytes) -> AbstractContextManager[None]:
    """A context in which those readers that warn of damage do not. Ordinary JPEGs and PNGs never need it."""
    warns = name in ("TIFF", "GIF") or (name == "PNG" and b"acTL" in data)
    return silence() if warns else nullcontext()


def _refuse_bombs(picture: ImageFile.ImageFile) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(
            "bomb",
            f"Its header promises {width:,} by {height:,} pixels; at most {MAX_PIXELS // 10**6} million are "
            "decoded. If it is a true picture, scale it down.",
        )


# ----------------------------------------------------------------------------------------------------
# Pixels


def _scaled(picture: ImageFile.ImageFile, frame: Frame) -> Image.Image:
    """The picture at the frame's size, in mode L, RGB or RGBA."""
    picture.draft("", (frame.size, frame.size))  # a JPEG is scaled by 1/2, 1/4 or 1/8 while it is decoded
    picture.load()
    plain = _plain(picture)
    box = _centre(plain.size) if frame.fit == "crop" else None
    # The gap only matters where a side shrinks to less than a sixth: boxes are averaged first, then bilinear.
    return plain.resize((frame.size, frame.size), Image.Resampling.BILINEAR, box, reducing_gap=3.0)


def _centre(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest square in the middle: left, top, right, bottom."""
    width, height = size
    side = min(size)
    left, top = (width - side) / 2, (height - side) / 2
    return (left, top, left + side, top + side)


def _plain(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose values can be averaged: L, RGB or RGBA, 8 bits each."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(picture), mode))
    if picture.has_transparency_data:
        return (picture.convert("LA") if mode == "La" else picture).convert("RGBA")
    if mode in ("L", "RGB"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def _eight_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Greys of more than 8 bits as uint8, without clipping.

    16-bit modes are scaled by their whole range, 0 to 65535. 32-bit integers and floats say nothing of
    their range: the smallest of the usual ones that holds every value is taken, else what the picture
    itself spans. Raises ValueError if a value is not a finite number.
    """
    if mode.startswith("I;16"):
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("it holds pixels that are no finite numbers")
    usual = (65535.0,) if mode == "I" else (1.0, 255.0, 65535.0)
    fitting = [top for top in usual if low >= 0 and high <= top]
    low, high = (0.0, fitting[0]) if fitting else (low, high)
    share = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.rint(share * 255).astype(np.uint8)


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB; what is transparent shows white, as on paper."""
    if picture.mode == "RGB":
        return picture
    if picture.mode == "L":
        return picture.convert("RGB")
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, (0, 0), picture)
    return white


# ----------------------------------------------------------------------------------------------------
# Orientation

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

SIDEWAYS = frozenset({5, 6, 7, 8})
"""The orientations that exchange width and height."""

_ORIENTATION_TAG = 0x0112


def _turned(picture: Image.Image, turn: int) -> Image.Image:
    # After scaling: a square turns as well as the whole picture would, on far fewer pixels.
    return picture.transpose(_TURNS[turn]) if turn in _TURNS else picture


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, where there is none or the block is damaged.

    Reads that one tag of the first directory: a full parse of every ordinary photograph costs more than
    its decoding, and warns where the block is damaged.
    """
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (entries,) = struct.unpack_from(order + "H", block, directory)
        for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", block, entry)
            if tag == _ORIENTATION_TAG:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass  # the block ends early
    return 1


# ----------------------------------------------------------------------------------------------------
# What went wrong

DAMAGE = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # where the user's process has made warnings errors
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on damaged files. The list is broad because they are parsers of hostile bytes
that promise no exception of their own: a wrong length surfaces as whatever the line that meets it happens
to raise, and one damaged file must never stop a run."""


def _unreadable(error: BaseException, name: str, data: bytes) -> UnreadablePicture:
    if isinstance(error, UnreadablePicture):
        return error
    text = " ".join(str(error).split()).rstrip(".")
    if (
        isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning)
        or "Decompressed data too large" in text
    ):
        return UnreadablePicture("bomb", f"The {name} file unpacks to more than a picture needs ({text}).")
    if isinstance(error, MemoryError):
        return UnreadablePicture("too large", f"There is not enough memory to decode this {name} file.")
    if _ends_early(text, error, name, data):
        return UnreadablePicture("truncated", f"The {name} file ends early; copy or download it again.")
    return UnreadablePicture("undecodable", f"The {name} file is damaged ({text or type(error).__name__}).")


def _ends_early(text: str, error: BaseException, name: str, data: bytes) -> bool:
    if name == "WEBP" and len(data) >= 8:  # its decoder does not say; the header gives the length
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    return "truncated" in text.lower() or isinstance(error, EOFError)
