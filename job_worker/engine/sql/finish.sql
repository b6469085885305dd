-- The ends of attempts, each guarded by the claim.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: finish_job
-- The last statement of a job's own transaction. When the claim was lost it fails (22012, division by zero), so
-- that the server leaves out what follows in the same message: a COMMIT, or the end of a savepoint.
-- The claim set started_at, perhaps for a job that was prefetched: the executor knows better.
-- Index: primary key.
WITH ended AS (
    UPDATE queue_job
       SET state = 'done',
           attempts = COALESCE(attempts, 0) + 1,
           started_at = clock_timestamp() AT TIME ZONE 'UTC' - %(seconds)s * interval '1 second',
           completed_at = clock_timestamp() AT TIME ZONE 'UTC',
           duration = %(seconds)s,
           duration_bucket = width_bucket(%(seconds)s::float8, ARRAY[0.1, 1, 10, 60, 600]::float8[])::text,
           result = %(result)s,
           missing_since = NULL,
           exc_name = NULL, exc_message = NULL, exc_info = NULL,
           worker_id = NULL,
           write_date = clock_timestamp() AT TIME ZONE 'UTC'
     WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
    RETURNING id
)
SELECT 1 / count(*) FROM ended

-- name: check_claim
SELECT id FROM queue_job WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s

-- name: fail_job
-- Record a failed attempt as final, by the holder of the claim, with a row of its own.
-- A job that was set started by hand has no token; the rescuer takes it as it is.
-- %(seconds)s is how long the attempt took; NULL where nobody knows, then since the claim.
WITH spent AS (
    SELECT COALESCE(%(seconds)s, EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at))::float8 AS seconds
      FROM queue_job
     WHERE id = %(id)s
), ended AS (
    UPDATE queue_job
       SET state = 'failed',
           attempts = COALESCE(attempts, 0) + 1,
           crashes = COALESCE(crashes, 0) + %(crashed)s::int,
           completed_at = clock_timestamp() AT TIME ZONE 'UTC',
           started_at = clock_timestamp() AT TIME ZONE 'UTC' - spent.seconds * interval '1 second',
           duration = spent.seconds,
           duration_bucket = width_bucket(spent.seconds, ARRAY[0.1, 1, 10, 60, 600]::float8[])::text,
           exc_name = %(exc_name)s, exc_message = %(exc_message)s, exc_info = %(exc_info)s,
           worker_id = NULL,
           write_date = clock_timestamp() AT TIME ZONE 'UTC'
      FROM spent
     WHERE id = %(id)s AND state = 'started' AND claim_token IS NOT DISTINCT FROM %(claim_token)s
    RETURNING id, attempts, worker_name, started_at, duration, exc_name, exc_message, exc_info
)
INSERT INTO queue_job_attempt (job_id, number, worker_name, started_at, duration, exc_name, exc_message, exc_info)
SELECT * FROM ended
RETURNING job_id

-- name: retry_job
-- Record a failed attempt, with a row of its own, and schedule the next one, by the holder of the claim.
-- %(counted)s is false for an attempt that must not count against max_retries;
-- %(seconds)s as in fail_job, %(delay)s is the wait in seconds.
WITH spent AS (
    SELECT COALESCE(%(seconds)s, EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at))::float8 AS seconds
      FROM queue_job
     WHERE id = %(id)s
), ended AS (
    UPDATE queue_job
       SET state = 'pending',
           attempts = COALESCE(attempts, 0) + %(counted)s::int,
           crashes = COALESCE(crashes, 0) + %(crashed)s::int,
           scheduled = %(delay)s > 0,
           scheduled_at = (clock_timestamp() + %(delay)s * interval '1 second') AT TIME ZONE 'UTC',
           started_at = clock_timestamp() AT TIME ZONE 'UTC' - spent.seconds * interval '1 second',
           duration = spent.seconds,
           exc_name = %(exc_name)s, exc_message = %(exc_message)s, exc_info = %(exc_info)s,
           worker_id = NULL,
           write_date = clock_timestamp() AT TIME ZONE 'UTC'
      FROM spent
     WHERE id = %(id)s AND state = 'started' AND claim_token IS NOT DISTINCT FROM %(claim_token)s
    RETURNING id, attempts, worker_name, started_at, duration, exc_name, exc_message, exc_info
)
INSERT INTO queue_job_attempt (job_id, number, worker_name, started_at, duration, exc_name, exc_message, exc_info)
SELECT * FROM ended
RETURNING job_id

-- name: release_jobs
-- Give claimed jobs back as if they had never been taken: nothing is charged.
-- %(ids)s and %(claim_tokens)s belong together, element by element.
UPDATE queue_job job
   SET state = 'pending',
       worker_id = NULL,
       started_at = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
  FROM unnest(%(ids)s::bigint[], %(claim_tokens)s::bigint[]) AS claim (id, token)
 WHERE job.id = claim.id AND job.state = 'started' AND job.claim_token = claim.token
RETURNING job.id

-- name: postpone_job
-- Give a job back whose model or method isn't there yet, to be tried in %(delay)s seconds, uncharged;
-- no row when it has waited for %(patience)s seconds already, or when the claim was lost.
UPDATE queue_job
   SET state = 'pending',
       worker_id = NULL,
       started_at = NULL,
       scheduled = TRUE,
       scheduled_at = (clock_timestamp() + %(delay)s * interval '1 second') AT TIME ZONE 'UTC',
       missing_since = COALESCE(missing_since, clock_timestamp() AT TIME ZONE 'UTC'),
       exc_name = %(exc_name)s, exc_message = %(exc_message)s,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
   AND (missing_since IS NULL
        OR missing_since > clock_timestamp() AT TIME ZONE 'UTC' - %(patience)s * interval '1 second')
RETURNING id

-- name: cancel_started_job
-- Record that a running job was cancelled, by the holder of its claim; the request is fulfilled.
WITH request AS (
    DELETE FROM queue_job_cancellation WHERE job_id = %(id)s RETURNING message
)
UPDATE queue_job
   SET state = 'cancelled',
       attempts = COALESCE(attempts, 0) + 1,
       cancelled_at = clock_timestamp() AT TIME ZONE 'UTC',
       started_at = COALESCE(clock_timestamp() AT TIME ZONE 'UTC' - %(seconds)s * interval '1 second', started_at),
       duration = COALESCE(%(seconds)s, EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'UTC' - started_at)),
       exc_name = 'Cancelled',
       exc_message = COALESCE((SELECT max(message) FROM request), exc_message),
       exc_info = NULL,
       worker_id = NULL,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
RETURNING id
