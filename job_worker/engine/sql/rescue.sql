-- Jobs whose worker is gone.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: dead_workers
-- Workers that should hold a session lock and don't, and those that have shown no sign of life
-- for %(stale_after)s seconds: a hung host. A worker takes its lock in the transaction that
-- inserts its row, so no living worker is ever seen without one.
SELECT worker.id
  FROM queue_worker worker
 WHERE (worker.session_lock IS NOT FALSE AND NOT EXISTS (
    SELECT 1
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = %(lock_class)s AND objid = worker.id
))
    OR worker.heartbeat IS NULL
    OR worker.heartbeat < clock_timestamp() AT TIME ZONE 'UTC' - %(stale_after)s * interval '1 second'

-- name: lock_rescue
-- One rescuer at a time: two that lock some orphans each, and then forget the same worker, would wait for
-- each other. Lock: advisory, to the end of the transaction; who doesn't get it leaves the rescue to the other.
SELECT pg_try_advisory_xact_lock(%(lock_class)s, 0)

-- name: lock_orphans
-- Started jobs that nobody runs: those of the given dead workers and those without a worker.
-- A worker hands out lines of jobs, most of one job, in the order of their tokens, and an executor runs a line from
-- its begin. So only the first of each of the first lines, as many as it has executors, can have been running: the
-- others were prefetched. The ranks are taken before rows are skipped, and of the jobs as they were, so that a job
-- which is just ending doesn't pass its place on.
-- Lock: SKIP LOCKED, a job whose row is locked is just being finished by its executor.
-- Index: queue_job_started_index.
WITH ranked AS (
    SELECT id, worker_id,
           dense_rank() OVER (PARTITION BY worker_id ORDER BY COALESCE(line_token, claim_token)) AS line,
           row_number() OVER (PARTITION BY worker_id, COALESCE(line_token, claim_token) ORDER BY claim_token) AS place
      FROM queue_job
     WHERE state = 'started' AND (worker_id IS NULL OR worker_id = ANY(%(worker_ids)s))
)
SELECT job.id, job.claim_token, job.uuid, COALESCE(job.attempts, 0) AS attempts, job.max_retries, job.worker_name,
       job.retry_pattern, COALESCE(job.crashes, 0) AS crashes, job.concurrency_key,
       ranked.worker_id IS NULL OR (ranked.place = 1 AND ranked.line <= worker.concurrency) AS was_running
  FROM ranked
  JOIN queue_job job ON job.id = ranked.id
  LEFT JOIN queue_worker worker ON worker.id = ranked.worker_id
 WHERE job.state = 'started'
   FOR UPDATE OF job SKIP LOCKED
