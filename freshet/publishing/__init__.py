"""Sends changes of documents to the pipeline: a ``Publisher``, and ``publish``/``delete`` for any program."""

from freshet.publishing.publisher import Publisher, Receipt
from freshet.publishing.shared import PublishSettings, delete, publish

__all__ = ["PublishSettings", "Publisher", "Receipt", "delete", "publish"]
