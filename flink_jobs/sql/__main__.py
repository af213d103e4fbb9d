"""Write the SQL job: ``python -m flink_jobs.sql > job.sql``, with the settings of the environment."""

from __future__ import annotations

import sys

from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from flink_jobs.sql.script import script
from freshet.embedding.load import load_embedder
from freshet.errors import FreshetError
from freshet.settings import KafkaSettings, model_settings


def main() -> None:
    try:
        served = ServedModel.of(load_embedder(model_settings()))
        sys.stdout.write(script(JobSettings(), KafkaSettings(), served))
    except FreshetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
