"""What can go wrong between here and a Qdrant server, in Freshet's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]
import httpx
from qdrant_client import models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from freshet.errors import FreshetError, RejectedRecord, UnavailableError, UsageError

WRITE = "write"
"""The operation whose refusal is a record's fault."""
_RETRY = "it is tried again; see the server's log if this goes on"
_KEY = "set FRESHET_STORE_API_KEY to a key that may read and write the collection"
_AUTH_CODES = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_WRONG_CODES = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED)


class ServerCalls:
    """Wraps calls to the server at one address: ``with calls("search"): …``."""

    def __init__(self, address: str) -> None:
        self._address = address

    @contextmanager
    def __call__(self, operation: str) -> Iterator[None]:
        """Raises UnavailableError where a retry may help, RejectedRecord for a record's fault, else UsageError."""
        what = f"cannot {operation} at {self._address}"
        try:
            yield
        except FreshetError:
            raise
        except UnexpectedResponse as error:
            detail = f"HTTP {error.status_code} {error.reason_phrase}"
            if error.status_code in (401, 403):
                raise UsageError(what, detail, _KEY) from error
            if error.status_code is not None and 400 <= error.status_code < 500 and error.status_code not in (408, 429):
                raise _wrong(operation, what, f"{detail} {error.content.decode(errors='replace')[:300]}") from error
            raise UnavailableError(what, detail, _RETRY) from error
        except grpc.RpcError as error:
            code, detail = error.code(), str(error.details())
            if code in _AUTH_CODES:
                raise UsageError(what, detail, _KEY) from error
            if code in _WRONG_CODES:
                raise _wrong(operation, what, f"{code.name} {detail}") from error
            raise UnavailableError(what, f"{code.name} {detail}", _RETRY) from error
        except (ResponseHandlingException, httpx.HTTPError, OSError, TimeoutError) as error:
            raise UnavailableError(what, str(error), _RETRY) from error

    def check_applied(self, operation: str, result: models.UpdateResult) -> None:
        """WAIT_TIMEOUT means that the server accepted the write and has not applied it: readers may not see it."""
        if result.status != models.UpdateStatus.COMPLETED:
            what = f"cannot {operation} at {self._address}"
            raise UnavailableError(what, f"not applied in time (status {result.status})", _RETRY)


def _wrong(operation: str, what: str, detail: str) -> FreshetError:
    """A write that the server calls wrong is so because of a record in it; anything else because of the settings."""
    return RejectedRecord("store-refused", detail) if operation == WRITE else UsageError(what, detail)
