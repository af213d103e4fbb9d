"""Makes the packaged model's references anew, in full precision: ``python -m inference.make_references``."""

from __future__ import annotations

import numpy as np

from freshet.embedding import ModelSettings, load_embedder
from inference.watch import PACKAGED, PROBES


def main() -> None:
    PACKAGED.mkdir(exist_ok=True)
    np.save(PACKAGED / "all-MiniLM-L6-v2.npy", load_embedder(ModelSettings(precision="fp32")).embed(PROBES))


if __name__ == "__main__":
    main()
