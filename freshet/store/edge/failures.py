"""The engine's errors and the operating system's in Freshet's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freshet.errors import FreshetError, UnavailableError, UsageError


class EngineFailure(Exception):
    """What the engine said, passed on by the process that it runs in."""


def damaged(folder: Path, detail: str) -> UsageError:
    return UsageError(
        f"the store in {folder} is damaged",
        detail.splitlines()[0] if detail else "",
        "move it away and start with `freshet up --rebuild`; what its topics no longer hold, publish again",
    )


def is_engine_error(error: BaseException) -> bool:
    """The engine raises plain Exception, and PanicException, a BaseException of its own, for what it never expected."""
    return type(error) in (Exception, EngineFailure) or is_panic(error)


def is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Engine and operating-system errors as UnavailableError or, where a person must act, UsageError."""
    try:
        yield
    except FreshetError:
        raise
    except PermissionError as error:
        raise UsageError(what, str(error), "give this user write permission on the folder, or name another") from error
    except OSError as error:
        raise UnavailableError(what, str(error), "free disk space or mend the disk; it is tried again") from error
    except BaseException as error:
        if not is_engine_error(error):
            raise
        raise UnavailableError(what, str(error).split("\n", 1)[0]) from error
