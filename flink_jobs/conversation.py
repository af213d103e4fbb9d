"""What was said before a message: pure functions of the message and of what arrived in its conversation."""

from __future__ import annotations

from collections.abc import Sequence

from freshet.chunking import Chunker
from freshet.codec import decode_document
from freshet.errors import RejectedRecord
from freshet.events import DocumentEvent

THREAD = "thread"
"""The metadata that names a message's conversation."""
ARRIVALS_PER_MESSAGE = 3
"""So many arrivals are kept for each message of context: edits, deletes and replays of messages arrive too."""


def preceding(event: DocumentEvent, arrivals: Sequence[bytes | None], count: int) -> list[str]:
    """Texts of the last ``count`` other messages of the conversation before this one, the oldest first.

    ``arrivals`` are values of ``documents`` in the order of their arrival; what cannot be read is passed over. Of each
    message its highest version counts, and none that this version deletes. Where both say when they occurred, one that
    occurred later is no context, however early it arrived, and that time is the order; else the order of arrival is.
    """
    if event.metadata.get(THREAD) is None:
        return []
    newest: dict[str, tuple[int, DocumentEvent]] = {}
    for position, value in enumerate(arrivals):
        other = _read(value)
        if other is None or other.id == event.id or other.part or not _together(other, event):
            continue
        known = newest.get(other.id)
        if known is None:
            newest[other.id] = (position, other)
        elif other.version >= known[1].version:
            # It keeps the place at which it first arrived: an edit does not move a message.
            newest[other.id] = (known[0], other)
    spoken = [(place, one) for place, one in newest.values() if one.op == "upsert" and one.text and _before(one, event)]
    if all(one.occurred_at is not None for _, one in spoken):
        spoken.sort(key=lambda item: (item[1].occurred_at, item[1].id))
    return [one.text.strip() for _, one in spoken[-count:] if one.text]


def with_context(chunk: str, before: Sequence[str], chunker: Chunker) -> str:
    """The chunk behind as many of the messages before it, newest first, as the model takes together with it."""
    text = chunk
    for message in reversed(before):
        longer = f"{message}\n{text}"
        if not chunker.fits(longer):
            break
        text = longer
    return text


def _read(value: bytes | None) -> DocumentEvent | None:
    try:
        return decode_document(value)
    except RejectedRecord:
        return None


def _together(one: DocumentEvent, event: DocumentEvent) -> bool:
    return one.tenant == event.tenant and one.metadata.get(THREAD) == event.metadata.get(THREAD)


def _before(one: DocumentEvent, event: DocumentEvent) -> bool:
    if one.occurred_at is None or event.occurred_at is None:
        return True
    return (one.occurred_at, one.id) < (event.occurred_at, event.id)
