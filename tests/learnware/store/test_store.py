"""The same examination for every store: a folder, a bucket, PostgreSQL, a server."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from learnware.small import small
from starshift.errors import RunError, StoreError, UsageError
from starshift.learnware import package
from starshift.learnware.store.blobs import FolderBlobs


def refused(kind: str, call, *given, **named) -> str:
    with pytest.raises(StoreError) as caught:
        call(*given, **named)
    assert caught.value.kind == kind
    return str(caught.value)


def test_what_was_published_is_listed_found_shown_and_pulled(examined):
    store, one = examined.store, small()
    published = store.publish(one, "cats")
    entry = published.entry
    assert published.is_new
    assert (entry.reference, entry.id, entry.title, entry.licence) == (
        "cats:1.0.0",
        one.id,
        "frozen for cat, dog",
        "CC-BY-4.0",
    )
    assert list(store.entries()) == [entry]
    assert [store.find(asked) for asked in ("cats", "cats:1.0.0", one.id, one.id[:8])] == [entry] * 4
    assert store.learnware(entry) == one.contents["learnware.json"].strip()
    pulled, tar = store.pull("cats")
    assert pulled == entry
    assert package.load(tar).contents == one.contents
    assert store.verify().problems == [] and store.verify().learnwares == 1


def test_a_version_never_changes_and_the_same_again_is_nothing_new(examined):
    store = examined.store
    first = store.publish(small(1), "cats")
    again = store.publish(small(1), "cats")
    assert (again.is_new, again.entry) == (False, first.entry)
    said = refused("taken", store.publish, small(2), "cats")
    assert "cats:1.0.0 is there already with other content" in said and "--version 1.0.1" in said
    assert len(list(examined.behind.blobs.kept())) == 1  # of what was refused, nothing stays
    assert store.pull("cats")[1] == package.pack(small(1))


def test_a_name_alone_means_its_highest_version(examined):
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        examined.store.publish(small(version=version), "cats")
    assert examined.store.find("cats").version == "1.10.0"
    assert len(list(examined.store.entries())) == 3


def test_what_is_not_there_is_said_with_what_is(examined):
    examined.store.publish(small(), "cats")
    assert "Did you mean 'cats'?" in refused("missing", examined.store.find, "cts")
    assert "cats has no version 2.0.0; it has cats:1.0.0" in refused("missing", examined.store.pull, "cats:2.0.0")
    assert "is not in the store" in refused("missing", examined.store.find, "0" * 64)


def test_names_and_versions_are_checked_before_anything_is_asked(examined):
    with pytest.raises(UsageError, match="my-cats would do"):
        examined.store.publish(small(), "My Cats")
    with pytest.raises(UsageError, match="A version is three numbers"):
        examined.store.find("cats:latest")
    with pytest.raises(UsageError, match="A name in a store"):
        examined.store.find("../../etc/passwd")


def test_removed_is_removed(examined):
    store = examined.store
    kept = store.publish(small(1), "dogs").entry
    store.publish(small(2), "cats")
    reason = "The pictures were not ours."
    gone = store.remove("cats", because=reason if store.keeps_tombstones else "")
    assert list(store.entries()) == [kept]
    if not store.keeps_tombstones:
        refused("missing", store.pull, "cats")
        assert store.publish(small(3), "cats").is_new
        return
    assert gone.withdrawn and gone.withdrawn.because == reason
    for call in (store.pull, store.find, store.remove):
        said = refused("withdrawn", call, "cats:1.0.0")
        assert "cats:1.0.0 was withdrawn on 20" in said and said.endswith(": The pictures were not ours.")
    assert "stay taken" in refused("withdrawn", store.publish, small(2), "cats")
    assert store.publish(small(2, version="1.0.1"), "cats").is_new
    assert store.find("cats").version == "1.0.1"
    assert [one.reference for one in store.entries(withdrawn=True)] == ["cats:1.0.0", "cats:1.0.1", "dogs:1.0.0"]
    assert examined.store.verify().problems == []


def test_files_go_with_the_last_learnware_that_names_them(examined):
    blobs = examined.behind.blobs
    examined.store.publish(small(1), "cats")
    entry = examined.store.publish(small(1), "also-cats").entry
    assert len(list(blobs.kept())) == 1
    examined.store.remove("cats")
    assert blobs.has(entry.package)
    examined.store.remove("also-cats")
    assert list(blobs.kept()) == []


def test_many_come_in_order_page_by_page(examined, monkeypatch):
    for module in ("starshift.learnware.store.store", "starshift.serve.store"):
        monkeypatch.setattr(f"{module}.PAGE", 3, raising=False)
    one = small()
    made = sorted(f"n{number}" for number in range(7))
    for name in reversed(made):
        examined.store.publish(one, name)
    assert [entry.name for entry in examined.store.entries()] == made
    assert [entry.name for entry in examined.store.entries(task="image classification")] == made
    assert list(examined.store.entries(task="regression")) == []


def test_changes_say_what_came_and_went_since(examined):
    store = examined.store
    assert store.changes().changed == ()
    first = store.publish(small(1), "cats").entry
    second = store.publish(small(2), "dogs").entry
    some = store.changes(most=1)
    assert some.more and [one.entry for one in some.changed] == [first]
    assert some.changed[0].learnware == small(1).contents["learnware.json"].strip()
    rest = store.changes(some.revision)
    assert not rest.more and [one.entry for one in rest.changed] == [second]
    assert store.changes(rest.revision).changed == ()
    store.remove("cats", "old" if store.keeps_tombstones else "")
    later = store.changes(rest.revision)
    if store.keeps_tombstones:
        assert [(one.entry.reference, one.learnware) for one in later.changed] == [("cats:1.0.0", b"")]
        assert later.changed[0].entry.withdrawn.because == "old"


def test_specifications_are_kept_apart_and_handed_out(examined):
    store, blobs = examined.store, examined.behind.blobs
    one = small(1, specified=True)
    content = one.contents["spec.safetensors"]
    entry = store.publish(one, "cats").entry
    assert entry.specification_bytes == len(content) and entry.specification in {kept.digest for kept in blobs.kept()}
    store.publish(small(2, specified=True), "more-cats")  # of the same pictures: the same file
    store.publish(small(3), "unspecified")
    assert [changed.specification for changed in store.changes().changed] == [content, content, b""]
    assert len(list(blobs.kept())) == 4 and store.verify().problems == []
    store.remove("cats")
    assert blobs.has(entry.specification)
    store.remove("more-cats")
    assert not blobs.has(entry.specification)
    given = {one.entry.name: one for one in store.changes().changed}
    assert given["unspecified"].learnware == small(3).contents["learnware.json"].strip()
    assert all(one.specification == one.learnware == b"" for one in given.values() if one.entry.withdrawn)


def test_a_page_of_changes_ends_where_it_is_large(examined, monkeypatch):
    monkeypatch.setattr("starshift.learnware.store.store.PAGE_BYTES", 5000)
    for seed in range(5):
        examined.store.publish(small(seed, specified=True), f"n{seed}")
    first = examined.store.changes()
    assert len(first.changed) == 1 and first.more
    names, after = [], 0
    while (page := examined.store.changes(after)).changed:
        names += [one.entry.name for one in page.changed]
        after = page.revision
    assert names == [f"n{seed}" for seed in range(5)]


def test_what_must_not_be_shared_is_refused_with_its_reason(examined):
    from starshift.records import OwnPart

    own = (OwnPart("builder", "mine", "build", "mine.py", "ab" * 32),)
    secret = small(own=own, unshareable="it was made with your own code, mine:build")
    with pytest.raises(RunError, match="it was made with your own code, mine:build"):
        examined.store.publish(secret, "cats")
    assert list(examined.store.entries(withdrawn=True)) == []


def test_a_damaged_file_is_found_said_and_mended_by_publishing_again(examined):
    store, blobs = examined.store, examined.behind.blobs
    entry = store.publish(small(), "cats").entry
    damage(blobs, entry.package)
    assert "is damaged" in refused("damaged", store.pull, "cats")
    (said,) = examined.behind.verify().problems
    assert said.startswith("cats:1.0.0: ") and "is damaged" in said
    assert any("is damaged" in one for one in store.verify().problems)
    store.publish(small(), "cats")
    assert store.verify().problems == []
    blobs.delete(entry.package)
    assert "is missing" in refused("damaged", store.pull, "cats")
    assert any("is missing" in one for one in store.verify().problems)


def damage(blobs, digest: str) -> None:
    if isinstance(blobs, FolderBlobs):
        file = blobs.folder / digest[:2] / digest
        file.write_bytes(b"\1" + file.read_bytes()[1:])
        return
    import obstore

    content = bytes(obstore.get(blobs._bucket, digest).bytes())
    obstore.put(blobs._bucket, digest, b"\1" + content[1:])


def test_a_sweep_takes_what_crashes_left_and_nothing_else(examined):
    behind = examined.behind
    entry = examined.store.publish(small(), "cats").entry
    behind.blobs.put(b"left behind")
    assert behind.sweep(older_seconds=3600) == (0 if isinstance(behind.blobs, FolderBlobs) else 1)
    behind.sweep(older_seconds=-1)
    assert [one.digest for one in behind.blobs.kept()] == [entry.package]
    assert examined.store.verify().problems == []


def test_an_index_that_says_another_thing_than_its_package_is_found(folder_store):
    from starshift.learnware.store.index import LEARNWARES

    folder_store.publish(small(), "cats")
    with folder_store.index.changing() as change:
        change._connection.execute(LEARNWARES.update().values(learnware=b"{}"))
    assert folder_store.verify().problems == [
        "cats:1.0.0: the index describes another learnware than its package holds."
    ]


def test_a_sweep_between_files_and_entry_tears_nothing(folder_store, monkeypatch):
    put = folder_store.blobs.put

    def swept(content: bytes) -> str:
        digest = put(content)
        monkeypatch.setattr(folder_store.blobs, "put", put)
        folder_store.sweep(older_seconds=-1)
        assert not folder_store.blobs.has(digest)
        return digest

    monkeypatch.setattr(folder_store.blobs, "put", swept)
    folder_store.publish(small(), "cats")
    assert folder_store.verify().problems == []


def test_who_removes_what_another_removed_first_hears_so(folder_store, monkeypatch):
    entry = folder_store.publish(small(), "cats").entry
    folder_store.remove("cats")
    monkeypatch.setattr(folder_store, "find", lambda reference: replace(entry))
    assert "by another just now" in refused("missing", folder_store.remove, "cats")


def test_ids_that_begin_alike_are_told_apart(folder_store):
    from starshift.learnware.store.index import LEARNWARES

    folder_store.publish(small(1), "cats")
    folder_store.publish(small(2), "dogs")
    with folder_store.index.changing() as change:
        for name, end in (("cats", "1"), ("dogs", "2")):
            query = LEARNWARES.update().where(LEARNWARES.c.name == name).values(id="abcdefab" + end * 56)
            change._connection.execute(query)
    said = refused("missing", folder_store.find, "abcdefab")
    assert "is the beginning of several ids" in said and "cats:1.0.0" in said and "dogs:1.0.0" in said


def test_a_reason_that_would_be_lost_is_refused(folder_store):
    folder_store.publish(small(), "cats")
    with pytest.raises(UsageError, match="there is no place for a reason"):
        folder_store.remove("cats", "old")
    assert folder_store.find("cats")
