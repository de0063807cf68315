"""How a source tells the class of a picture: by folders, by parts and folders, or by the file's name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from starshift.data.sources import composed, counted, some
from starshift.errors import DataError
from starshift.records import PARTS, SetAside, Target
from starshift.records.dataset import Part

_PART_NAMES: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "validate", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True)
class Labelled:
    """One file that is meant to be a picture, with what its place says."""

    path: str
    label: str  # of the leading target; of folders and names as written, normalized when all names are compared
    part: Part


@dataclass
class Layout:
    """What was understood of the places and names of files."""

    name: Literal["class folders", "part folders", "file names", "label file", "pattern in file names"]
    labelled: list[Labelled] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    folders: dict[tuple[Part, str], str] = field(default_factory=dict)  # part and class: its folder, with "/"
    targets: tuple[Target, ...] = ()  # the first leads; none where folders or names tell classes
    further: dict[str, dict[str, str]] = field(default_factory=dict)  # other targets by name: labels by path
    problems: list[str] = field(default_factory=list)  # why the labels cannot be used


def recognize(candidates: Sequence[str], folders: Sequence[str], tables: Sequence[str]) -> Layout:
    """Find out how the classes are told. Paths as in a Listing; tables: files that may hold labels.

    Raises DataError if it cannot be told.
    """
    visible = [folder for folder in folders if not _hidden(folder)]
    top, remarks = _unwrapped(candidates, visible)
    parts = _parts(visible, top)
    if len(set(parts.values())) > 1:
        layout = _by_parts(candidates, visible, top, parts)
    elif _children(visible, top):
        layout = _by_folders(candidates, visible, top)
    else:
        layout = _by_names(candidates, tables, top)
    layout.remarks[:0] = remarks
    return layout


def part_folders(folders: Sequence[str]) -> tuple[dict[str, Part], list[str]]:
    """Folders (with a "/" behind) that name parts, where at least two do; and remarks on near names."""
    visible = [folder for folder in folders if not _hidden(folder)]
    parts = _parts(visible, "")
    if len(set(parts.values())) < 2:
        return {}, []
    return {f"{folder}/": part for folder, part in parts.items()}, _near_names(parts)


def _hidden(folder: str) -> bool:
    return any(piece.startswith(".") or piece == "__MACOSX" for piece in folder.split("/"))


def _children(folders: Sequence[str], top: str) -> list[str]:
    """The folders right below `top` ("" or a path with a "/" behind)."""
    return [folder for folder in folders if folder.startswith(top) and "/" not in folder[len(top) :]]


def _unwrapped(candidates: Sequence[str], folders: Sequence[str]) -> tuple[str, list[str]]:
    """Go down while there is nothing but one folder: zips and downloads wrap their content in one."""
    top = ""
    while True:
        children = _children(folders, top)
        loose = any("/" not in path[len(top) :] for path in candidates)
        if loose or len(children) != 1:
            break
        top = f"{children[0]}/"
    return top, [f"Everything lies in the folder '{top[:-1]}'; reading from there."] if top else []


# ----------------------------------------------------------------------------------------------------
# train/, validation/, test/


def _part(name: str) -> Part:
    """The part that a folder's name means: "Training_Set" is "train"; "" if it means none."""
    plain = re.sub(r"[\s_-]", "", name.casefold())
    for affix in ("set", "data", "images", "split"):
        plain = plain.removesuffix(affix)
    return _PART_NAMES.get(plain, "")


def _parts(folders: Sequence[str], top: str) -> dict[str, Part]:
    found = {folder: _part(folder[len(top) :]) for folder in _children(folders, top)}
    return {folder: part for folder, part in found.items() if part}


def _near_names(parts: dict[str, Part]) -> list[str]:
    near = {folder.rpartition("/")[2]: part for folder, part in parts.items()}
    said = [f"'{name}' was taken as the {part} part" for name, part in sorted(near.items()) if name != part]
    return [f"The folder {'; '.join(said)}."] if said else []


def _by_parts(candidates: Sequence[str], folders: Sequence[str], top: str, parts: dict[str, Part]) -> Layout:
    if doubled := [part for part, count in Counter(parts.values()).items() if count > 1]:
        raise DataError([_two_folders(part, parts) for part in doubled])
    layout = Layout("part folders", remarks=_near_names(parts))
    for folder, part in sorted(parts.items(), key=lambda item: PARTS.index(item[1])):
        inside = [path for path in candidates if path.startswith(f"{folder}/")]
        _add_part(layout, inside, folders, f"{folder}/", part)
    beside = [path for path in candidates if path[len(top) :].partition("/")[0] not in _last_names(parts)]
    layout.set_aside += [_unlabelled(path, "lies beside the folders of the parts") for path in beside]
    return layout


def _last_names(folders: dict[str, Part]) -> set[str]:
    return {folder.rpartition("/")[2] for folder in folders}


def _two_folders(part: str, parts: dict[str, Part]) -> str:
    names = some(f"'{folder}'" for folder in sorted(parts) if parts[folder] == part)
    return f"The folders {names} all look like the {part} part. Keep one of them, or rename the others."


def _add_part(layout: Layout, inside: list[str], folders: Sequence[str], top: str, part: Part) -> None:
    if _children(folders, top):
        _add_folders(layout, inside, folders, top, part)
        return
    labels = labels_by_name(inside)
    for path in inside:
        if path in labels:
            layout.labelled.append(Labelled(path, labels[path], part))
        else:
            layout.set_aside.append(_unlabelled(path, "lies in no folder of a class"))
    if labels:
        layout.remarks.append(f"In '{top[:-1]}' the class was taken from the file names.")


# ----------------------------------------------------------------------------------------------------
# One folder per class


def _by_folders(candidates: Sequence[str], folders: Sequence[str], top: str) -> Layout:
    layout = Layout("class folders")
    _add_folders(layout, [path for path in candidates if path.startswith(top)], folders, top, "")
    return layout


def _add_folders(layout: Layout, inside: list[str], folders: Sequence[str], top: str, part: Part) -> None:
    classes = {folder[len(top) :]: f"{folder}/" for folder in _children(folders, top)}
    layout.folders |= {(part, name): folder for name, folder in classes.items()}
    deeper = 0
    for path in inside:
        label, slash, rest = path[len(top) :].partition("/")
        if not slash:
            layout.set_aside.append(_unlabelled(path, "lies beside the folders of the classes"))
            continue
        deeper += "/" in rest
        layout.labelled.append(Labelled(path, label, part))
    if deeper:
        where = f" of '{top[:-1]}'" if top else ""
        layout.remarks.append(
            f"In folders inside a class folder{where}, counted as that class: {counted(deeper, 'picture')}."
        )


def _unlabelled(path: str, why: str) -> SetAside:
    return SetAside(path, "unlabelled", f"The picture {why}, so its class is not known.")


# ----------------------------------------------------------------------------------------------------
# The class in the file's name

_NAME_AND_NUMBER = re.compile(r"(?P<name>.*?[^\W\d].*?)[\s._-]+\(?\d+\)?$", re.DOTALL)

_CAMERA_NAMES = (
    *("img", "image", "images", "mg", "dsc", "dscn", "dscf", "pxl", "mvi", "wp", "p"),
    *("pic", "pict", "picture", "photo", "foto", "bild", "scan", "screenshot"),
    *("frame", "file", "sample", "page", "untitled", "download"),
)
"""What stands before the number in the names that cameras and programs give; it tells no class."""

MATCHING_SHARE = 0.95
"""Of the files, so many must hold a class in their name before the names are believed."""


def labels_by_name(paths: Sequence[str]) -> dict[str, str]:
    """Classes from names such as cat.0.jpg, cat_12.png, cat-3.jpg, cat (4).jpg: what precedes the number.

    Only files that match are in the answer; it is empty unless nearly all do and they make at least two
    classes of at least two files on average.
    """
    labels: dict[str, str] = {}
    for path in paths:
        stem = path.rpartition("/")[2].rpartition(".")[0] or path.rpartition("/")[2]
        match = _NAME_AND_NUMBER.match(stem)
        if match and match["name"].casefold().strip(" _-.") not in _CAMERA_NAMES:
            labels[path] = match["name"]
    classes = len(set(labels.values()))
    believable = len(labels) >= MATCHING_SHARE * len(paths) and 2 <= classes <= len(labels) / 2
    return labels if believable else {}


def _by_names(candidates: Sequence[str], tables: Sequence[str], top: str) -> Layout:
    labels = labels_by_name(candidates)
    if not labels:
        raise DataError(_no_classes(candidates, tables, top))
    layout = Layout("file names", [Labelled(path, label, "") for path, label in labels.items()])
    names = sorted({composed(label) for label in labels.values()})
    layout.remarks.append(f"The class was taken from the file names: {some(names)}.")
    layout.set_aside = [
        _unlabelled(path, "has a name that does not begin with a class and a number")
        for path in candidates
        if path not in labels
    ]
    return layout


def _no_classes(candidates: Sequence[str], tables: Sequence[str], top: str) -> str:
    where = f"the folder '{top[:-1]}', which would be the only class" if top else "one folder"
    held = counted(len(candidates), "picture")
    found = f"Everything ({held}, such as '{candidates[0]}') lies in {where}, and the names hold no class."
    advice = "give each class a folder of its own, name the files like cat.0.jpg, or name a label file"
    if len(tables) == 1:
        return f"{found} If '{tables[0]}' holds the labels, add --labels {tables[0]}; or {advice}."
    return f"{found} At least two classes are needed: {advice} with --labels."
