"""When all that was sent until now can be found."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final, Protocol

from confluent_kafka import KafkaException

from freshet.flow import READERS
from freshet.offsets import Offsets, behind
from freshet.settings import KafkaSettings
from freshet.topics import Topic

_POLL_S: Final = 0.2
_ANSWER_S: Final = 5.0

_log: Final = logging.getLogger(__name__)


class Reader(Protocol):
    """Tells of a group; ``freshet.offsets.Offsets`` is one."""

    def committed(self, topic: Topic, seconds: float) -> Mapping[int, int]: ...

    def ends(self, topic: Topic, seconds: float) -> Mapping[int, int]: ...

    def close(self) -> None: ...


class Passage:
    """Needs Describe on the readers' groups and on their topics."""

    def __init__(
        self, kafka: KafkaSettings, stop: threading.Event, reader: Callable[[str], Reader] | None = None
    ) -> None:
        self._reader = reader or (lambda group: Offsets(kafka, group))
        self._stop = stop
        self._said = ""

    def wait(self) -> bool:
        """Block until what lies on ``documents`` now is in the store; False when stopped before.

        Each reader's end is taken once, when the one before it has come so far: under load it moves on for ever.
        """
        return all(self._passed(group, topic) for group, topic in READERS.items())

    def _passed(self, group: str, topic: Topic) -> bool:
        ends: Mapping[int, int] | None = None
        with closing(self._reader(group)) as reader:
            while not self._stop.is_set():
                try:
                    ends = reader.ends(topic, _ANSWER_S) if ends is None else ends
                    if not behind(ends, reader.committed(topic, _ANSWER_S)):
                        self._said = ""
                        return True
                except KafkaException as error:
                    self._say(f"how far {group} has read {topic.name}: {error}")
                self._stop.wait(_POLL_S)
        return False

    def _say(self, trouble: str) -> None:
        """Once for as long as it lasts."""
        if trouble != self._said:
            _log.warning("%s", trouble)
            self._said = trouble
