"""TLS to a captured PostgreSQL, by libpq's ``sslmode`` and ``sslrootcert`` in its address."""

from __future__ import annotations

import ssl
from typing import Literal

from freshet.errors import UsageError
from producers.cdc.address import VERIFYING, Address


def ssl_context(address: Address) -> ssl.SSLContext | Literal[False] | None:
    """In pg8000's terms: None takes TLS where the server has it, as libpq does by default; False never takes it.

    ``require`` does not look at the certificate; ``verify-full`` looks at its name too. Raises UsageError where the
    authorities' file cannot be read.
    """
    mode = address.ssl_mode or "prefer"
    if mode == "disable":
        return False
    if mode in ("allow", "prefer"):
        return None
    try:
        context = ssl.create_default_context(cafile=address.ssl_root_cert or None)
    except OSError as error:
        raise UsageError(
            f"sslrootcert {address.ssl_root_cert} cannot be read", str(error), "name a file of certificates in PEM"
        ) from error
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode in VERIFYING else ssl.CERT_NONE
    return context
