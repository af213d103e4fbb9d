"""Filterable values as keywords, so that one index answers every filter whatever the metadata's keys are.

Native payload paths would need one index per key, lose integers beyond 2**53 in ranges, and give dots, quotes and
brackets in a key a meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from freshet.events import Metadata, Scalar
from freshet.store.protocol import Filter

_LONGEST = 96


def tags(metadata: Metadata, tenant: str, source: str) -> list[str]:
    """Every tag of a point, without repeats."""
    found = {_tag("tenant", "", tenant), _tag("source", "", source)}
    for key, value in metadata.items():
        found.update(_tag("meta", key, element) for element in (value if isinstance(value, list) else [value]))
    return sorted(found)


def wanted(where: Filter) -> Iterator[list[str]]:
    """For each condition the tags of which a point must have at least one; an empty list can match nothing."""
    if where.tenant is not None:
        yield [_tag("tenant", "", where.tenant)]
    if where.source is not None:
        yield [_tag("source", "", where.source)]
    for key, value in where.metadata.items():
        several = isinstance(value, Sequence) and not isinstance(value, str)
        values: Sequence[Scalar] = value if several else [value]  # type: ignore[assignment, list-item]
        yield sorted({_tag("meta", key, element) for element in values})


def _tag(kind: str, key: str, value: Scalar) -> str:
    text = f"{kind}:{key}={_literal(value)}"
    if len(text) <= _LONGEST:
        return text
    return text[:32] + "#" + hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def _literal(value: Scalar) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)
