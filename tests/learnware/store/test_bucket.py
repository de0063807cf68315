"""A bucket: keys, what it says where something is wrong; that it keeps files is in test_store."""

from __future__ import annotations

import pytest

from starshift.errors import MissingExtra, StoreError, UsageError
from starshift.learnware.store.blobs import digest_of
from starshift.learnware.store.bucket import BucketBlobs


def test_files_lie_below_the_prefix_page_after_page(s3):
    blobs = BucketBlobs("s3://team/learnwares/here")
    contents = [str(number).encode() for number in range(8)]
    for content in contents:
        blobs.put(content)
    assert set(s3.objects) == {f"team/learnwares/here/{digest_of(content)}" for content in contents}
    kept = list(blobs.kept())
    assert [one.digest for one in kept] == sorted(map(digest_of, contents))
    assert all(one.age_seconds > 0 for one in kept)
    assert s3.signed == {"key"}
    blobs.delete(kept[0].digest)
    assert not blobs.has(kept[0].digest) and len(s3.objects) == 7


def test_what_the_bucket_refuses_is_a_sentence(s3):
    s3.failing = True
    blobs = BucketBlobs("s3://team")
    for call in (
        lambda: blobs.put(b"x"),
        lambda: blobs.get("a" * 64),
        lambda: blobs.has("a" * 64),
        lambda: [*blobs.kept()],
    ):
        with pytest.raises(StoreError, match=r"^s3://team does not answer as it should: ") as caught:
            call()
        assert caught.value.kind == "unusable" and "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["s3://", "s3:///prefix", "s3://bucket/prefix?x=1"])
def test_addresses_are_checked(wrong):
    with pytest.raises(UsageError, match="s3://BUCKET/PREFIX"):
        BucketBlobs(wrong)


def test_what_is_missing_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MissingExtra, match=r"pip install 'starshift\[s3\]'"):
        BucketBlobs("s3://team")
