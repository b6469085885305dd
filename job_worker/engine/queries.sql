-- Every statement of the engine. Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: claim_jobs
-- Take up to %(limit)s ready jobs for a worker, best first.
-- Lock: SKIP LOCKED lets claimers pass each other's rows instead of queueing behind them.
-- Index: queue_job_ready_index gives the order, so the limit must be a literal (psycopg2
-- interpolates it); a limit the planner can't see makes it sort the whole backlog.
WITH ready AS (
    SELECT id
      FROM queue_job
     WHERE state = 'pending' AND scheduled IS NOT TRUE
     ORDER BY priority, COALESCE(scheduled_at, create_date), id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
)
UPDATE queue_job job
   SET state = 'started',
       worker_id = %(worker_id)s,
       worker_name = %(worker_name)s,
       claim_token = nextval('queue_job_claim_token_seq'),
       started_at = clock_timestamp() AT TIME ZONE 'UTC',
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
  FROM ready
 WHERE job.id = ready.id
RETURNING job.id, job.claim_token, job.uuid, job.model_name, job.method_name, job.payload, job.user_id,
          job.company_id, job.channel, COALESCE(job.attempts, 0) AS attempts, job.max_retries,
          job.priority, COALESCE(job.scheduled_at, job.create_date) AS due_at

-- name: finish_job
-- The last statement of a job's own transaction. It changes no row when the claim was lost.
-- Index: primary key.
UPDATE queue_job
   SET state = 'done',
       attempts = COALESCE(attempts, 0) + 1,
       completed_at = clock_timestamp() AT TIME ZONE 'UTC',
       duration = EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at),
       result = %(result)s,
       exc_name = NULL, exc_message = NULL, exc_info = NULL,
       worker_id = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
RETURNING id

-- name: fail_job
-- Record a failed attempt as final, by the holder of the claim.
UPDATE queue_job
   SET state = 'failed',
       attempts = COALESCE(attempts, 0) + 1,
       completed_at = clock_timestamp() AT TIME ZONE 'UTC',
       duration = EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at),
       exc_name = %(exc_name)s, exc_message = %(exc_message)s, exc_info = %(exc_info)s,
       worker_id = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
RETURNING id

-- name: retry_job
-- Record a failed attempt and schedule the next one, by the holder of the claim.
-- %(counted)s is false for an attempt that must not count against max_retries.
UPDATE queue_job
   SET state = 'pending',
       attempts = COALESCE(attempts, 0) + %(counted)s::int,
       scheduled = %(seconds)s > 0,
       scheduled_at = (clock_timestamp() + %(seconds)s * interval '1 second') AT TIME ZONE 'UTC',
       duration = EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at),
       exc_name = %(exc_name)s, exc_message = %(exc_message)s, exc_info = %(exc_info)s,
       worker_id = NULL,
       started_at = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
RETURNING id

-- name: release_job
-- Give a claimed job back as if it had never been taken: nothing is charged.
UPDATE queue_job
   SET state = 'pending',
       worker_id = NULL,
       started_at = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
RETURNING id

-- name: promote_due_jobs
-- Move jobs whose time has come into the ready index.
-- Lock: SKIP LOCKED, several workers may promote at once.
-- Index: queue_job_scheduled_index.
UPDATE queue_job
   SET scheduled = FALSE
 WHERE id IN (
    SELECT id
      FROM queue_job
     WHERE state = 'pending' AND scheduled AND scheduled_at <= clock_timestamp() AT TIME ZONE 'UTC'
     ORDER BY scheduled_at
     LIMIT 1000
       FOR UPDATE SKIP LOCKED
)

-- name: seconds_to_next_due
-- How long until the next scheduled job is due; NULL when there is none.
-- Index: queue_job_scheduled_index, one entry.
SELECT EXTRACT(EPOCH FROM min(scheduled_at) - clock_timestamp() AT TIME ZONE 'UTC')::float8
  FROM queue_job
 WHERE state = 'pending' AND scheduled

-- name: register_worker
INSERT INTO queue_worker (name, hostname, pid, version, concurrency, started_at, heartbeat, create_date, write_date)
VALUES (%(name)s, %(hostname)s, %(pid)s, %(version)s, %(concurrency)s,
        clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC',
        clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC')
RETURNING id

-- name: hold_worker_lock
-- The session lock that says "this worker lives": PostgreSQL drops it with the session.
SELECT pg_advisory_lock(%(lock_class)s, %(worker_id)s)

-- name: heartbeat
-- No row comes back when another worker declared this one dead.
UPDATE queue_worker
   SET heartbeat = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(worker_id)s
RETURNING id

-- name: unregister_worker
DELETE FROM queue_worker WHERE id = %(worker_id)s

-- name: dead_workers
-- Workers that hold no session lock. A worker takes its lock in the transaction that
-- inserts its row, so no living worker is ever seen without one.
SELECT worker.id, worker.name
  FROM queue_worker worker
 WHERE NOT EXISTS (
    SELECT 1
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = %(lock_class)s AND objid = worker.id
)

-- name: lock_orphans
-- Started jobs that nobody runs: those of the given dead workers and those without a worker.
-- Lock: SKIP LOCKED, a job whose row is locked is just being finished by its executor.
-- Index: queue_job_started_index.
SELECT id, claim_token, uuid, COALESCE(attempts, 0) AS attempts, max_retries, worker_name
  FROM queue_job
 WHERE state = 'started' AND (worker_id IS NULL OR worker_id = ANY(%(worker_ids)s))
   FOR UPDATE SKIP LOCKED
