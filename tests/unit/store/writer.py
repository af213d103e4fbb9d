"""A process to kill: writes documents without end and prints the number of each acknowledged write.

``python -m tests.unit.store.writer FOLDER INDEX_AFTER``
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore
from tests.unit.store.crash_material import DOCUMENTS, INFO_DIMENSION, document_name, write_document


def main() -> None:
    folder, index_after = Path(sys.argv[1]), int(sys.argv[2])
    store = EdgeStore(
        StoreSettings(path=folder, index_after=index_after, index_ratio=0.01, index_poll_s=0.01, index_patience_s=0)
    )
    store.open(CollectionInfo("m", "r", INFO_DIMENSION))
    for number in count():
        write_document(store, document_name(number), number // DOCUMENTS)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
