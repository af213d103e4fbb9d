"""``freshet serve-model``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from freshet.stack.process import MODEL_PROCESS

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def serve_model(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 takes any free one.", show_default="7710")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Packaged model, folder, or name on the Hugging Face hub.")] = None,
) -> None:
    """Serve a model over HTTP as OpenAI's API does, at /v1/embeddings.

    SIGTERM or Ctrl-C: answer what has arrived, then end. A second one: end at once.
    Every setting: docs/settings.md, FRESHET_INFERENCE_… and FRESHET_MODEL_….

    \b
    Examples:
      freshet serve-model
      freshet serve-model --port 8000 --model ./my-model
    """
    given = {
        "FRESHET_INFERENCE_HOST": host,
        "FRESHET_INFERENCE_PORT": None if port is None else str(port),
        "FRESHET_MODEL_NAME": model,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    # The C library and the BLAS read theirs when a process begins: so this one begins again, as the server.
    environment = {**MODEL_PROCESS, **os.environ, **chosen}
    os.execve(sys.executable, [sys.executable, "-m", "inference.process"], environment)
