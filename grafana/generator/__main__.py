"""``python -m grafana.generator [--check]``: writes dashboards, rules and provisioning under grafana/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grafana.generator.dashboards import dashboard_files
from grafana.generator.provisioning import provisioning_files
from grafana.generator.rules import rule_files

HERE = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Everything under grafana/ that is written, by its path."""
    folders = {"dashboards": dashboard_files(), "alerts": rule_files(), "provisioning": provisioning_files()}
    return {HERE / folder / name: text for folder, files in folders.items() for name, text in files.items()}


def main() -> int:
    """Exit status 1 where ``--check`` finds a file that is not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    check = parser.parse_args().check
    wanted = generated()
    wrong = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in wrong:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        sys.stdout.write(f"{path} {'differs: run make dashboards' if check else 'written'}\n")
    return 1 if wrong and check else 0


if __name__ == "__main__":
    raise SystemExit(main())
