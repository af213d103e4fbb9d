#!/usr/bin/env python3
"""Stands in for kubectl: notes each call with the kinds it was given, answers from a table, fails where it is told to.

It proves the order and the arguments of what a script asks, and nothing about a cluster.
"""

import json
import os
import re
import sys
from pathlib import Path

folder = Path(os.environ["FAKE_KUBECTL"])
arguments = sys.argv[1:]
call = " ".join(arguments)
given = ""
if "--filename" in arguments:
    name = arguments[arguments.index("--filename") + 1]
    # What lies at an address is not looked at.
    if not name.startswith("https://"):
        given = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
kinds = re.findall(r"^kind: (\w+)$", given, re.MULTILINE)
with (folder / "calls.jsonl").open("a", encoding="utf-8") as calls:
    calls.write(json.dumps({"call": call, "kinds": kinds, "marks": re.findall(r"release: (\w+)", given)}) + "\n")
plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
for rule in plan:
    if re.search(rule["call"], call):
        if rule.get("times", 1) == 0:
            continue
        if "times" in rule:
            rule["times"] -= 1
            (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        sys.stdout.write(rule.get("answer", ""))
        sys.stderr.write(rule.get("error", ""))
        sys.exit(rule.get("exit", 0))
