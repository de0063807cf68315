"""Which files of a source are meant to be pictures: by name where the name says so, else by content."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from starshift.data.decode import NOT_PICTURES, SNIFFED_BYTES, sniff, unsupported_sentence
from starshift.data.sources import Source
from starshift.errors import UnreadablePicture
from starshift.records import SetAside


def _table(**endings: str) -> dict[str, str]:
    """From what each ending means: jpg → JPEG, …"""
    return {ending: meaning.replace("_", " ") for meaning, text in endings.items() for ending in text.split()}


PICTURE_ENDINGS = _table(
    JPEG="jpg jpeg jpe jfif", PNG="png apng", WEBP="webp", BMP="bmp dib", TIFF="tif tiff", GIF="gif"
)
"""The format that a name's ending promises; the content decides."""

_UNREAD_ENDINGS = _table(
    HEIC="heic heif hif",
    AVIF="avif",
    SVG="svg svgz",
    PSD="psd psb",
    JPEG_2000="jp2 j2k jpx jpf",
    JPEG_XL="jxl",
    ICO="ico cur",
    XCF="xcf",
    OpenEXR="exr",
    FITS="fits fit fts",
    DICOM="dcm dicom",
    TGA="tga",
    PCX="pcx",
    PNM="ppm pgm pbm pnm",
    PostScript="eps ai",
    Radiance_HDR="hdr",
)
"""Endings of pictures in formats that are not read. The file is still opened: many a .heic is a JPEG."""

_RAW_ENDINGS = _table(
    RAW="3fr arw cr2 cr3 crw dcr dng erf k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
)
"""Never opened: most are TIFFs by content, in which a decoder finds a thumbnail and takes it for all."""

_OTHER_ENDINGS = _table(
    tables="csv tsv xls xlsx ods parquet feather",
    text_files="txt md rst log json jsonl xml yaml yml ini cfg toml",
    documents="pdf doc docx odt rtf tex ppt pptx key pages epub",
    web_pages="html htm mhtml css url webloc",
    archives="zip tar gz tgz bz2 xz 7z rar zst",
    videos="mp4 mov avi mkv webm m4v mpg mpeg wmv 3gp mts",
    sounds="mp3 wav flac ogg m4a aac",
    programs="py pyc ipynb r m sh bat exe dll so js ts c cpp h java",
    data_files="npy npz h5 hdf5 mat pkl pt pth tfrecord safetensors onnx db sqlite",
    unfinished_files="tmp part crdownload download bak",
)
"""What is counted and passed over by its name alone."""

_BY_NAME = {
    "thumbs.db": "thumbnail databases",
    "ehthumbs.db": "thumbnail databases",
    "ehthumbs_vista.db": "thumbnail databases",
    "desktop.ini": "folder settings",
    "icon\r": "folder settings",
}


@dataclass
class Sifted:
    """Every file of a source in exactly one of three heaps."""

    candidates: list[str] = field(default_factory=list)  # meant to be pictures, in the order of the listing
    set_aside: list[SetAside] = field(default_factory=list)  # known to be unusable without decoding them
    skipped: Counter[str] = field(default_factory=Counter)  # no pictures, by kind
    tables: list[str] = field(default_factory=list)  # the skipped files that could be label files


def sift(source: Source) -> Sifted:
    """Sort the files of a source into pictures to be, unusable pictures, and everything else."""
    sifted = Sifted(skipped=Counter(source.listing.skipped))
    for path in source.listing.files:
        _place(path, source, sifted)
    for lost in source.listing.set_aside:
        kind = skipped_kind(lost.path)
        if kind and lost.kind == "broken link":
            sifted.skipped[kind] += 1
        else:
            sifted.set_aside.append(lost)
    return sifted


def _place(path: str, source: Source, sifted: Sifted) -> None:
    if kind := skipped_kind(path):
        sifted.skipped[kind] += 1
        if kind == "tables":
            sifted.tables.append(path)
    elif ending(path) in _RAW_ENDINGS:
        sifted.set_aside.append(SetAside(path, "unsupported", unsupported_sentence("A camera's RAW format")))
    elif ending(path) in PICTURE_ENDINGS or ending(path) in _UNREAD_ENDINGS:
        sifted.candidates.append(path)
    else:
        _place_by_content(path, source, sifted)


def _place_by_content(path: str, source: Source, sifted: Sifted) -> None:
    try:
        found = sniff(source.head(path, SNIFFED_BYTES))
    except UnreadablePicture as error:
        sifted.set_aside.append(SetAside(path, error.kind, str(error)))
        return
    if found is None or found in NOT_PICTURES:
        sifted.skipped["other files"] += 1
    else:
        sifted.candidates.append(path)


def ending(path: str) -> str:
    """What follows the last dot of the file's name, in small letters; "" where there is none."""
    _, dot, last = path.rpartition("/")[2].rpartition(".")
    return last.lower() if dot else ""


def skipped_kind(path: str) -> str:
    """The kind of a file that its name shows to be no picture; "" for every other."""
    parts = path.split("/")
    if "__MACOSX" in parts:
        return "macOS metadata"
    if any(part.startswith(".") for part in parts):
        return "hidden files"
    return _BY_NAME.get(parts[-1].lower()) or _OTHER_ENDINGS.get(ending(path), "")


def explain_by_ending(path: str, error: UnreadablePicture) -> UnreadablePicture:
    """A better sentence for content of no known format, where the name says what it was meant to be."""
    meant = _UNREAD_ENDINGS.get(ending(path))
    if meant and error.kind == "not a picture":
        return UnreadablePicture("unsupported", unsupported_sentence(meant))
    return error
