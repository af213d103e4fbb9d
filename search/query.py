"""What a client asks: a query with its filter, from a JSON body or from the address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from freshet.events import Metadata, Scalar
from freshet.store import Filter
from search.problems import Problem

META = "meta."
PARAMETERS = frozenset({"q", "k", "tenant", "source", "min_score"})
MAX_QUERY_CHARS = 32_768
"""Far beyond what a model takes; bounds the time a tokenizer spends to find that out."""


class SearchFilter(BaseModel):
    """All conditions must hold; a list of values means any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata: Metadata = Field(default={}, examples=[{"language": ["en", "de"]}])
    tenant: str | None = None
    source: str | None = None

    @field_validator("metadata", mode="before")
    @classmethod
    def _scalars_only(cls, metadata: Any) -> Any:
        for name, value in metadata.items() if isinstance(metadata, dict) else ():
            if not all(
                isinstance(one, str | int | float | None) for one in (value if isinstance(value, list) else [value])
            ):
                raise ValueError(f"{name!r} must be a string, a number, a boolean, null, or a list of these")
        return metadata


class SearchQuery(BaseModel):
    """The body of ``POST /search``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(max_length=MAX_QUERY_CHARS, examples=["How long may I return an item?"])
    k: int = Field(default=10, description="how many chunks at most")
    filter: SearchFilter = SearchFilter()
    min_score: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        default=None, description="leave out what scores less"
    )

    def where(self) -> Filter | None:
        """The store's filter, or None where there is no condition."""
        asked = self.filter
        if not asked.metadata and asked.tenant is None and asked.source is None:
            return None
        return Filter(dict(asked.metadata), asked.tenant, asked.source)


def metadata_from_parameters(parameters: Iterable[tuple[str, str]]) -> Metadata:
    """``meta.year=2024&meta.year=2025`` as {"year": ["2024", 2024, "2025", 2025]}.

    An address holds only text, so a value that reads as a number or a boolean matches that too. Raises Problem for a
    parameter that is not known: it would be ignored, and the answer would be to another question.
    """
    found: dict[str, list[Scalar]] = {}
    for name, text in parameters:
        if name in PARAMETERS:
            continue
        if not name.startswith(META) or name == META:
            known = ", ".join(sorted(PARAMETERS))
            raise Problem(400, "Unknown parameter", name, f"use one of {known}, or {META}FIELD to filter on metadata")
        found.setdefault(name.removeprefix(META), []).extend(_readings(text))
    return dict(found)


def _readings(text: str) -> list[Scalar]:
    if text in ("true", "false"):
        return [text, text == "true"]
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        return [text, int(text)]
    return [text]
