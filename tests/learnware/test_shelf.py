"""starshift.learnware.shelf: a store's specifications on this machine, by what changed."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from learnware.shelved import SPACE, listed, pictures, told
from starshift.learnware import shelf, specify
from starshift.learnware.search import Wanted, nearest
from starshift.learnware.shelf import Copy, OnDisk, Shelf, described, unseen
from starshift.records import LEARNWARE_SCHEMA, InputContract, Learnware, Target, TextContract
from starshift.records.entry import Changes, Entry, Specified, Withdrawal


class FakeStore:
    """Tells what was published into it, two changes at a time."""

    def __init__(self, place="fake"):
        self.place, self.entries, self.asked = place, [], []

    def add(self, name, classes, *, specification=None, whole=False, **changes):
        made = told(classes, whole=whole)
        content = specify.write(made) if specification is None else specification
        record = learnware(classes, **changes)
        entry = Entry(name, "1.0.0", f"{len(self.entries):064x}", name, record.task, record.licence, "", 1000, "",
                      len(content), "", "", len(self.entries) + 1)  # fmt: skip
        import msgspec

        self.entries.append(Specified(entry, msgspec.json.encode(record), content))
        return made

    def withdraw(self, name):
        one = next(one for one in self.entries if one.entry.name == name)
        self.entries.remove(one)
        latest = max((other.entry.revision for other in self.entries), default=0)
        taken = replace(one.entry, revision=max(latest, one.entry.revision) + 1, withdrawn=Withdrawal("now", "", "no"))
        self.entries.append(Specified(taken, b"", b""))

    def changes(self, after=0):
        self.asked.append(after)
        found = sorted((one for one in self.entries if one.entry.revision > after), key=lambda one: one.entry.revision)
        some = tuple(found[:2])
        return Changes(some[-1].entry.revision if some else after, len(found) > 2, some)

    def pull(self, reference):
        raise AssertionError("nothing is pulled")


def learnware(classes, **changes) -> Learnware:
    made = Learnware(
        schema=LEARNWARE_SCHEMA, name="made", task="image classification", targets=(Target.of_classes(classes),),
        input=InputContract(224, "stretch"), builder="frozen", arguments={}, bases=(), precision="f32",
        evaluations=(), trained_on="", made_by="", files={}, id="", licence="MIT",
    )  # fmt: skip
    return replace(made, **changes)


def wanted(classes) -> Wanted:
    features, labels = pictures(classes, 6, seed=5)
    return Wanted.of(features, labels, SPACE, precision="f32")


@pytest.fixture
def store():
    made = FakeStore()
    for name, classes in (("one", ("a", "b")), ("two", ("c", "d", "e")), ("three", ("x", "y"))):
        made.add(name, classes)
    return made


def test_everything_that_a_store_tells_is_on_the_shelf(store, tmp_path):
    copy = Copy(store, tmp_path)
    copy.update()
    on = copy.shelf(SPACE)
    assert [one.reference for one in on.listed] == ["one:1.0.0", "two:1.0.0", "three:1.0.0"]
    assert on.counts.tolist() == [30] * 7 and on.starts.tolist() == [0, 2, 5]
    assert on.listed[nearest(on, wanted(("c", "d", "e")))[0].place].reference == "two:1.0.0"


def test_only_what_changed_is_asked_for(store, tmp_path):
    Copy(store, tmp_path).update()
    store.add("four", ("p", "q"))
    store.asked.clear()
    copy = Copy(store, tmp_path)
    copy.update()
    assert store.asked == [3]
    assert len(copy.shelf(SPACE)) == 4
    assert copy.shelf(SPACE).listed[nearest(copy.shelf(SPACE), wanted(("p", "q")))[0].place].title == "four"


def test_what_was_withdrawn_is_no_longer_found(store, tmp_path):
    copy = Copy(store, tmp_path)
    copy.update()
    store.withdraw("two")
    copy.update()
    on = copy.shelf(SPACE)
    assert copy.living(on).tolist() == [True, False, True]
    assert [one.title for one in copy.listed()] == ["one", "three"]


def test_of_the_same_model_under_two_names_one_is_searched(store, tmp_path):
    one = store.entries[0]
    store.entries.append(Specified(replace(one.entry, name="again", revision=9), one.learnware, one.specification))
    copy = Copy(store, tmp_path)
    copy.update()
    assert copy.living(copy.shelf(SPACE)).tolist() == [False, True, True, True]


@pytest.mark.parametrize("spoiled", ["state.json", "listed.jsonl", "means"])
def test_a_copy_that_was_cut_off_is_mended_or_made_anew(store, tmp_path, spoiled):
    copy = Copy(store, tmp_path)
    copy.update()
    file = next(one for one in copy.folder.iterdir() if one.name.startswith(spoiled))
    file.write_bytes(file.read_bytes()[:-20])
    copy.update()
    on = copy.shelf(SPACE)
    assert len(on) == 3
    assert on.listed[nearest(on, wanted(("c", "d", "e")))[0].place].title == "two"


def test_lines_behind_the_state_do_not_count(store, tmp_path):
    copy = Copy(store, tmp_path)
    copy.update()
    for file in copy.folder.iterdir():  # as a crash between the files and the state leaves them
        if file.suffix in (".jsonl", ".f16"):
            file.write_bytes(file.read_bytes() + b"half a lin")
    store.add("four", ("p", "q"))
    copy.update()
    on = copy.shelf(SPACE)
    assert [one.title for one in on.listed] == ["one", "two", "three", "four"]
    assert on.listed[nearest(on, wanted(("p", "q")))[0].place].title == "four"


def test_each_store_has_a_copy_of_its_own(store, tmp_path):
    other = FakeStore("elsewhere")
    other.add("far", ("f", "g"))
    for one in (store, other):
        Copy(one, tmp_path).update()
    assert [len(Copy(one, tmp_path).shelf(SPACE)) for one in (store, other)] == [3, 1]


def test_what_cannot_be_read_is_counted(store, tmp_path):
    store.add("broken", ("f", "g"), specification=b"no safetensors")
    copy = Copy(store, tmp_path)
    copy.update()
    assert "broken" not in [one.title for one in copy.listed()] and copy.unread == 1


def test_what_a_search_by_pictures_cannot_see_is_counted(store, tmp_path):
    store.add("without", ("f", "g"), specification=b"")
    store.add("texts", ("f", "g"), specification=b"", input=TextContract("text"))
    copy = Copy(store, tmp_path)
    copy.update()
    assert unseen(copy.listed(), specify.key(SPACE)) == {
        "specified in another space": 0,
        "without a specification": 1,
    }
    assert unseen(copy.listed(), "another")["specified in another space"] == 3
    assert copy.shelf(replace(SPACE, size=160)) is None


def test_means_on_disk_are_those_in_memory(tmp_path):
    means = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float16)
    (tmp_path / "means").write_bytes(means.tobytes())
    assert np.array_equal(OnDisk(tmp_path / "means", 8)[slice(7, 19)], means[7:19])


def test_the_coarse_look_in_blocks_is_the_look_at_once(monkeypatch):
    specifications = [told((chr(97 + place), chr(98 + place), "z")) for place in range(20)]
    names = [listed(one, place) for place, one in enumerate(specifications)]
    asked = wanted(("c", "d"))

    on = Shelf.of(specifications, names)
    coarse = on.coarse

    def look(block):
        monkeypatch.setattr(shelf, "LOOK", block)
        return coarse.nearness(asked.means, asked.own, asked.far, on.starts)

    whole, in_blocks = look(2**16), look(16)
    assert np.argmin(whole) == 2 == np.argmin(in_blocks)
    assert np.abs(whole - in_blocks).max() < 1e-4


def test_a_learnware_is_described_by_its_entry_and_its_specification():
    made = told(("a", "b"))
    entry = Entry("name", "1.0.0", "ab" * 32, "Title", "image classification", "MIT", "", 77, "", 1, "", "", 1)
    found = described(entry, learnware(("a", "b"), synonyms={"a": ("A!",)}), made)
    assert (found.reference, found.size, found.takes, found.cells) == ("name:1.0.0", 77, "pictures", (("a",), ("b",)))
    assert found.synonyms == {"a": ("A!",)}
    assert described(entry, learnware(("a", "b")), None).space == ""
