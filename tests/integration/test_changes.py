"""A change becomes what a search finds, and the old content is found no longer."""

from __future__ import annotations

from tests.integration.pipeline import Pipeline


def test_published_text_is_found_by_meaning_with_all_it_came_with(pipeline: Pipeline) -> None:
    pipeline.publish("cat", "A kitten sleeps on the warm windowsill.", 1, {"kind": "pet", "tags": ["small", "soft"]})
    pipeline.publish("car", "The lorry's diesel engine needs new injectors.", 1, {"kind": "machine"})
    pipeline.wait_version("cat", 1)
    pipeline.wait_version("car", 1)
    best = pipeline.search("a young cat having a nap")[0]
    assert best["id"] == pipeline.id("cat")
    assert best["text"] == "A kitten sleeps on the warm windowsill."
    assert best["metadata"] == {"kind": "pet", "tags": ["small", "soft"]}
    assert best["version"] == 1
    assert 0 < best["score"] <= 1.001
    assert best["freshness_ms"] > 0
    assert best["age_seconds"] > 0
    assert [hit["id"] for hit in pipeline.search("a cat", **{"meta.kind": "machine"})] == [pipeline.id("car")]
    assert [hit["id"] for hit in pipeline.search("a cat", **{"meta.tags": "soft"})] == [pipeline.id("cat")]


def test_an_update_replaces_and_a_delete_removes(pipeline: Pipeline) -> None:
    pipeline.publish("note", "The meeting is on Monday at the town hall.", 1)
    pipeline.wait_version("note", 1)
    pipeline.publish("note", "Bees make honey from nectar.", 2)
    pipeline.wait_version("note", 2)
    assert [hit["text"] for hit in pipeline.search("when is the meeting")] == ["Bees make honey from nectar."]
    pipeline.delete("note", 3)
    pipeline.wait_version("note", 3)
    assert pipeline.search("honey") == []
    assert pipeline.document("note").status_code == 410


def test_a_late_older_change_neither_overwrites_nor_resurrects(pipeline: Pipeline) -> None:
    pipeline.publish("a", "the newest text", 10)
    pipeline.delete("b", 10)
    pipeline.publish("a", "an older text that comes late", 9)
    pipeline.publish("b", "a text from before the delete", 9)
    pipeline.publish("end", "the last of the sequence", 1)
    for name, version in (("a", 10), ("b", 10), ("end", 1)):
        pipeline.wait_version(name, version)
    # Records of other keys may overtake these two: a newer version of each proves that they were passed.
    pipeline.publish("a", "newer still", 11)
    pipeline.publish("b", "written again", 11)
    pipeline.wait_version("a", 11)
    pipeline.wait_version("b", 11)
    assert pipeline.versions("text") == {"a": {11}, "b": {11}, "end": {1}}


def test_an_empty_document_is_known_by_id_and_found_by_no_search(pipeline: Pipeline) -> None:
    pipeline.publish("empty", "", 1)
    answer = pipeline.wait_version("empty", 1)
    assert answer["version"] == 1
    assert pipeline.search("anything") == []


def test_publishing_the_same_version_again_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.publish("same", "one and the same", 5)
    first = pipeline.wait_version("same", 5)
    pipeline.publish("same", "one and the same", 5)
    pipeline.publish("same", "and then another", 6)
    pipeline.wait_version("same", 6)
    assert pipeline.versions("one") == {"same": {6}}
    assert first["version"] == 5
