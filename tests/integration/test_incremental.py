"""Only what changed is embedded again."""

from __future__ import annotations

import argparse
import asyncio
import decimal
import http.client
import inspect
import logging
import random
import socket
import subprocess
import tarfile
import textwrap
import threading
import unittest

from tests.integration.embeddings import embedded_by_model
from tests.integration.pipeline import Pipeline


def embedded(pipeline: Pipeline) -> int:
    return embedded_by_model(f"http://127.0.0.1:{pipeline.stack.metrics_ports.job}/metrics")


def paragraphs(count: int) -> list[str]:
    """Real prose: docstrings of the standard library's modules, about a paragraph each."""
    texts: dict[str, None] = {}
    for module in (argparse, asyncio, decimal, http.client, logging, socket, subprocess, tarfile, threading, unittest):
        members = [
            member for _, member in inspect.getmembers(module) if inspect.isclass(member) or inspect.isroutine(member)
        ]
        for member in members + [method for one in members for _, method in inspect.getmembers(one, inspect.isroutine)]:
            doc = " ".join((inspect.getdoc(member) or "").split())
            if len(doc) > 200:
                texts[textwrap.shorten(doc, 900)] = None
    assert len(texts) >= count
    return list(texts)[:count]


def test_a_paragraph_changed_in_a_document_of_200_chunks_embeds_three_at_most(pipeline: Pipeline) -> None:
    text = paragraphs(280)
    pipeline.publish("long", "\n\n".join(text), 1)
    pipeline.wait_version("long", 1)
    before = embedded(pipeline)
    chunks = len(pipeline.document("long").json()["chunks"])
    assert chunks >= 200
    text[random.Random(7).randrange(50, 150)] = (
        "Here the author changed his mind and wrote of the harvest of olives instead."
    )
    pipeline.publish("long", "\n\n".join(text), 2)
    pipeline.wait_version("long", 2)
    assert 1 <= embedded(pipeline) - before <= 3
    assert "olives" in pipeline.search("picking olives in autumn")[0]["text"]
    assert pipeline.versions("anything") == {"long": {2}}


def test_a_document_moved_to_another_id_embeds_nothing(pipeline: Pipeline) -> None:
    pipeline.publish("old-name", "The text of a file that only moves.", 1)
    pipeline.wait_version("old-name", 1)
    before = embedded(pipeline)
    pipeline.publish("new-name", "The text of a file that only moves.", 1)
    pipeline.delete("old-name", 2)
    pipeline.wait_version("new-name", 1)
    pipeline.wait_version("old-name", 2)
    assert embedded(pipeline) == before
    assert pipeline.versions("moves") == {"new-name": {1}}
