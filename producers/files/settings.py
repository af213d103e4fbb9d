"""Settings of the file producer, from ``FRESHET_FILES_…``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings
from freshet.settings import Profile


class FilesSettings(ProcessSettings):
    """One process watches one root. Times are in the unit that the name says, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_FILES_")

    root: Path = Field(description="the folder to watch")
    state: Path = Field(Path(".freshet/files"), description="folder of the state database and of files.json")
    exclude: tuple[str, ...] = Field((), description="JSON list of further patterns in .gitignore's syntax")
    max_bytes: int = Field(256 * 2**20, ge=1, description="a larger file is refused as too-large")
    profile: Profile = "low-latency"
    timeout_s: float = Field(30.0, gt=0, description="without a delivery report for this long, a file is sent again")
    tenant: str = Field("", max_length=256, description="the tenant of every document of this root")
    rescan_s: float = Field(
        300.0, gt=0, description="how often the tree is compared anew, for events the kernel dropped"
    )
    polling: bool = Field(False, description="compare every second instead of inotify: network mounts")
    max_in_flight: int = Field(200, ge=1, description="records of the backlog that may wait for the broker at once")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="of the Prometheus endpoint")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")
    republish: bool = Field(False, description="publish every file again, as when the index was emptied")
