"""Where stores are, as text."""

from __future__ import annotations

import os
import re

from starshift.models.weights import user_data_folder


def usual_place() -> str:
    """Where the store is if nobody says: $STARSHIFT_STORE, or a folder of the user's own."""
    return os.environ.get("STARSHIFT_STORE") or str(user_data_folder() / "starshift" / "store")


def without_password(place: str) -> str:
    """As it may be shown: postgresql://me:***@host/stores."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", place)
