"""Learnwares in any OCI registry, as ORAS lays out artifacts: a config, one layer, a manifest that names both.

The config is learnware.json, the layer the plain tar, so that its digest is the same as in a store, and `oras pull`
writes the tar. Source: the OCI image specification 1.1.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

import msgspec

from starshift.errors import StoreError, UsageError
from starshift.learnware import archive, package
from starshift.learnware.store import names
from starshift.learnware.store.blobs import compared, digest_of
from starshift.learnware.store.registry import Address, Registry, address, decoded
from starshift.learnware.store.remote import LARGEST_PACKAGE_BYTES

ARTIFACT = "application/vnd.starshift.learnware.v1"
CONFIG, LAYER = f"{ARTIFACT}.config+json", f"{ARTIFACT}.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A file of an artifact."""

    media_type: str
    digest: str  # "sha256:…"
    size: int
    annotations: dict[str, str] = {}

    @property
    def sha256(self) -> str:
        """Hexadecimal. Raises StoreError for other digests."""
        kind, _, digest = self.digest.partition(":")
        if kind != "sha256" or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise StoreError("unusable", f"The registry names a file by {self.digest[:80]!r}, which is no SHA-256.")
        return digest


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What an artifact consists of."""

    schema_version: int
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}


class _Tags(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] | None = None


def push(content: package.Package, to: str) -> str:
    """Copy a learnware to `oci://HOST/REPOSITORY:TAG`; its version is the tag where none is given.

    What is there already is not sent again. Returns the manifest's digest, "sha256:…". Raises StoreError, "taken" where
    the tag holds something else: versions do not change, though registries would let them; RunError for what must not
    be shared; UsageError.
    """
    place = address(to)
    if place.digest:
        raise UsageError("A registry makes the digest itself; push to oci://HOST/REPOSITORY:TAG.")
    tag = place.tag or content.learnware.version
    tar, record = package.pack(content), content.contents[archive.RECORD]
    manifest = _manifest(content, tar, record, f"{place.repository.rpartition('/')[2]}-{tag}.tar")
    digest = f"sha256:{digest_of(manifest)}"
    registry = Registry(place)
    path = f"manifests/{tag}"
    there = registry.ask("GET", path, headers={"Accept": MANIFEST}, fine=(200, 404))
    if there.status == 200:
        if there.content == manifest:
            return digest
        raise StoreError(
            "taken", f"{place.host}/{place.repository}:{tag} is there already with other content. Push another version."
        )
    for blob in (record, tar):
        _upload(registry, blob)
    registry.ask("PUT", path, headers={"Content-Type": MANIFEST}, body=manifest, fine=(201, 200, 202))
    return digest


def pull(source: str) -> package.Package:
    """The learnware at `oci://HOST/REPOSITORY:TAG`, or `@sha256:…`; without either, the tag of the highest version.

    Raises StoreError; RunError where its package is refused; UsageError.
    """
    place = address(source)
    registry = Registry(place)
    named = f"sha256:{place.digest}" if place.digest else place.tag or _highest(registry)
    found = registry.ask("GET", f"manifests/{named}", headers={"Accept": MANIFEST}, fine=(200, 404))
    if found.status == 404:
        raise StoreError("missing", f"{place.host} has no {place.repository}:{named}.")
    if place.digest:
        compared(found.content, place.digest, place.host)
    layer = _layer(decoded(found.content, Manifest, place), place)
    if not 0 <= layer.size <= LARGEST_PACKAGE_BYTES:
        raise StoreError("large", f"{place} says that it has {layer.size:,} bytes, which no learnware has.")
    answer = registry.ask("GET", f"blobs/{layer.digest}", most_bytes=layer.size)
    return package.load(compared(answer.content, layer.sha256, place.host))


def _manifest(content: package.Package, tar: bytes, record: bytes, title: str) -> bytes:
    """The same for the same learnware: nothing in it says when it was pushed."""
    learnware = content.learnware
    said = {"title": learnware.name, "version": learnware.version, "licenses": learnware.licence}
    made = Manifest(
        schema_version=2,
        media_type=MANIFEST,
        artifact_type=ARTIFACT,
        config=Descriptor(CONFIG, f"sha256:{digest_of(record)}", len(record)),
        layers=(Descriptor(LAYER, f"sha256:{digest_of(tar)}", len(tar), {"org.opencontainers.image.title": title}),),
        annotations={
            **{f"org.opencontainers.image.{key}": value for key, value in said.items() if value},
            "io.starshift.learnware.id": content.id,
        },
    )
    return msgspec.json.encode(made)


def _layer(manifest: Manifest, place: Address) -> Descriptor:
    layers = [layer for layer in manifest.layers if layer.media_type == LAYER]
    if manifest.artifact_type != ARTIFACT or len(layers) != 1:
        kind = manifest.artifact_type or manifest.media_type or "of no said kind"
        raise StoreError("missing", f"{place} is no learnware of Starshift; it is {kind[:100]!a}.")
    return layers[0]


def _highest(registry: Registry) -> str:
    place = registry.place
    answer = registry.ask("GET", "tags/list?n=1000", fine=(200, 404))
    tags = (decoded(answer.content, _Tags, place).tags or ()) if answer.status == 200 else ()
    versions = [tag for tag in tags if names.VERSION.fullmatch(tag)]
    if not versions:
        raise StoreError("missing", f"{place.host} has no version of {place.repository}; name a tag.")
    return max(versions, key=names.numbers)


def _upload(registry: Registry, blob: bytes) -> None:
    digest = f"sha256:{digest_of(blob)}"
    if registry.ask("HEAD", f"blobs/{digest}", fine=(200, 404)).status == 200:
        return
    begun = registry.ask("POST", "blobs/uploads/", body=b"", fine=(202,))
    there = begun.headers.get("location", "")
    joined = f"{there}{'&' if '?' in there else '?'}{urlencode({'digest': digest})}"
    headers = {"Content-Type": "application/octet-stream"}
    registry.ask("PUT", joined, headers=headers, body=blob, fine=(201, 202, 204))
