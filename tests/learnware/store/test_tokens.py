"""Accounts: secrets are shown once and kept as hashes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starshift.errors import StoreError, UsageError
from starshift.learnware.store import tokens


def test_a_token_names_its_holder_until_it_is_replaced_or_revoked(folder_store):
    index = folder_store.index
    first = tokens.make(index, "anna", most_bytes=5, most_learnwares=7)
    holder = tokens.holder(index, first, "1.2.3.4")
    assert holder and (holder.name, holder.address, holder.most_bytes, holder.most_learnwares) == (
        "anna",
        "1.2.3.4",
        5,
        7,
    )
    second = tokens.make(index, "anna")
    assert tokens.holder(index, first, "") is None and tokens.holder(index, second, "")
    tokens.revoke(index, "anna")
    assert tokens.holder(index, second, "") is None and index.accounts()[0].revoked
    assert tokens.holder(index, tokens.make(index, "anna"), "")


def test_secrets_are_kept_as_salted_hashes(folder_store):
    index = folder_store.index
    kept = []
    for name in ("anna", "ben"):
        secret = tokens.make(index, name).partition("/")[2]
        account, salt, hashed = index.account(name)
        assert secret.encode() not in salt + hashed and secret not in repr(account)
        kept += [salt, hashed]
    assert len(set(kept)) == 4


@given(text=st.text(max_size=120))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_nothing_that_is_made_up_is_a_token(folder_store, text):
    if not folder_store.index.account("anna"):
        tokens.make(folder_store.index, "anna")
    assert tokens.holder(folder_store.index, text, "") is None
    assert tokens.holder(folder_store.index, f"anna/{text}", "") is None


def test_names_and_quotas_are_checked(folder_store):
    with pytest.raises(UsageError) as caught:
        tokens.make(folder_store.index, "Anna B", most_bytes=0)
    assert len(caught.value.problems) == 2
    with pytest.raises(StoreError, match="There is no token of the name ben"):
        tokens.revoke(folder_store.index, "ben")
