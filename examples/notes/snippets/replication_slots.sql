-- How much write-ahead log does each logical replication slot hold back, and is anybody reading it?
-- PostgreSQL keeps all WAL from a slot's restart_lsn on, even when its consumer is gone, until
-- max_slot_wal_keep_size is passed (unlimited by default). An abandoned slot fills the disk.
--
-- What to look for:
--   active = false for longer than a restart takes: the connector is down or was removed.
--   retained grows while the connector runs: it has nothing to confirm; give it a heartbeat.
--   wal_status = 'lost': the slot can no longer be used; a new snapshot is needed.
SELECT slot_name,
       plugin,
       active,
       wal_status,
       pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))         AS retained,
       pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)) AS not_confirmed
FROM pg_replication_slots
WHERE slot_type = 'logical'
ORDER BY pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) DESC NULLS LAST;

-- Tables whose updates carry no old values, so that a large unchanged text may be missing from the event:
-- d = default (primary key), i = index, f = full, n = nothing.
SELECT c.oid::regclass AS table_name,
       c.relreplident  AS replica_identity
FROM pg_class AS c
JOIN pg_publication_tables AS p
  ON c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass
WHERE c.relreplident <> 'f'
ORDER BY 1;

-- Remove a slot that nobody needs any more. This cannot be undone.
-- SELECT pg_drop_replication_slot('slot_name');
