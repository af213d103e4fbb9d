"""Reads a request's body within its bounds, and its JSON into a checked request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.requests import ClientDisconnect, Request

from inference.errors import ApiError, bad_request

Encoding = Literal["float", "base64"]


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int
    body_seconds: float
    items: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was sent, checked but for what only the model knows. Each item is a text or token ids."""

    model: str
    items: tuple[str, ...] | tuple[tuple[int, ...], ...]
    encoding: Encoding
    dimensions: int | None


class _Body(msgspec.Struct):
    # OpenAI's clients send further fields (user, …): these are ignored.
    model: Any = None
    input: Any = None
    encoding_format: Any = "float"
    dimensions: Any = None


_decoder = msgspec.json.Decoder(_Body)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Raises ApiError for a body too large, too slow, not JSON by its type, or cut off."""
    kind = request.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != "application/json":
        found = kind or "missing"
        raise ApiError(415, "unsupported_media_type", f"Send content-type: application/json; it is {found}.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large(limits)
    try:
        return await asyncio.wait_for(_read(request, limits), limits.body_seconds)
    except (asyncio.TimeoutError, TimeoutError):
        # What is still on its way cannot be told from a next request: the connection ends here.
        message = f"The body did not arrive within {limits.body_seconds:g} s."
        raise ApiError(408, "request_timeout", message, headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise ApiError(400, "incomplete_body", "The connection closed before the body was whole.") from None


async def _read(request: Request, limits: Limits) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body_bytes:
            raise _too_large(limits)
        parts.append(part)
    return b"".join(parts)


def _too_large(limits: Limits) -> ApiError:
    message = f"The body is larger than {limits.body_bytes} bytes."
    return ApiError(413, "request_too_large", message, headers={"connection": "close"})


def parse(body: bytes, limits: Limits) -> Asked:
    """Raises ApiError(400) that names the field, and the index of the first item at fault."""
    try:
        found = _decoder.decode(body)
    except UnicodeDecodeError as error:
        raise bad_request("invalid_utf8", f"The body is not UTF-8: {error}.") from None
    except RecursionError:
        raise bad_request("invalid_json", "The body is nested too deeply.") from None
    except msgspec.ValidationError:
        raise bad_request("invalid_json", "The body is not a JSON object.") from None
    except msgspec.DecodeError as error:
        raise bad_request("invalid_json", f"The body is not JSON: {error}.") from None
    if not isinstance(found.model, str) or not found.model:
        raise bad_request("missing_model", "Name the model: a string.", "model")
    if found.encoding_format not in ("float", "base64"):
        raise bad_request("invalid_encoding_format", "It is either float or base64.", "encoding_format")
    if found.dimensions is not None and (type(found.dimensions) is not int or found.dimensions < 1):
        raise bad_request("invalid_dimensions", "It is a number from 1 on.", "dimensions")
    return Asked(found.model, _items(found.input, limits), found.encoding_format, found.dimensions)


def _items(given: Any, limits: Limits) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    if given is None:
        raise bad_request("missing_input", "There is no input: send a text, token ids, or a list of either.", "input")
    if isinstance(given, str):
        _check_text(given, "input", limits)
        return (given,)
    if not isinstance(given, list):
        raise bad_request("invalid_input", "It is a text, token ids, or a list of either.", "input")
    if not given:
        raise bad_request("empty_input", "The list of input is empty.", "input")
    if type(given[0]) is int:
        return (_ids(given, "input"),)
    if len(given) > limits.items:
        message = f"{len(given)} items; a request may have {limits.items}."
        raise bad_request("too_many_items", message, "input")
    if isinstance(given[0], list):
        return tuple(_ids(item, f"input[{index}]") for index, item in enumerate(given))
    for index, item in enumerate(given):
        _check_text(item, f"input[{index}]", limits)
    return tuple(given)


def _check_text(item: Any, where: str, limits: Limits) -> None:
    if not isinstance(item, str):
        raise bad_request("invalid_item", f"{where} is {_kind(item)}; it must be a text, as its neighbours.", where)
    if not item.strip():
        raise bad_request("empty_item", f"{where} is an empty text, which has no meaning to embed.", where)
    # A character has at most 4 bytes: most texts need not be encoded to know.
    if len(item) * 4 > limits.text_bytes and len(item.encode("utf-8", "surrogatepass")) > limits.text_bytes:
        raise bad_request("item_too_large", f"{where} is larger than {limits.text_bytes} bytes.", where)


def _ids(item: Any, where: str) -> tuple[int, ...]:
    if not isinstance(item, list):
        raise bad_request("invalid_item", f"{where} is {_kind(item)}; it must be token ids, as its neighbours.", where)
    if not item:
        raise bad_request("empty_item", f"{where} has no token ids.", where)
    for each in item:
        if type(each) is not int:
            raise bad_request("invalid_item", f"{where} has {_kind(each)} among its token ids.", where)
    return tuple(item)


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")
