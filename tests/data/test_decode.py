"""decode: every mode and orientation to the right pixels, everything else to a sentence."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bad_files import encoded, exif, picture, png, png_chunk, tiff_header
from starshift.data.decode import Facts, Frame, decode, orientation, sniff
from starshift.errors import UnreadablePicture
from starshift.execution import map_ordered

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")


def reason(data: bytes) -> tuple[str, str]:
    with pytest.raises(UnreadablePicture) as caught:
        decode(data, Frame(32))
    return caught.value.kind, str(caught.value)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_picture(format):
    smooth = Image.linear_gradient("L").convert("RGB").resize((90, 60))
    pixels, facts = decode(encoded(smooth, format), Frame(32))
    assert (facts.width, facts.height, facts.format) == (90, 60, format)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    expected = np.asarray(smooth.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels - expected).max() <= 4


def test_jpeg_scaled_while_decoded_is_close_to_the_full_decode():
    large = Image.linear_gradient("L").convert("RGB").resize((800, 600))
    pixels, facts = decode(encoded(large, "JPEG", quality=95), Frame(64))
    expected = np.asarray(large.resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels - expected).max() <= 4
    assert (facts.width, facts.height) == (800, 600)


def test_crop_keeps_the_middle_and_the_proportions():
    wide = Image.new("RGB", (96, 32), "black")
    wide.paste("white", (32, 0, 64, 32))
    cropped, _ = decode(encoded(wide, "PNG"), Frame(32, "crop"))
    stretched, _ = decode(encoded(wide, "PNG"), Frame(32))
    assert cropped.min() == 255
    assert stretched[:, 0].max() == 0
    assert stretched[:, 16].min() == 255


@pytest.mark.parametrize("fit", ["stretch", "crop"])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_as_pillow_turns(turn, format, fit):
    from PIL import ImageOps

    original = picture(size=(64, 48), seed=turn)
    tag = Image.Exif()
    tag[0x0112] = turn
    lossless = {"quality": 100, "subsampling": 0} if format == "JPEG" else {"lossless": True}
    data = encoded(original, format, exif=tag, **(lossless if format in ("JPEG", "WEBP") else {}))
    pixels, facts = decode(data, Frame(24, fit))
    upright = original.copy()
    upright.getexif()[0x0112] = turn
    upright = ImageOps.exif_transpose(upright)
    expected, _ = decode(encoded(upright, "PNG"), Frame(24, fit))
    assert (facts.width, facts.height) == upright.size
    assert np.abs(pixels.astype(int) - expected).max() <= 8


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", exif(9), exif(0), exif(6)[:-8], b"MM\0*\xff\xff\xff\xff"])
def test_a_damaged_exif_block_counts_as_upright(block):
    assert orientation(block) == 1


def test_exif_is_read_in_both_byte_orders():
    assert orientation(exif(6)) == 6
    assert orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0") == 8


def test_a_jpeg_with_damaged_exif_neither_fails_nor_warns():
    # Guards `_Jpeg`, which overrides a method of Pillow's that another version may call differently.
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x1a\x01\x05\0\x01\0\0\0\xff\xff\xff\0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data, Frame(16))[1].format == "JPEG"


def grey_of(image: Image.Image, format: str = "PNG", **options) -> np.ndarray:
    pixels, _ = decode(encoded(image, format, **options), Frame(4))
    return pixels


def test_sixteen_bits_are_scaled_by_their_range_and_not_clipped():
    for format in ("PNG", "TIFF"):
        pixels = grey_of(Image.fromarray(np.full((8, 8), 32768, np.uint16)), format)
        assert (pixels == 128).all()
        assert (grey_of(Image.fromarray(np.full((8, 8), 65535, np.uint16)), format) == 255).all()


@pytest.mark.parametrize(("value", "grey"), [(0.5, 128), (100.0, 100), (32767.5, 128)])
def test_floats_take_the_smallest_usual_range(value, grey):
    assert np.abs(grey_of(Image.fromarray(np.full((8, 8), value, np.float32)), "TIFF").astype(int) - grey).max() <= 1


def test_floats_of_no_usual_range_are_spread_over_what_they_span():
    values = np.linspace(-1e6, 1e6, 64, dtype=np.float32).reshape(8, 8)
    pixels, facts = decode(encoded(Image.fromarray(values), "TIFF"), Frame(8))
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert facts.mode == "F"


def test_transparency_shows_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("LA", (8, 8), (0, 128))
    palette = Image.new("P", (8, 8), 3)
    palette.putpalette(bytes(range(48)))
    assert (grey_of(clear) == 255).all()
    assert np.abs(grey_of(half).astype(int) - 127).max() <= 1
    assert (grey_of(palette, transparency=3) == 255).all()
    assert (grey_of(Image.new("RGB", (8, 8), (1, 2, 3)), transparency=(1, 2, 3)) == 255).all()
    assert (grey_of(clear, "WEBP", lossless=True) == 255).all()


@pytest.mark.parametrize("colour", [(200, 30, 90), (255, 255, 255), (0, 0, 0)])
def test_cmyk_palette_and_lab_keep_their_colour(colour):
    plain = Image.new("RGB", (16, 16), colour)
    for image, format in ((plain.convert("CMYK"), "JPEG"), (plain.convert("CMYK"), "TIFF")):
        assert np.abs(grey_of(image, format).astype(int) - colour).max() <= 6
    assert np.abs(grey_of(plain.convert("P", palette=Image.Palette.ADAPTIVE)).astype(int) - colour).max() <= 6


def test_one_bit_pictures_become_greys_between():
    board = Image.fromarray(np.indices((32, 32)).sum(0) % 2 == 0)
    pixels, facts = decode(encoded(board, "PNG"), Frame(4))
    assert facts.mode == "1"
    assert 100 < pixels.min() <= pixels.max() < 155


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data, Frame(2))[0].tolist() == [[[255, 0, 0]] * 2] * 2


def test_frame_keys_tell_apart_and_bad_frames_are_refused():
    assert len({Frame(64).key, Frame(65).key, Frame(64, "crop").key}) == 3
    assert Frame(64).key == "stretch-64-bilinear-decoder1"
    with pytest.raises(ValueError, match="not 0"):
        Frame(0)
    with pytest.raises(ValueError, match="'squeeze'"):
        Frame(64, "squeeze")


def test_sentences_say_what_is_wrong():
    jpeg = encoded(picture(), "JPEG")
    assert reason(b"") == ("empty", "The file is empty (0 bytes).")
    assert reason(jpeg[:-200]) == ("truncated", "The JPEG file ends early; copy or download it again.")
    assert reason(b"plain words")[0] == "not a picture"
    assert "a web page" in reason(b"\n<html>")[1]
    assert "a PDF document" in reason(b"%PDF-1.4")[1]
    heic = b"\0\0\0\x18ftypheic\0\0\0\0"
    assert reason(heic) == ("unsupported", "HEIC is not supported; convert it to JPEG or PNG.")
    damaged = png(8, 8, png_chunk(b"IDAT", b"not zlib"))
    assert reason(damaged)[0] in ("undecodable", "truncated")


@pytest.mark.parametrize("data", [png(50_000, 50_000), tiff_header(40_000, 40_000)], ids=["PNG", "TIFF"])
def test_bombs_are_refused_by_their_header_whatever_pillows_own_limit(data, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)  # a user's process may have any; and no warning leaks
    kind, sentence = reason(data)
    assert kind == "bomb"
    assert "178 million" in sentence
    assert decode(encoded(picture(), "JPEG"), Frame(8))[1] == Facts(48, 32, "JPEG", "RGB")
    assert decode(encoded(picture(), "PNG"), Frame(8))[1] == Facts(48, 32, "PNG", "RGB")


def test_damaged_tiffs_are_decoded_side_by_side_without_a_warning_and_leave_the_filters_alone():
    damaged = encoded(picture(), "TIFF").replace(struct.pack("<HHI", 258, 3, 3), struct.pack("<HHI", 258, 3, 999))
    filters = list(warnings.filters)
    results = list(map_ordered(lambda _: reason_or_none(damaged), range(40), workers=4))
    assert len(set(results)) == 1
    assert warnings.filters == filters


def reason_or_none(data: bytes) -> str | None:
    try:
        decode(data, Frame(8))
    except UnreadablePicture as error:
        return error.kind
    return None


@pytest.mark.parametrize("format", FORMATS)
def test_sniff_knows_the_formats(format):
    assert sniff(encoded(picture(), format)[:512]) == format


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_raise_anything_else(data):
    decodes_or_says_why(data)


@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0.05, 1),
)
@settings(max_examples=250, deadline=None)
def test_mutated_pictures_never_raise_anything_else(format, changes, kept):
    data = bytearray(SAMPLES[format])
    for where, value in changes:
        # The header is where parsers break: half of the changes go there.
        place = int(where * (64 if value % 2 else len(data)))
        data[min(place, len(data) - 1)] = value
    decodes_or_says_why(bytes(data[: int(len(data) * kept) + 1]))


SAMPLES = {format: encoded(picture(size=(24, 16)), format) for format in FORMATS}


def decodes_or_says_why(data: bytes) -> None:
    try:
        pixels, _ = decode(data, Frame(8))
    except UnreadablePicture as refusal:
        kind, sentence = refusal.kind, str(refusal)
        assert (bool(kind), sentence[-1]) == (True, ".")
    else:
        assert pixels.shape == (8, 8, 3)
