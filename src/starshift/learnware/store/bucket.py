"""Files under the digest of their content, in an S3-compatible bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starshift.errors import MissingExtra, StoreError, UsageError
from starshift.learnware.store.blobs import Blob, compared, digest_of

if TYPE_CHECKING:
    from obstore.store import S3Store


class BucketBlobs:
    """Files of `s3://BUCKET/PREFIX`. Key, secret, region and endpoint come from AWS's environment variables
    (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL).
    """

    def __init__(self, url: str) -> None:
        self.place = url
        self._bucket = _open(url)

    def put(self, content: bytes) -> str:
        """S3 shows an object whole or not at all, and answers once it is kept."""
        import obstore

        digest = digest_of(content)
        with self._told():
            obstore.put(self._bucket, digest, content, use_multipart=False)
        return digest

    def get(self, digest: str) -> bytes:
        """Read whole and compared."""
        import obstore

        try:
            with self._told():
                content = bytes(obstore.get(self._bucket, digest).bytes())
        except FileNotFoundError as error:
            raise StoreError("damaged", f"The file {digest} is missing in {self.place}.") from error
        return compared(content, digest, self.place)

    def has(self, digest: str) -> bool:
        """One HEAD request."""
        import obstore

        try:
            with self._told():
                obstore.head(self._bucket, digest)
        except FileNotFoundError:
            return False
        return True

    def delete(self, digest: str) -> None:
        """S3 does not mind if it is not there."""
        import obstore

        with self._told():
            obstore.delete(self._bucket, digest)

    def kept(self) -> Iterator[Blob]:
        """In the bucket's order, which is that of digests."""
        import obstore

        with self._told():
            for page in obstore.list(self._bucket):
                now = datetime.now(UTC)
                yield from (Blob(one["path"], (now - one["last_modified"]).total_seconds()) for one in page)

    def sweep(self, older_seconds: float) -> int:
        """Nothing to do: an unfinished upload is no object."""
        return 0

    @contextmanager
    def _told(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            said = " ".join(str(error).split("\n")[0].split())[:300]
            raise StoreError("unusable", f"{self.place} does not answer as it should: {said}") from error


def _open(url: str) -> S3Store:
    """Raises MissingExtra, UsageError."""
    parts = urlsplit(url)
    if not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"A bucket is named as s3://BUCKET/PREFIX; {url!r} came.")
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise MissingExtra(
            "Files in a bucket need obstore, which is not installed: pip install 'starshift[s3]'"
        ) from error
    # A loopback or in-house endpoint often has no TLS; it was named by the user, who says so with http://.
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return S3Store(parts.netloc, prefix=parts.path.strip("/") or None, client_options={"allow_http": plain})
