"""The short word that names what a vector was made by."""

from __future__ import annotations

import hashlib


def revision_of(*parts: str) -> str:
    """12 hex digits over all that decides a vector: digests of weights and tokenizer, precision, pooling, version."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
