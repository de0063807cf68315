"""Addresses of registries; who asks, and redirections, are in test_oci with a registry on loopback."""

from __future__ import annotations

import base64
import json

import pytest

from starshift.errors import UsageError
from starshift.learnware.store import registry


@pytest.mark.parametrize(
    "wrong",
    ["oci://", "oci://host", "oci://host/Cats:1", "oci://host/../cats:1", "oci://a b/cats", "oci://h/c:1@sha1:a"],
)
def test_addresses_are_checked(wrong):
    with pytest.raises(UsageError, match="oci://HOST/REPOSITORY:TAG"):
        registry.address(wrong)


def test_plain_http_is_for_loopback_and_who_asks_for_it():
    assert registry.address("oci://localhost:5000/cats:1").url == "http://localhost:5000"
    assert registry.address("oci://[::1]:5000/cats:1").url == "http://[::1]:5000"
    assert registry.address("oci://example.org/team/cats:1").url == "https://example.org"
    assert registry.address("oci+http://nas.local/cats:1").url == "http://nas.local"


def test_a_damaged_login_counts_as_none(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in (registry.USER, registry.PASSWORD):
        monkeypatch.delenv(name, raising=False)
    file, kept = tmp_path / "config.json", base64.b64encode(b"me:secret").decode()
    assert registry._credentials("host") == ""
    for content in ("", "[]", '{"auths": 1}', '{"auths": {"host": {}}}', '{"auths": {"host": {"auth": "no base64"}}}'):
        file.write_text(content)
        assert registry._credentials("host") == ""
    file.write_text(json.dumps({"auths": {"host": {"auth": kept}}}))
    assert registry._credentials("host") == kept and registry._credentials("other") == ""
