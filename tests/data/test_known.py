from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from starshift.data import known
from starshift.data.kinds import Wanted
from starshift.data.known import Known, Shot, parse
from starshift.data.labels import LabelFile
from starshift.data.read import read
from starshift.errors import DataError, UsageError


def photograph(path: Path, *, camera: str = "", taken: str = "", fraction: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera:
        exif[272] = camera
    details = {tag: value for tag, value in ((36867, taken), (37521, fraction)) if value}
    if details:
        exif.get_ifd(0x8769).update(details)
    shade = (sum(map(ord, str(path))) * 7) % 256
    Image.new("RGB", (8, 8), (shade, 3, len(path.name))).save(path, exif=exif)


def folder(tmp_path: Path, names: list[str], **facts) -> Path:
    for i, name in enumerate(names):
        photograph(tmp_path / "photos" / name, **{key: values[i] for key, values in facts.items()})
    return tmp_path / "photos"


def paths(pictures, groups):
    return sorted(sorted(pictures.dataset.pictures[index].path for index in group) for group in groups)


@pytest.mark.parametrize(
    ("text", "kind", "argument"),
    [
        ("patient", "column", "patient"),
        ("column:patient", "column", "patient"),
        ("name", "column", "name"),
        ("folder", "folder", ""),
        ("folder:2", "folder", "2"),
        ("name:^([a-z]+)_", "name", "^([a-z]+)_"),
        ("burst", "burst", ""),
        ("burst:0.5", "burst", "0.5"),
        ("camera", "camera", ""),
        ("name: of column", "name", " of column"),
    ],
)
def test_what_groups_are_made_by_is_written_in_one_word(text, kind, argument):
    assert parse(text, "--group-by") == Known("--group-by", kind, argument)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("folder:0", "folder:N counts folders upwards from the file, 1 or more; '0' came."),
        ("burst:soon", "burst:N is a number of seconds; 'soon' came."),
        ("camera:canon", "camera takes nothing after a colon; 'canon' came."),
        ("name:(", "'(' is no regular expression"),
        ("column:", "a column of the label file is named like column:patient; no name came."),
    ],
)
def test_arguments_that_their_kind_does_not_take_are_refused(text, says):
    with pytest.raises(UsageError) as refused:
        parse(text, "--group-by")
    assert str(refused.value).startswith(f"--group-by {text}: ")
    assert says in str(refused.value)


@settings(deadline=None)
@given(st.text(max_size=20), st.sampled_from(["--group-by", "--order-by"]))
def test_any_text_is_understood_or_refused_with_a_sentence(text, option):
    try:
        kind = parse(text, option).kind
    except UsageError as refused:
        said = str(refused)
    else:
        said = option if kind in known.KINDS[option] else kind
    assert said.startswith(option)


NAMES = ["cats/ann_1.png", "cats/ann_2.png", "cats/bob_1.png", "dogs/bob_2.png", "dogs/cyd_1.png", "dogs/x.png"]


def test_groups_by_a_pattern_in_the_name(tmp_path):
    pictures = read(folder(tmp_path, NAMES))
    found, sentence = known.groups(parse(r"name:^(\w+)_", "--group-by"), pictures, None)
    assert paths(pictures, found) == [NAMES[:2], NAMES[2:4]]
    assert sentence == "3 groups by name:^(\\w+)_, kept together; 1 picture without a value, each for itself."


def test_groups_by_a_folder_above_the_class(tmp_path):
    names = ["cats/site1/a.png", "cats/site1/b.png", "cats/site2/a.png", "dogs/site1/c.png", "dogs/site3/d.png"]
    pictures = read(folder(tmp_path, names))
    found, _ = known.groups(parse("folder", "--group-by"), pictures, None)
    assert paths(pictures, found) == [names[:2]]
    with pytest.raises(DataError, match=r"--group-by folder:2 makes 2 groups of all pictures; it takes at least 3"):
        known.groups(parse("folder:2", "--group-by"), pictures, None)


def test_groups_by_a_column_of_the_label_file(tmp_path):
    source = folder(tmp_path, [f"{i}.png" for i in range(6)])
    rows = [f"{i}.png,{'cat' if i < 3 else 'dog'},{patient}" for i, patient in enumerate("aabbc")]
    (tmp_path / "labels.csv").write_text("\n".join(["file,animal,patient", *rows, "5.png,dog,"]))
    labels = LabelFile(tmp_path / "labels.csv", "file", (Wanted("animal"),))
    pictures = read(source, labels=labels)
    found, sentence = known.groups(parse("patient", "--group-by"), pictures, labels)
    assert paths(pictures, found) == [["0.png", "1.png"], ["2.png", "3.png"]]
    assert "1 picture without a value" in sentence
    with pytest.raises(DataError, match=r"has no column 'patent' \(--group-by\). Did you mean 'patient'\?"):
        known.groups(parse("patent", "--group-by"), pictures, labels)
    with pytest.raises(UsageError, match=r"--group-by column:patient names a column, which takes a label file: give"):
        known.groups(parse("patient", "--group-by"), pictures, None)


def test_groups_by_burst_are_shots_of_one_camera_close_in_time(tmp_path):
    taken = ["2026:05:12 10:00:00", "2026:05:12 10:00:02", "2026:05:12 10:00:04", "2026:05:12 10:00:01",
             "2026:05:12 11:00:00", ""]  # fmt: skip
    cameras = ["one", "one", "one", "two", "one", "one"]
    source = folder(tmp_path, [f"{'cats' if i < 3 else 'dogs'}/{i}.png" for i in range(6)], camera=cameras, taken=taken)
    pictures = read(source)
    found, _ = known.groups(parse("burst", "--group-by"), pictures, None)
    assert paths(pictures, found) == [["cats/0.png", "cats/1.png", "cats/2.png"]]
    found, _ = known.groups(parse("burst:1", "--group-by"), pictures, None)
    assert found == []
    found, _ = known.groups(parse("camera", "--group-by"), read(folder(tmp_path / "b", NAMES, camera="aabbcc")), None)
    assert len(found) == 3


def test_pictures_that_say_nothing_cannot_be_grouped(tmp_path):
    pictures = read(folder(tmp_path, NAMES))
    with pytest.raises(DataError, match=r"--group-by burst: no picture says when it was taken \(EXIF\), of 6"):
        known.groups(parse("burst", "--group-by"), pictures, None)
    with pytest.raises(DataError, match=r"--group-by camera: no picture has a value, of 6"):
        known.groups(parse("camera", "--group-by"), pictures, None)
    with pytest.raises(DataError, match=r"no file name fits, such as 'cats/ann_1.png'"):
        known.groups(parse(r"name:^\d+$", "--group-by"), pictures, None)


def test_order_is_read_from_names_numbers_dates_and_cameras(tmp_path):
    names = ["cats/2026-05-12.png", "cats/2025-01-01.png", "dogs/2026-05-13.png", "dogs/2024-02-29.png"]
    pictures = read(folder(tmp_path, names))
    order, sentence = known.order(parse(r"name:\d+-\d+-\d+", "--order-by"), pictures, None)
    by_path = dict(zip([picture.path for picture in pictures.dataset.pictures], order, strict=True))
    assert sorted(names, key=by_path.get) == [names[3], names[1], names[0], names[2]]
    assert sentence == r"Ordered by name:\d+-\d+-\d+, earliest first."
    with pytest.raises(DataError, match="numbers or dates like 2026-05-12 were expected"):
        known.order(parse("name:png|p", "--order-by"), pictures, None)
    with pytest.raises(DataError, match=r"4 pictures of 4 without a value"):
        known.order(parse("time", "--order-by"), pictures, None)


def test_a_fraction_of_a_second_counts(tmp_path):
    photograph(tmp_path / "a.jpg", camera="one", taken="2026:05:12 10:00:00", fraction="25")
    shot = known._shot((tmp_path / "a.jpg").read_bytes())
    assert shot == Shot("one", pytest.approx(1778580000.25))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_picture_say_nothing(data):
    assert known._shot(data) == Shot("", None)


def test_a_picture_whose_exif_is_damaged_says_nothing():
    stream = BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert known._shot(stream.getvalue()) == Shot("", None)
