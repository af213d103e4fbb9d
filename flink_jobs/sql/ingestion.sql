-- The ingestion job in SQL alone, for a cluster without Python. Written by `python -m flink_jobs.sql`: do not edit.
-- What it does and does not: docs/flink.md. Needs in Flink's lib/: flink-sql-connector-kafka and flink-model-openai;
-- bin/sql-client.sh -f ingestion.sql

SET 'pipeline.name' = 'freshet-ingestion-sql';

SET 'parallelism.default' = '1';

SET 'execution.buffer-timeout.interval' = '0 ms';

SET 'pipeline.object-reuse' = 'true';

SET 'execution.checkpointing.interval' = '2000 ms';

SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';

SET 'execution.checkpointing.timeout' = '5 min';

SET 'execution.checkpointing.tolerable-failed-checkpoints' = '1000';

SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION';

SET 'restart-strategy.type' = 'exponential-delay';

SET 'restart-strategy.exponential-delay.initial-backoff' = '500 ms';

SET 'restart-strategy.exponential-delay.max-backoff' = '30 s';

SET 'restart-strategy.exponential-delay.reset-backoff-threshold' = '1 min';

SET 'table.exec.state.ttl' = '7 d';

CREATE TABLE documents (
    k BYTES,
    v BYTES,
    headers MAP<STRING, BYTES> METADATA,
    `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL,
    arrived AS PROCTIME()
) WITH (
    'connector' = 'kafka', 'topic' = 'documents',
    'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY',
    'scan.startup.mode' = 'group-offsets',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'freshet-flink-job',
    'properties.auto.offset.reset' = 'earliest'
);

CREATE TABLE results (
    topic STRING NOT NULL METADATA,
    k BYTES,
    v BYTES,
    headers MAP<STRING, BYTES> METADATA
) WITH (
    'connector' = 'kafka', 'topic' = 'vector-embeddings;dead-letters',
    'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY',
    'sink.delivery-guarantee' = 'at-least-once',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.linger.ms' = '0',
    'properties.acks' = 'all',
    'properties.max.request.size' = '2097152'
);

CREATE TEMPORARY MODEL embedder
INPUT (`text` STRING)
OUTPUT (vector ARRAY<FLOAT>)
WITH (
    'provider' = 'openai', 'endpoint' = 'http://127.0.0.1:7710/v1/embeddings', 'api-key' = 'none',
    'model' = 'sentence-transformers/all-MiniLM-L6-v2@1fe191228aa3',
    'error-handling-strategy' = 'retry', 'retry-num' = '8', 'retry-fallback-strategy' = 'ignore'
);

CREATE TEMPORARY VIEW decoded AS
SELECT k, v, headers, `partition`, `offset`, arrived, doc,
       JSON_VALUE(doc, '$.id') AS id,
       JSON_VALUE(doc, '$.op') AS op,
       TRY_CAST(JSON_VALUE(doc, '$.version') AS BIGINT) AS version,
       JSON_VALUE(doc, '$.text') AS `text`,
       COALESCE(JSON_QUERY(doc, '$.metadata'), '{}') AS metadata,
       COALESCE(JSON_VALUE(doc, '$.tenant'), '') AS tenant,
       COALESCE(JSON_VALUE(doc, '$.source'), '') AS source,
       JSON_VALUE(doc, '$.occurred_at') AS occurred_at,
       COALESCE(TRY_CAST(JSON_VALUE(doc, '$.part') AS INT), 0) AS part,
       COALESCE(JSON_VALUE(doc, '$.last'), 'true') AS final
FROM (SELECT *, CAST(v AS STRING) AS doc FROM documents);

CREATE TEMPORARY VIEW judged AS
SELECT *, CASE WHEN reason IS NULL AND op = 'upsert' AND bare <> '' THEN bare END AS embed
FROM (
    SELECT *, REGEXP_REPLACE(`text`, '^\s+|\s+$', '') AS bare,
        CASE
            WHEN v IS NULL OR doc = '' THEN 'empty-record'
            WHEN doc IS NOT JSON VALUE THEN 'not-json'
            WHEN doc IS NOT JSON OBJECT OR id IS NULL OR op IS NULL OR op NOT IN ('upsert', 'delete') OR version IS NULL OR version < 0 OR part < 0 OR `final` NOT IN ('true', 'false') THEN 'invalid-field'
            WHEN id = '' OR CHAR_LENGTH(id) > 512 OR REGEXP(id, '[\p{Cntrl}]') THEN 'invalid-id'
            WHEN k IS NOT NULL AND CAST(k AS STRING) <> id THEN 'key-mismatch'
            WHEN op = 'upsert' AND `text` IS NULL THEN 'missing-text'
            WHEN CHAR_LENGTH(metadata) > 32768 THEN 'metadata-too-large'
            WHEN op = 'upsert' AND CHAR_LENGTH(`text`) > 2000 THEN 'text-too-long'
        END AS reason
    FROM decoded
);

-- A version below the highest that came of its document is dropped before it costs a request.
CREATE TEMPORARY VIEW fresh AS
SELECT * FROM (
    SELECT *, MAX(version) OVER (
        PARTITION BY COALESCE(id, '') ORDER BY arrived ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS highest
    FROM judged
) WHERE reason IS NOT NULL OR version >= highest;

CREATE TEMPORARY VIEW asked AS
SELECT `partition`, `offset`, COALESCE(embed, '-') AS asked_text FROM fresh;

CREATE TEMPORARY VIEW answered AS
SELECT `partition`, `offset`, vector, PROCTIME() AS answered_at
FROM ML_PREDICT(TABLE asked, MODEL embedder, DESCRIPTOR(`asked_text`), MAP['async', 'true', 'output-mode', 'ORDERED', 'max-concurrent-operations', '8', 'timeout', '99 min']);

INSERT INTO results
SELECT CASE WHEN dead IS NULL THEN 'vector-embeddings' ELSE 'dead-letters' END,
       CASE WHEN dead IS NULL THEN CAST(id AS BYTES) ELSE k END,
       CASE WHEN dead IS NOT NULL THEN v ELSE CAST(
        '{"id":' || JSON_STRING(id)
        || ',"op":' || JSON_STRING(op)
        || ',"version":' || CAST(version AS STRING)
        || ',"part":' || CAST(part AS STRING)
        || ',"last":' || `final`
        || ',"chunk":' || '0'
        || ',"chunks":' || CASE WHEN embed IS NULL THEN '0' ELSE '1' END
        || ',"text":' || COALESCE(JSON_STRING(embed), '""')
        || ',"vector":' || CASE WHEN embed IS NULL THEN '""' ELSE JSON_STRING(vector) END
        || ',"metadata":' || metadata
        || ',"tenant":' || JSON_STRING(tenant)
        || ',"source":' || JSON_STRING(source)
        || ',"occurred_at":' || COALESCE(JSON_STRING(occurred_at), 'null')
        || ',"model":' || '"sentence-transformers/all-MiniLM-L6-v2"'
        || ',"revision":' || '"1fe191228aa3"' || '}' AS BYTES) END,
       CASE WHEN dead IS NULL
        THEN MAP_UNION(headers, MAP['freshet-embedded', CAST(CAST(UNIX_TIMESTAMP(DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd HH:mm:ss')) AS STRING) || DATE_FORMAT(CURRENT_TIMESTAMP, 'SSS') || '000000' AS BYTES)])
        ELSE MAP_UNION(headers, MAP[
            'freshet-dead-stage', CAST('flink-job' AS BYTES),
            'freshet-dead-reason', CAST(dead AS BYTES),
            'freshet-dead-detail', CAST(CASE WHEN reason IS NULL THEN 'the server gave no vector: it was away, or refused the text as too long; its log says which' ELSE 'found by the SQL job' END AS BYTES),
            'freshet-dead-topic', CAST('documents' AS BYTES),
            'freshet-dead-partition', CAST(CAST(`partition` AS STRING) AS BYTES),
            'freshet-dead-offset', CAST(CAST(`offset` AS STRING) AS BYTES),
            'freshet-dead-attempts', CAST('1' AS BYTES),
            'freshet-dead-model', CAST('1fe191228aa3' AS BYTES)]) END
FROM (
    SELECT f.*, a.vector,
           CASE WHEN f.reason IS NOT NULL THEN f.reason
                WHEN f.embed IS NOT NULL AND a.vector IS NULL THEN 'model-failed' END AS dead
    FROM fresh AS f LEFT JOIN answered AS a
      ON f.`partition` = a.`partition` AND f.`offset` = a.`offset`
     AND a.answered_at BETWEEN f.arrived - INTERVAL '10' MINUTE
                           AND f.arrived + INTERVAL '10' MINUTE
);
