"""What holds for the model in the job holds for the model on a server: the same tests."""

from __future__ import annotations

from tests.integration.test_bad_records import (
    test_a_bad_record_becomes_a_dead_letter_and_its_neighbours_go_on as test_a_bad_record_becomes_a_dead_letter,
)
from tests.integration.test_changes import (
    test_a_late_older_change_neither_overwrites_nor_resurrects as test_a_late_older_change,
)
from tests.integration.test_changes import (
    test_an_empty_document_is_known_by_id_and_found_by_no_search as test_an_empty_document,
)
from tests.integration.test_changes import (
    test_an_update_replaces_and_a_delete_removes as test_an_update_and_a_delete,
)
from tests.integration.test_changes import (
    test_published_text_is_found_by_meaning_with_all_it_came_with as test_published_text_is_found,
)
from tests.integration.test_changes import (
    test_publishing_the_same_version_again_changes_nothing as test_the_same_version_again,
)
from tests.integration.test_incremental import (
    test_a_document_moved_to_another_id_embeds_nothing as test_a_moved_document,
)
from tests.integration.test_incremental import (
    test_a_paragraph_changed_in_a_document_of_200_chunks_embeds_three_at_most as test_a_changed_paragraph,
)

__all__ = [
    "test_a_bad_record_becomes_a_dead_letter",
    "test_a_changed_paragraph",
    "test_a_late_older_change",
    "test_a_moved_document",
    "test_an_empty_document",
    "test_an_update_and_a_delete",
    "test_published_text_is_found",
    "test_the_same_version_again",
]
