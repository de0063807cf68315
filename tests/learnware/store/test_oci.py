"""Push and pull against a registry on loopback: a fake one, and Docker's where it is installed."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware import fake_registry
from learnware.small import small
from starshift.errors import RunError, StarshiftError, StoreError
from starshift.learnware import package
from starshift.learnware.store import oci
from starshift.learnware.store import registry as registry_client


@pytest.fixture
def registry(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    for name in (registry_client.USER, registry_client.PASSWORD):
        monkeypatch.delenv(name, raising=False)
    with fake_registry.running() as fake:
        yield fake


@pytest.fixture
def docker_registry(tmp_path):
    program = shutil.which("docker-registry") or shutil.which("registry")
    if not program:
        pytest.skip("docker-registry is not installed (apt install docker-registry)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    process = subprocess.Popen([program, "serve", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < until and process.poll() is None, "docker-registry does not start"
            time.sleep(0.05)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


def refused(kind: str, call, *given) -> str:
    with pytest.raises(StoreError) as caught:
        call(*given)
    assert caught.value.kind == kind, caught.value
    return str(caught.value)


def examination(host: str) -> None:
    """What every registry passes."""
    one, other = small(1), small(2)
    digest = oci.push(one, f"oci://{host}/team/cats:1.0.0")
    assert oci.push(one, f"oci://{host}/team/cats:1.0.0") == digest
    assert oci.pull(f"oci://{host}/team/cats:1.0.0").contents == one.contents
    assert oci.pull(f"oci://{host}/team/cats@{digest}").id == one.id
    said = refused("taken", oci.push, other, f"oci://{host}/team/cats:1.0.0")
    assert "is there already with other content. Push another version." in said
    oci.push(small(3, version="1.10.0"), f"oci://{host}/team/cats")  # its version is the tag
    oci.push(small(4, version="1.9.0"), f"oci://{host}/team/cats")
    assert oci.pull(f"oci://{host}/team/cats").learnware.version == "1.10.0"
    refused("missing", oci.pull, f"oci://{host}/team/cats:3.0.0")
    refused("missing", oci.pull, f"oci://{host}/team/dogs")


def test_the_fake_registry_passes(registry):
    examination(registry.host)


def test_dockers_registry_passes(docker_registry):
    examination(docker_registry)


def test_it_is_laid_out_as_oras_does_it(registry):
    one = small()
    oci.push(one, f"oci://{registry.host}/team/cats:1.0.0")
    kind, content = registry.manifests["team/cats/1.0.0"]
    manifest = json.loads(content)
    assert kind == manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["schemaVersion"] == 2
    assert manifest["artifactType"] == "application/vnd.starshift.learnware.v1"
    assert registry.blobs[manifest["config"]["digest"]] == one.contents["learnware.json"]
    (layer,) = manifest["layers"]
    assert registry.blobs[layer["digest"]] == package.pack(one)
    assert layer["annotations"] == {"org.opencontainers.image.title": "cats-1.0.0.tar"}
    assert manifest["annotations"]["org.opencontainers.image.licenses"] == "CC-BY-4.0"


def test_what_is_there_is_not_sent_again(registry):
    oci.push(small(), f"oci://{registry.host}/team/cats:1.0.0")
    registry.requests.clear()
    oci.push(small(), f"oci://{registry.host}/team/cats:2.0.0")
    assert [method for method, path, _ in registry.requests if method in ("POST", "PUT")] == ["PUT"]


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_who_is_asked_for_a_name_gives_it(registry, auth, monkeypatch, tmp_path):
    registry.auth, registry.location = auth, "absolute"
    said = refused("unknown", oci.push, small(), f"oci://{registry.host}/team/cats:1.0.0")
    assert "`docker login" in said and "STARSHIFT_REGISTRY_USER" in said
    monkeypatch.setenv(registry_client.USER, "alice")
    monkeypatch.setenv(registry_client.PASSWORD, "secret")
    examination(registry.host)
    assert auth == "basic" or {scope.rpartition(":")[2] for scope in registry.scopes} == {"pull", "pull,push"}
    monkeypatch.delenv(registry_client.USER)
    login = {"auths": {registry.host: {"auth": base64.b64encode(b"alice:secret").decode()}}}
    (tmp_path / "no-docker").mkdir()
    (tmp_path / "no-docker/config.json").write_text(json.dumps(login))
    assert oci.pull(f"oci://{registry.host}/team/cats:1.0.0").id == small(1).id


def test_another_host_is_not_told_the_password(registry, monkeypatch):
    monkeypatch.setenv(registry_client.USER, "alice")
    monkeypatch.setenv(registry_client.PASSWORD, "secret")
    registry.auth = "basic"
    oci.push(small(), f"oci://{registry.host}/team/cats:1.0.0")
    with fake_registry.running() as bucket:
        bucket.blobs = registry.blobs
        registry.elsewhere = bucket.address
        assert oci.pull(f"oci://{registry.host}/team/cats:1.0.0").id == small().id
        assert [authorization for _, _, authorization in bucket.requests] == [""]


def test_redirections_end(registry):
    oci.push(small(), f"oci://{registry.host}/team/cats:1.0.0")
    registry.elsewhere = registry.address
    assert "without end" in refused("unusable", oci.pull, f"oci://{registry.host}/team/cats:1.0.0")


def test_a_layer_that_is_another_is_refused(registry):
    oci.push(small(1), f"oci://{registry.host}/team/cats:1.0.0")
    (layer,) = json.loads(registry.manifests["team/cats/1.0.0"][1])["layers"]
    right = registry.blobs[layer["digest"]]
    registry.blobs[layer["digest"]] = package.pack(small(2))[: len(right)].ljust(len(right), b"\0")
    assert "another digest" in refused("damaged", oci.pull, f"oci://{registry.host}/team/cats:1.0.0")
    registry.blobs[layer["digest"]] = right + b"more"
    assert "more than" in refused("large", oci.pull, f"oci://{registry.host}/team/cats:1.0.0")


def test_what_is_no_learnware_is_said(registry):
    manifest = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "layers": []}
    registry.manifests["team/web/1.0.0"] = (oci.MANIFEST, json.dumps(manifest).encode())
    assert "is no learnware of Starshift" in refused("missing", oci.pull, f"oci://{registry.host}/team/web:1.0.0")
    registry.manifests["team/web/1.0.0"] = (oci.MANIFEST, b"<html>")
    said = refused("unusable", oci.pull, f"oci://{registry.host}/team/web:1.0.0")
    assert "does not answer as an OCI registry does" in said


def test_nobody_at_the_address_is_a_sentence():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert "cannot be reached" in refused("unusable", oci.pull, f"oci://127.0.0.1:{port}/cats:1.0.0")


@given(
    st.binary(max_size=300)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["schemaVersion", "artifactType", "layers", "config", "digest", "size"]), inner
                )
            ),
            max_leaves=10,
        ),
    )
)
def test_whatever_a_registry_says_is_answered_by_a_sentence(said):
    place = registry_client.address("oci://localhost/cats:1")
    with pytest.raises(StarshiftError):
        oci._layer(registry_client.decoded(said, oci.Manifest, place), place)


def test_what_must_not_be_shared_is_not_pushed(registry):
    from starshift.records import OwnPart

    own = (OwnPart("builder", "mine", "build", "mine.py", "ab" * 32),)
    with pytest.raises(RunError, match="not for sharing"):
        oci.push(small(own=own, unshareable="it has own code"), f"oci://{registry.host}/cats:1.0.0")
    assert registry.requests == []
