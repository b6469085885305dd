-- The registry of workers, and what one of them has to know.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: backend_pid
SELECT pg_backend_pid()

-- name: limit_session
-- Without bitmap scans and incremental sorts: where statistics are older than the backlog, the planner would
-- rather sort all of it than take it from an index in order. Plans of prepared statements don't depend on the
-- values of parameters. What this version of PostgreSQL doesn't know is left out.
-- No commit of control waits for the disk: what a crash of the server undoes is done again (a job that was claimed
-- is pending, a dead worker dead), and a job's own commit, which does wait, takes its claim to the disk with it.
SELECT set_config(name, setting.value, FALSE)
  FROM (VALUES ('statement_timeout', %(statement_timeout)s), ('lock_timeout', %(lock_timeout)s),
               ('synchronous_commit', 'off'), ('enable_bitmapscan', 'off'), ('enable_incremental_sort', 'off'),
               ('plan_cache_mode', 'force_generic_plan')) setting (name, value)
  JOIN pg_settings USING (name)

-- name: register_worker
-- session_lock: whether the worker can hold one; behind a pooler it can't, and its heartbeat alone counts.
INSERT INTO queue_worker (name, hostname, pid, version, concurrency, channels, session_lock, status,
                          started_at, heartbeat, create_date, write_date)
VALUES (%(name)s, %(hostname)s, %(pid)s, %(version)s, %(concurrency)s, %(channels)s, %(session_lock)s, 'running',
        clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC',
        clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC')
RETURNING id

-- name: hold_worker_lock
-- The session lock that says "this worker lives": PostgreSQL drops it with the session.
SELECT pg_advisory_lock(%(lock_class)s, %(worker_id)s)

-- name: resume_worker
-- A worker whose connection broke takes its lock again, if nobody has declared it dead meanwhile.
-- The heartbeat is renewed by the same statement, so that it isn't stale at once.
UPDATE queue_worker
   SET heartbeat = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(worker_id)s
RETURNING pg_try_advisory_lock(%(lock_class)s, id)

-- name: renew_heartbeat
-- A worker without a session lock goes on with its place, if nobody has declared it dead meanwhile.
UPDATE queue_worker
   SET heartbeat = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(worker_id)s
RETURNING TRUE

-- name: heartbeat
-- No row comes back when another worker declared this one dead.
UPDATE queue_worker
   SET heartbeat = clock_timestamp() AT TIME ZONE 'UTC', status = %(status)s
 WHERE id = %(worker_id)s
RETURNING id

-- name: unregister_worker
DELETE FROM queue_worker WHERE id = %(worker_id)s

-- name: end_sessions
-- End the sessions that a killed process of this host has left: PostgreSQL notices a dead
-- client only when the running query is over, and until then it holds its locks.
SELECT pg_terminate_backend(session.pid)
  FROM pg_stat_activity session, pg_stat_activity own
 WHERE own.pid = pg_backend_pid()
   AND session.datname = own.datname AND session.usename = own.usename
   AND session.client_addr IS NOT DISTINCT FROM own.client_addr
   AND session.application_name = %(application_name)s AND session.pid <> own.pid

-- name: living_workers
-- Workers of a host that hold their session lock, or can't and have shown a sign of life, and whose heart beats.
SELECT worker.name, worker.status
  FROM queue_worker worker
 WHERE worker.hostname = %(hostname)s
   AND worker.heartbeat >= clock_timestamp() AT TIME ZONE 'UTC' - %(stale_after)s * interval '1 second'
   AND (worker.session_lock IS FALSE OR EXISTS (
    SELECT 1
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = %(lock_class)s AND objid = worker.id
))
 ORDER BY worker.name

-- name: claims_of_worker
-- All that this worker has claimed and not ended, to be compared with what it knows of.
-- Index: queue_job_started_index.
SELECT id, claim_token FROM queue_job WHERE state = 'started' AND worker_id = %(worker_id)s

-- name: look_around
-- What a worker has to know once a second, in one statement: the version of the registry, the modules
-- that change just now, and whether there are requests to cancel, started jobs without a worker,
-- and people who look at the queue.
-- Indexes: the primary key of the signaling table, queue_job_started_index.
SELECT (SELECT max(id) FROM orm_signaling_registry),
       (SELECT array_agg(name::text ORDER BY name) FROM ir_module_module WHERE state LIKE 'to %%'),
       EXISTS (SELECT 1 FROM queue_job_cancellation),
       EXISTS (SELECT 1 FROM queue_job WHERE state = 'started' AND worker_id IS NULL),
       EXISTS (SELECT 1 FROM queue_job_live WHERE watched_until > clock_timestamp() AT TIME ZONE 'UTC')
