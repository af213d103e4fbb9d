"""``freshet dead-letters``: what was refused, why, and sending it back once the cause is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshet.cli.target import DEFAULT_STATE, BootstrapOption, JsonOption, StateOption

if TYPE_CHECKING:
    from freshet.dead_letter_log import StoredLetter

SHOWN_REFUSALS = 10
HEX_BYTES = 512

app = typer.Typer(
    help="See the records that were refused, and send them back.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only letters with this reason.")]


@app.command("list")
def list_letters(
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    redriven: Annotated[bool, typer.Option("--redriven", help="Also those that were sent back.")] = False,
    state: StateOption = DEFAULT_STATE,
    bootstrap: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, newest first.

    \b
    Examples:
      freshet dead-letters list
      freshet dead-letters list --reason not-json --json | jq '.[].offset'
    """
    from freshet.cli.output import console, print_json
    from freshet.cli.target import kafka_settings
    from freshet.dead_letter_log import letters

    kept = [
        stored
        for stored in letters(kafka_settings(state, bootstrap))
        if (redriven or not stored.redriven) and (reason is None or stored.letter.reason == reason)
    ]
    kept.sort(key=lambda stored: (stored.written_ms, stored.offset), reverse=True)
    if as_json:
        print_json([_described(stored) for stored in kept[:limit]])
        return
    out = console()
    if not kept:
        out.print("No dead letters." if reason is None else f"No dead letters with reason {reason}.", markup=False)
        return
    out.print(_table(kept[:limit]))
    if len(kept) > limit:
        out.print(f"{len(kept) - limit} more: --limit {len(kept)}", style="dim")


@app.command()
def show(
    offset: Annotated[int, typer.Argument(min=0, help="As the list shows it.")],
    partition: Annotated[int, typer.Option(min=0)] = 0,
    state: StateOption = DEFAULT_STATE,
    bootstrap: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter whole.

    What was wrong with it, its headers, its value.

    \b
    Example:
      freshet dead-letters show 17
    """
    from freshet.cli.output import console, print_json
    from freshet.cli.target import kafka_settings
    from freshet.dead_letter_log import chosen
    from freshet.errors import UsageError

    stored = next(chosen(kafka_settings(state, bootstrap), {(partition, offset)}), None)
    if stored is None:
        remedy = "`freshet dead-letters list` shows the offsets"
        raise UsageError(f"There is no dead letter at offset {offset}", "never written, expired, or a marker", remedy)
    described = _described(stored)
    headers = [(name, (value or b"").decode("utf-8", "replace")) for name, value in stored.letter.headers]
    if as_json:
        print_json({**described, "headers": headers, "value_base64": stored.letter.value})
        return
    out = console()
    for name, value in described.items():
        out.print(f"{name:>10}  {value}", markup=False, soft_wrap=True)
    for name, text in headers:
        out.print(f"    header  {name}: {text}", markup=False, soft_wrap=True)
    out.print("     value", markup=False)
    out.print(readable(stored.letter.value), markup=False, soft_wrap=True)


@app.command()
def redrive(
    offsets: Annotated[list[int] | None, typer.Argument(metavar="OFFSET", help="As the list shows them.")] = None,
    reason: ReasonOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not sent back yet.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what was sent back before, or too often.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    partition: Annotated[int, typer.Option(min=0)] = 0,
    state: StateOption = DEFAULT_STATE,
    bootstrap: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send letters back to where they came from, byte for byte.

    Mend the cause first, or they come back.

    \b
    Examples:
      freshet dead-letters redrive 17 18
      freshet dead-letters redrive --reason text-too-long --yes
    """
    if sum((bool(offsets), reason is not None, everything)) != 1:
        raise typer.BadParameter("give exactly one of: offsets, --reason, --all", param_hint="OFFSET")
    from consumers.dead_letters import Redriver, refusal
    from freshet.cli.output import console, error_console, print_json
    from freshet.cli.target import kafka_settings
    from freshet.dead_letter_log import chosen, letters

    kafka = kafka_settings(state, bootstrap)
    places = {(partition, offset) for offset in offsets or ()}
    found = [
        stored
        for stored in letters(kafka)
        if (stored.place in places if places else force or not stored.redriven)
        and (reason is None or stored.letter.reason == reason)
    ]
    refused = [(stored, why) for stored in found if (why := refusal(stored, force=force)) is not None]
    absent = places - {stored.place for stored in found}
    ready = {stored.place for stored in found} - {stored.place for stored, _ in refused}
    for stored, why in refused[:SHOWN_REFUSALS]:
        error_console().print(f"{stored.offset} stays: {why}", style="yellow", markup=False, soft_wrap=True)
    for _, offset in sorted(absent):
        error_console().print(f"{offset} is no dead letter", style="yellow")
    if ready and not yes:
        typer.confirm(f"Send {_count(len(ready))} back?", abort=True, err=True)
    sent = 0
    if ready:
        with Redriver(kafka) as redriver:
            sent = redriver.redrive(chosen(kafka, ready))
    if as_json:
        print_json({"redriven": sent, "refused": len(refused), "absent": len(absent)})
    else:
        rest = f", {len(refused) + len(absent)} stayed" if refused or absent else ""
        console().print(f"{_count(sent)} sent back{rest}.")
    if (refused or absent) and places:
        raise typer.Exit(1)


def readable(value: bytes | None) -> str:
    """JSON or an embedding record indented, text as it is, anything else in hex (the first 512 bytes)."""
    import msgspec

    from freshet.codec import decode_embedding
    from freshet.errors import RejectedRecord

    if value is None:
        return "(none)"
    try:
        return msgspec.json.format(value, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        record = msgspec.structs.replace(decode_embedding(value), vector=b"")
        return f"(vector left out)\n{msgspec.json.format(msgspec.json.encode(record), indent=2).decode()}"
    except RejectedRecord:
        pass
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        more = f"\n… {len(value) - HEX_BYTES} bytes more" if len(value) > HEX_BYTES else ""
        return value[:HEX_BYTES].hex(" ", 2) + more


def _described(stored: StoredLetter) -> dict[str, Any]:
    from datetime import datetime, timezone

    letter = stored.letter
    return {
        "partition": stored.partition,
        "offset": stored.offset,
        "written": datetime.fromtimestamp(stored.written_ms / 1e3, timezone.utc).isoformat(timespec="milliseconds"),
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "key": (letter.key or b"").decode("utf-8", "replace"),
        "from": f"{letter.topic}/{letter.partition}/{letter.offset}" if letter.topic else "",
        "attempts": letter.attempts,
        "model": letter.model,
        "redrives": letter.redrives,
        "redriven": stored.redriven,
    }


def _table(letters: list[StoredLetter]) -> Any:
    import time

    from rich.table import Table
    from rich.text import Text

    from freshet.cli.search import duration

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("offset", "age", "stage", "reason", "key", "from", "detail"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "offset" else "left")
    for stored in letters:
        letter = stored.letter
        place = f"{letter.topic}/{letter.partition}/{letter.offset}" if letter.topic else "-"
        reason = f"{letter.reason} (sent back)" if stored.redriven else letter.reason
        age = duration(max(0.0, time.time() - stored.written_ms / 1e3))
        key = (letter.key or b"").decode("utf-8", "replace")
        cells = (age, letter.stage, reason, key, place, letter.detail[:200])
        table.add_row(str(stored.offset), *(Text(cell) for cell in cells), style="dim" if stored.redriven else "")
    return table


def _count(letters: int) -> str:
    return f"{letters} letter" if letters == 1 else f"{letters} letters"
