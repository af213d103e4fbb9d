"""``freshet store``."""

from __future__ import annotations

from typing import Annotated

import typer

from freshet.cli.target import JsonOption

app = typer.Typer(help="Prepare the store.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Prepare the store that FRESHET_STORE_… names."""


@app.command()
def create(as_json: JsonOption = False) -> None:
    """Create the collection for the model's vectors, or check the one there is; done before several processes start.

    Blocks until the store has it. Exit code 1 where it holds another model's vectors.

    \b
    Example:
      FRESHET_STORE_URL=http://qdrant:6333 freshet store create
    """
    from freshet.cli.output import print_json
    from freshet.embedding.load import load_embedder
    from freshet.settings import model_settings
    from freshet.store import CollectionInfo, StoreSettings, open_store

    settings, model = StoreSettings(), load_embedder(model_settings())
    info = CollectionInfo(model.model, model.revision, model.dimension)
    store = open_store(settings)
    try:
        store.open(info)
    finally:
        store.close()
    if as_json:
        print_json({"collection": settings.collection, "model": info.model, "revision": info.revision})
    else:
        typer.echo(f"{settings.collection} holds vectors of {info.model} {info.revision} ({info.dimension})")


@app.command()
def snapshot(
    peer: Annotated[
        list[str] | None, typer.Option(help="Address of one peer; repeat it for each. Without: FRESHET_STORE_URL.")
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest stay on each peer.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Make a snapshot of the collection on each peer of a Qdrant server, beside its data.

    \b
    Example:
      FRESHET_STORE_URL=http://qdrant:6333 freshet store snapshot --keep 7
    """
    from freshet.cli.output import print_json
    from freshet.store import StoreSettings
    from freshet.store.snapshots import snapshot as take

    made = take(StoreSettings(), peer or (), keep)
    if as_json:
        print_json([{"peer": address, "snapshot": name} for address, name in made])
    else:
        for address, name in made:
            typer.echo(f"{address}: {name}")
