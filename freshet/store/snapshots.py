"""Snapshots of the collection on a Qdrant server: each peer makes and keeps those of its own shards."""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import QdrantClient

from freshet.errors import UsageError
from freshet.store.authority import context
from freshet.store.server_calls import ServerCalls
from freshet.store.settings import StoreSettings

SECONDS = 600
"""That one snapshot may take."""


def snapshot(settings: StoreSettings, peers: Sequence[str], keep: int) -> list[tuple[str, str]]:
    """Make one on each peer, then remove the oldest beyond ``keep``. Returns (peer, name) of those made.

    Blocks until each is written. Without ``peers`` it is the server of the settings. Raises UnavailableError for the
    first peer that does not answer; nothing is removed from a peer that could not make a new one.
    """
    addresses = peers or ((settings.url,) if settings.url else ())
    if not addresses:
        raise UsageError(
            "the embedded store has no snapshots", "FRESHET_STORE_URL is not set", "copy its folder while it is stopped"
        )
    return [(address, _on_peer(settings, address, keep)) for address in addresses]


def _on_peer(settings: StoreSettings, address: str, keep: int) -> str:
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    verify = True if settings.ca is None else context(settings.ca)
    client = QdrantClient(url=address, api_key=key, timeout=SECONDS, check_compatibility=False, verify=verify)
    calls = ServerCalls(address)
    try:
        with calls("make a snapshot"):
            made = client.create_snapshot(settings.collection, wait=True)
        if made is None:
            raise UsageError(f"{address} made no snapshot", settings.collection, "see the server's log")
        with calls("list the snapshots"):
            known = client.list_snapshots(settings.collection)
        newest_first = sorted(known, key=lambda one: one.creation_time or "", reverse=True)
        for old in newest_first[keep:]:
            with calls("remove a snapshot"):
                client.delete_snapshot(settings.collection, old.name, wait=True)
        return made.name
    finally:
        client.close()
