"""``python -m freshet.rewind consumer|job [--since TIME]``: lets a stopped reader read its topic again.

By the versions of documents, what is read twice changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from confluent_kafka import ConsumerGroupState, TopicPartition
from confluent_kafka.admin import OffsetSpec

from freshet.errors import FreshetError, UsageError
from freshet.flow import READERS
from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.offsets import places
from freshet.settings import KafkaSettings
from freshet.stack.lag import admin_client, set_offsets
from freshet.topics import CONSUMER_GROUP, JOB_GROUP

GROUPS: Final = {"consumer": CONSUMER_GROUP, "job": JOB_GROUP}
ANSWER_SECONDS: Final = 10.0
_STOPPED: Final = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


def rewind(kafka: KafkaSettings, reader: str, since: datetime | None = None) -> dict[int, int]:
    """Set the offsets of ``consumer`` or ``job`` to the first record since then, of all where there is no time.

    Returns them by partition. Blocks for the broker. Raises UsageError while the reader runs, UnavailableError.
    """
    group = GROUPS[reader]
    topic = READERS[group]
    admin, partitions = admin_client(kafka), places(topic)
    wanted = OffsetSpec.earliest() if since is None else OffsetSpec.for_timestamp(int(since.timestamp() * 1000))
    try:
        # Flink joins no group: of the job nothing is seen here, and it asks for offsets only when it starts anew.
        state = admin.describe_consumer_groups([group])[group].result(ANSWER_SECONDS).state
        if state not in _STOPPED:
            raise UsageError(f"the group {group} has members", f"its state is {state.name}", "stop its readers first")
        first = {one.partition: end for one, end in admin.list_offsets(dict.fromkeys(partitions, wanted)).items()}
        latest = admin.list_offsets(dict.fromkeys(partitions, OffsetSpec.latest()))
        ends = {one.partition: end.result(ANSWER_SECONDS).offset for one, end in latest.items()}
        # -1: nothing was written since then.
        offsets = {
            number: found if (found := place.result(ANSWER_SECONDS).offset) >= 0 else ends[number]
            for number, place in first.items()
        }
    except NO_ANSWER as error:
        raise no_answer(f"cannot read offsets from {kafka.bootstrap}", error) from error
    moved = [TopicPartition(topic.name, number, offset) for number, offset in sorted(offsets.items())]
    set_offsets(kafka, group, moved, ANSWER_SECONDS)
    return offsets


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when the offsets are set, 2 for what a person must change, 1 where the broker does not answer."""
    parser = argparse.ArgumentParser("python -m freshet.rewind", description="Lets a stopped reader read again.")
    parser.add_argument("reader", choices=sorted(GROUPS))
    parser.add_argument("--since", type=_time, help="ISO 8601 with a time zone; without: all that is on the topic")
    asked = parser.parse_args(arguments)
    try:
        offsets = rewind(KafkaSettings(), asked.reader, asked.since)
    except FreshetError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UsageError) else 1
    for partition, offset in sorted(offsets.items()):
        sys.stdout.write(f"{READERS[GROUPS[asked.reader]].name} {partition}: from {offset}\n")
    return 0


def _time(text: str) -> datetime:
    # Python 3.10 does not read the Z.
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("say the time zone: 2026-11-21T02:00:00Z")
    return found


if __name__ == "__main__":
    sys.exit(main())
