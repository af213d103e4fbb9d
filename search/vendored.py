"""Files of npm packages for the live page, kept in the repository: ``python -m search.vendored`` makes them anew.

``page/vendor/packages.json`` names each package, its version, the integrity of its archive as the registry states it,
and the files to take. A file that is not what it was shows in the diff.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import msgspec

VENDOR = Path(__file__).parent / "page" / "vendor"


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``files`` maps a path in the archive to the name here."""

    name: str
    version: str
    integrity: str
    files: dict[str, str]


def packages() -> list[Package]:
    return msgspec.json.decode((VENDOR / "packages.json").read_bytes(), type=list[Package])


def fetch(package: Package, into: Path) -> None:
    """Needs npm and a way to its registry. Raises SystemExit where the archive is not the one that is named."""
    with tempfile.TemporaryDirectory() as folder:
        asked = f"{package.name}@{package.version}"
        subprocess.run(["npm", "pack", asked, "--silent", "--pack-destination", folder], check=True)
        (archive,) = Path(folder).iterdir()
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != package.integrity:
            sys.exit(f"the archive of {asked} is not the one in packages.json: {found}")
        with tarfile.open(archive) as opened:
            for path, name in package.files.items():
                member = opened.extractfile(path)
                if member is None:
                    sys.exit(f"{asked} has no file {path}")
                (into / name).write_bytes(member.read())


if __name__ == "__main__":
    for one in packages():
        fetch(one, VENDOR)
