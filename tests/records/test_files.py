from __future__ import annotations

from pathlib import Path

import pytest

from starshift.errors import RunError
from starshift.records import Epoch, Finding, files

FINDING = Finding("leak", "warning", "Two pictures.", (("a.png", "b.png"),))
EPOCH = Epoch(1, 0.5, 0.7, 0.5, 0.6, 0.75)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    files.write(FINDING, tmp_path / "finding.json")
    assert files.read(tmp_path / "finding.json", Finding) == FINDING


def test_a_record_is_written_for_people_to_read(tmp_path):
    files.write(FINDING, tmp_path / "finding.json")
    assert '\n "sentence": "Two pictures.",\n' in (tmp_path / "finding.json").read_text()


def test_a_stop_while_writing_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "finding.json"
    files.write(FINDING, file)
    before = file.read_bytes()

    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(b"half of", file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Input data was truncated"),
        (b'{"kind": "leak"', "Input data was truncated"),
        (b"\xff\xfe", "JSON is malformed"),
        (b'{"kind": 1, "severity": "note", "sentence": ""}', r"Expected `str`, got `int` - at `\$.kind`"),
        (b'{"kind": "leak", "severity": "loud", "sentence": ""}', "Invalid enum value 'loud'"),
        (b'{"kind": "leak", "severity": "note"}', "missing required field `sentence`"),
        (b'{"kind": "leak", "severity": "note", "sentence": "", "more": 1}', "unknown field `more`"),
    ],
)
def test_what_is_no_such_record_is_refused_with_file_and_place(tmp_path, content, said):
    file = tmp_path / "finding.json"
    file.write_bytes(content)
    with pytest.raises(RunError, match=said) as caught:
        files.read(file, Finding)
    assert str(caught.value).startswith(f"{file} is not a Finding that this version of Starshift can read")
    assert str(caught.value).endswith("It was damaged, edited, or written by another version.")


def test_a_file_that_is_not_there_is_said_in_words(tmp_path):
    with pytest.raises(RunError, match="cannot be read: No such file or directory"):
        files.read(tmp_path / "none.json", Finding)


def test_lines_come_back_as_they_were_written(tmp_path):
    files.append_line(EPOCH, tmp_path / "history.jsonl")
    files.append_line(EPOCH, tmp_path / "history.jsonl")
    assert files.read_lines(tmp_path / "history.jsonl", Epoch) == [EPOCH, EPOCH]


def test_a_file_of_lines_that_is_not_there_has_none(tmp_path):
    assert files.read_lines(tmp_path / "none.jsonl", Epoch) == []


def test_a_damaged_line_is_refused_with_its_file(tmp_path):
    file = tmp_path / "history.jsonl"
    file.write_bytes(b'{"epoch": 1\n')
    with pytest.raises(RunError, match=r"history.jsonl cannot be read: Input data was truncated"):
        files.read_lines(file, Epoch)


def test_histories_from_before_there_were_metrics_are_read(tmp_path):
    file = tmp_path / "history.jsonl"
    file.write_text(
        '{"epoch":1,"seconds":0.5,"loss":0.7,"accuracy":0.5,"validation_loss":0.6,"validation_accuracy":0.75}\n'
    )
    assert files.read_lines(file, Epoch) == [EPOCH]
