"""What the plots of docs/results/ share: they are readable on light and dark, since nothing of it is black or white."""

from __future__ import annotations

import svg

GREY = "#8a8f98"


def label(x: float, y: float, text: str, size: int, colour: str = GREY, anchor: str = "start") -> svg.Text:
    """Words at a place, in pixels."""
    return svg.Text(
        x=x, y=y, text=text, font_size=size, font_family="sans-serif", fill=colour,
        text_anchor=anchor,  # type: ignore[arg-type]
    )  # fmt: skip
