"""Flink's own SQL client, from the wheel: runs a script on the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from freshet.stack.flink import FlinkHome
from freshet.stack.flink_client import FlinkClient


class SqlClient(FlinkClient):
    """``sql-client.sh -f``. Ends once every job of the script is accepted, or with the first error."""

    def __init__(self, home: FlinkHome, log: Path, script: Path, jars: Sequence[Path]) -> None:
        """``jars``: the set ``flink-sql``; the script's connectors are in the cluster's libraries."""
        super().__init__("sql-client", home, log)
        self._script = script
        self._jars = jars

    @property
    def _optional(self) -> Path:
        return self._home.folder / "opt"

    def prepare(self) -> None:
        self._optional.mkdir(exist_ok=True)
        for jar in (*self._home.distribution.glob("opt/*.jar"), *self._jars):
            link = self._optional / jar.name
            link.unlink(missing_ok=True)
            link.symlink_to(jar)

    def environment(self) -> Mapping[str, str]:
        return self._home.environment(FLINK_OPT_DIR=str(self._optional))

    def command(self) -> Sequence[str]:
        return [str(self._home.distribution / "bin" / "sql-client.sh"), "-f", str(self._script)]
