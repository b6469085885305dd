-- Every statement of the engine. Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- Ready jobs are found by queue_job_ready_index, one part per channel, in the order of priority,
-- due time and id. A job with a concurrency key is in it only while it is the first of its key.

-- name: look_for_jobs
-- The first ready job of each channel (heads), all limits, what runs while there are limits, and
-- whether keyed jobs are ready (keyed), keyed jobs have no place yet (unplaced), modules are changing.
-- %(everywhere)s walks the index from channel to channel. Else only the given channels are looked at,
-- from where their first job was last time: a snapshot held open keeps the entries of claimed jobs alive.
-- Locks: none. Indexes: queue_job_ready_index, a probe per channel; queue_job_running_index;
-- queue_job_key_turn_index.
WITH RECURSIVE head AS (
    (SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
       FROM queue_job
      WHERE %(everywhere)s AND state = 'pending' AND scheduled IS NOT TRUE AND COALESCE(key_place, 'first') = 'first'
      ORDER BY channel, priority, due_at, id
      LIMIT 1)
     UNION ALL
    SELECT next.*
      FROM head
     CROSS JOIN LATERAL (
        SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
          FROM queue_job
         WHERE channel > head.channel AND state = 'pending' AND scheduled IS NOT TRUE
           AND COALESCE(key_place, 'first') = 'first'
         ORDER BY channel, priority, due_at, id
         LIMIT 1
    ) next
), known AS (
    SELECT next.*
      FROM unnest(%(channels)s::text[], %(priorities)s::int[], %(due_ats)s::timestamp[], %(ids)s::int[])
           AS mark (channel, priority, due_at, id)
     CROSS JOIN LATERAL (
        SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
          FROM queue_job
         WHERE channel = mark.channel AND state = 'pending' AND scheduled IS NOT TRUE
           AND COALESCE(key_place, 'first') = 'first'
           AND (priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
               >= (mark.priority, mark.due_at, mark.id)
         ORDER BY channel, priority, due_at, id
         LIMIT 1
    ) next
)
SELECT (SELECT json_agg(first) FROM (SELECT * FROM head UNION ALL SELECT * FROM known) first) AS heads,
       limits.*,
       EXISTS (
           SELECT 1 FROM queue_job
            WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
              AND key_place IS DISTINCT FROM 'behind'
       ) AS keyed,
       EXISTS (
           SELECT 1 FROM queue_job
            WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
              AND key_place IS DISTINCT FROM 'behind' AND key_place = 'new'
       ) AS unplaced,
       EXISTS (SELECT 1 FROM ir_module_module WHERE state LIKE 'to %%') AS changing
  FROM (
    SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now,
           (SELECT json_agg(entry)
              FROM (
                SELECT id, name, "limit", rate_limit, burst, paused,
                       CASE WHEN rate_limit > 0
                            THEN pg_sequence_last_value(to_regclass('queue_limit_rate_' || id)) END AS tat
                  FROM queue_limit
            ) entry) AS limits,
           CASE WHEN EXISTS (SELECT 1 FROM queue_limit) THEN (
               SELECT json_object_agg(channel, count)
                 FROM (SELECT channel, count(*) FROM queue_job WHERE state = 'started' GROUP BY channel) channel
           ) END AS running
) limits

-- name: claim_jobs
-- Take up to %(count)s jobs for a worker, best first: either the best of the %(channels)s, from their
-- heads on, which have neither limits nor keys, or the %(picked)s ones in this order.
-- Nothing is taken while modules are changing: the code that runs jobs is not the one they need.
-- Tokens ascend in the order of the jobs: a rescuer tells by them which ones had been handed out.
-- Locks: only what is taken is locked, so that claimers at the same time miss nothing; SKIP LOCKED lets
-- them pass each other's rows; %(window)s leaves them some. A row that another claimer has just taken
-- is read anew and left out. Of two jobs with one key the unique index of running keys refuses one.
-- Index: queue_job_ready_index gives the order, so limits must be literals (psycopg2 interpolates
-- them); a limit the planner can't see makes it sort the whole backlog.
WITH candidate AS MATERIALIZED (
    SELECT job.*
      FROM unnest(%(channels)s::text[], %(priorities)s::int[], %(due_ats)s::timestamp[], %(ids)s::int[])
           AS head (channel, priority, due_at, id)
     CROSS JOIN LATERAL (
        SELECT priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
          FROM queue_job
         WHERE channel = head.channel AND state = 'pending' AND scheduled IS NOT TRUE
           AND COALESCE(key_place, 'first') = 'first' AND concurrency_key IS NULL
           AND (priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
               >= (head.priority, head.due_at, head.id)
         ORDER BY channel, priority, due_at, id
         LIMIT %(window)s
    ) job
     ORDER BY priority, due_at, id
     LIMIT %(window)s
), wanted AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY priority, due_at, id) AS position FROM candidate
     UNION ALL
    SELECT * FROM unnest(%(picked)s::int[]) WITH ORDINALITY
), locked AS MATERIALIZED (
    SELECT job.id, wanted.position
      FROM wanted
      JOIN queue_job job ON job.id = wanted.id
     WHERE job.state = 'pending' AND job.scheduled IS NOT TRUE AND COALESCE(job.key_place, 'first') = 'first'
       AND NOT EXISTS (SELECT 1 FROM ir_module_module WHERE state LIKE 'to %%')
     ORDER BY wanted.position
     LIMIT %(count)s
       FOR NO KEY UPDATE OF job SKIP LOCKED
), numbered AS MATERIALIZED (
    SELECT id, nextval('queue_job_claim_token_seq') AS claim_token
      FROM (SELECT id FROM locked ORDER BY position) ordered
)
UPDATE queue_job job
   SET state = 'started',
       worker_id = %(worker_id)s,
       worker_name = %(worker_name)s,
       claim_token = numbered.claim_token,
       started_at = clock_timestamp() AT TIME ZONE 'UTC',
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
  FROM numbered
 WHERE job.id = numbered.id
RETURNING job.id, job.claim_token, job.uuid, job.model_name, job.method_name, job.payload, job.user_id,
          job.company_id, job.channel, COALESCE(job.attempts, 0) AS attempts, job.max_retries,
          COALESCE(job.timeout, 0) AS timeout, job.retry_pattern, COALESCE(job.crashes, 0) AS crashes,
          EXISTS (
              SELECT 1 FROM queue_job_dependency WHERE depends_on_id = job.id AND NOT released
          ) AS has_dependents,
          job.concurrency_key, job.channel = ANY(%(limited)s::text[]) AS limited

-- name: lock_limits
-- Reserve limits for this claim: whoever holds the row counts and claims under it, alone.
-- Lock: SKIP LOCKED, another worker claims there now, or a person edits it. The row is never updated,
-- so a person's edit in REPEATABLE READ doesn't conflict with it.
SELECT id FROM queue_limit WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE SKIP LOCKED

-- name: read_limits
-- Limits and what runs, in a statement of its own: its snapshot is younger than the locks, so it
-- sees all that was claimed under them.
-- Index: queue_job_running_index.
SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now,
       (SELECT json_agg(entry)
          FROM (
            SELECT id, name, "limit", rate_limit, burst, paused,
                   CASE WHEN rate_limit > 0
                        THEN pg_sequence_last_value(to_regclass('queue_limit_rate_' || id)) END AS tat
              FROM queue_limit
        ) entry) AS limits,
       CASE WHEN EXISTS (SELECT 1 FROM queue_limit) THEN (
           SELECT json_object_agg(channel, count)
             FROM (SELECT channel, count(*) FROM queue_job WHERE state = 'started' GROUP BY channel) channel
       ) END AS running

-- name: list_candidates
-- The best ready jobs of each channel, from its head on; busy where a job of the same key runs.
-- Indexes: queue_job_ready_index, queue_job_key_running.
SELECT job.id, job.channel, job.priority, job.due_at, job.concurrency_key,
       job.concurrency_key IS NOT NULL AND EXISTS (
           SELECT 1 FROM queue_job running
            WHERE running.concurrency_key = job.concurrency_key AND running.state = 'started'
       ) AS busy
  FROM unnest(%(channels)s::text[], %(priorities)s::int[], %(due_ats)s::timestamp[], %(ids)s::int[])
       AS head (channel, priority, due_at, id)
 CROSS JOIN LATERAL (
    SELECT id, channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, concurrency_key
      FROM queue_job
     WHERE channel = head.channel AND state = 'pending' AND scheduled IS NOT TRUE
       AND COALESCE(key_place, 'first') = 'first'
       AND (priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
           >= (head.priority, head.due_at, head.id)
     ORDER BY channel, priority, due_at, id
     LIMIT %(window)s
) job

-- name: spend_rate
-- Count %(starts)s jobs against a rate: move its theoretical arrival time on.
-- The clock is read after the jobs were started, so that the rate holds for started_at as well.
-- A sequence, because it is written in place: a row would leave a dead version per claim. It is not
-- rolled back; what was counted in vain is a start too few. The row of the limit is locked meanwhile.
SELECT setval(
    %(sequence)s::regclass,
    GREATEST(
        clock.now,
        LEAST(COALESCE(pg_sequence_last_value(%(sequence)s::regclass), 0), clock.now + %(span)s::bigint)
    ) + %(starts)s::bigint * %(interval)s
)
  FROM (SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now) clock

-- name: create_rate_state
-- The state of a rate, made at the first start; it goes with the table, and with its limit.
CREATE SEQUENCE IF NOT EXISTS {sequence} AS bigint OWNED BY queue_limit.id

-- name: new_keys
-- Keys of jobs that have no place in their key yet: they have become ready since the last look.
-- Index: queue_job_key_turn_index.
SELECT DISTINCT concurrency_key
  FROM (
    SELECT concurrency_key
      FROM queue_job
     WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
       AND key_place IS DISTINCT FROM 'behind' AND key_place = 'new'
     LIMIT 2000
) job

-- name: lock_keys
-- Whoever gives places in a key is alone, and sees in the next statement what the one before did.
-- Lock: advisory, to the end of the transaction, in the order of the hashes against deadlocks.
SELECT pg_advisory_xact_lock(%(lock_class)s, hash)
  FROM (SELECT DISTINCT hashtext(name) AS hash FROM unnest(%(keys)s::text[]) name ORDER BY 1) key

-- name: place_keys
-- Put the best ready job of each key first, unless one of the key runs, and the others behind.
-- It may happen that two are first (a row was locked, a job was put back): the unique index of running
-- keys lets only one of them start. Nobody is first when a worker died in between: see stalled_keys.
-- Lock: SKIP LOCKED, a job that is locked is being claimed, or ended by a person.
-- Indexes: queue_job_key_order_index, queue_job_key_running, queue_job_key_turn_index.
WITH key AS MATERIALIZED (
    SELECT DISTINCT name FROM unnest(%(keys)s::text[]) name
), best AS MATERIALIZED (
    SELECT job.id
      FROM key
     CROSS JOIN LATERAL (
        SELECT id
          FROM queue_job
         WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
           AND concurrency_key = key.name
         ORDER BY priority, COALESCE(scheduled_at, create_date, '-infinity'), id
         LIMIT 1
           FOR NO KEY UPDATE SKIP LOCKED
    ) job
     WHERE NOT EXISTS (
        SELECT 1 FROM queue_job running WHERE running.concurrency_key = key.name AND running.state = 'started'
    )
), other AS MATERIALIZED (
    SELECT job.id
      FROM key
     CROSS JOIN LATERAL (
        SELECT id
          FROM queue_job
         WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
           AND key_place IS DISTINCT FROM 'behind' AND concurrency_key = key.name
           AND id NOT IN (SELECT id FROM best)
         LIMIT 5000
           FOR NO KEY UPDATE SKIP LOCKED
    ) job
)
UPDATE queue_job
   SET key_place = CASE WHEN id IN (SELECT id FROM best) THEN 'first' ELSE 'behind' END
 WHERE id IN (SELECT id FROM best UNION ALL SELECT id FROM other)
   AND key_place IS DISTINCT FROM CASE WHEN id IN (SELECT id FROM best) THEN 'first' ELSE 'behind' END
RETURNING key_place

-- name: stalled_keys
-- Keys of which ready jobs wait behind none: what a crash has left, or a person who ended the first.
-- Indexes: queue_job_key_order_index, a probe per key; queue_job_key_running, queue_job_key_turn_index.
WITH RECURSIVE key AS (
    (SELECT concurrency_key AS name
       FROM queue_job
      WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
      ORDER BY concurrency_key
      LIMIT 1)
     UNION ALL
    SELECT next.concurrency_key
      FROM key
     CROSS JOIN LATERAL (
        SELECT concurrency_key
          FROM queue_job
         WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
           AND concurrency_key > key.name
         ORDER BY concurrency_key
         LIMIT 1
    ) next
)
SELECT name
  FROM key
 WHERE NOT EXISTS (
       SELECT 1 FROM queue_job
        WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
          AND key_place IS DISTINCT FROM 'behind' AND concurrency_key = key.name
   )
   AND NOT EXISTS (SELECT 1 FROM queue_job WHERE state = 'started' AND concurrency_key = key.name)
 LIMIT 1000

-- name: served_channels
-- What the workers serve, of those that have shown a sign of life within %(stale_after)s seconds.
SELECT channels
  FROM queue_worker
 WHERE heartbeat >= clock_timestamp() AT TIME ZONE 'UTC' - %(stale_after)s * interval '1 second'

-- name: finish_job
-- The last statement of a job's own transaction. It changes no row when the claim was lost.
-- The claim set started_at, perhaps for a job that was prefetched: the executor knows better.
-- Index: primary key.
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

-- name: check_claim
SELECT id FROM queue_job WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s

-- name: fail_job
-- Record a failed attempt as final, by the holder of the claim, with a row of its own.
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
     WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
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
     WHERE id = %(id)s AND state = 'started' AND claim_token = %(claim_token)s
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

-- name: request_cancellation
-- Ask the workers to cancel running jobs: their rows belong to whoever runs them.
INSERT INTO queue_job_cancellation (job_id, message, requested_at)
SELECT id, %(message)s, now() AT TIME ZONE 'UTC'
  FROM queue_job
 WHERE id = ANY(%(ids)s) AND state = 'started'
    ON CONFLICT (job_id) DO NOTHING
RETURNING job_id

-- name: cancellations
-- Requests to cancel, with where their jobs stand: which are running on worker %(worker_id)s, and
-- which have left the running state before they could be stopped.
SELECT request.job_id, job.state, job.claim_token, request.message
  FROM queue_job_cancellation request
  JOIN queue_job job ON job.id = request.job_id
 WHERE job.state <> 'started' OR job.worker_id = %(worker_id)s

-- name: forget_cancellations
DELETE FROM queue_job_cancellation WHERE job_id = ANY(%(ids)s)

-- name: claims_of_worker
-- All that this worker has claimed and not ended, to be compared with what it knows of.
-- Index: queue_job_started_index.
SELECT id, claim_token FROM queue_job WHERE state = 'started' AND worker_id = %(worker_id)s

-- name: look_around
-- What a worker has to know once a second, in one statement: the version of the registry, the modules
-- that change just now, and whether there are requests to cancel or started jobs without a worker.
-- Indexes: the primary key of the signaling table, queue_job_started_index.
SELECT (SELECT max(id) FROM orm_signaling_registry),
       (SELECT array_agg(name::text ORDER BY name) FROM ir_module_module WHERE state LIKE 'to %%'),
       EXISTS (SELECT 1 FROM queue_job_cancellation),
       EXISTS (SELECT 1 FROM queue_job WHERE state = 'started' AND worker_id IS NULL)

-- name: promote_due_jobs
-- Move jobs whose time has come into the ready index; those with a key take their place in it anew.
-- Lock: advisory, one promoter at a time; SKIP LOCKED passes what a person is just changing.
-- Index: queue_job_scheduled_index.
UPDATE queue_job
   SET scheduled = FALSE,
       key_place = CASE WHEN concurrency_key IS NOT NULL THEN 'new' END
 WHERE id IN (
    SELECT id
      FROM queue_job
     WHERE state = 'pending' AND scheduled AND scheduled_at <= clock_timestamp() AT TIME ZONE 'UTC'
       AND (SELECT pg_try_advisory_xact_lock(%(lock_class)s, 0))
     ORDER BY scheduled_at
     LIMIT 1000
       FOR UPDATE SKIP LOCKED
)
RETURNING id

-- name: seconds_to_next_due
-- How long until the next scheduled job is due; NULL when there is none.
-- Index: queue_job_scheduled_index, one entry.
SELECT EXTRACT(EPOCH FROM min(scheduled_at) - clock_timestamp() AT TIME ZONE 'UTC')::float8
  FROM queue_job
 WHERE state = 'pending' AND scheduled

-- name: backend_pid
SELECT pg_backend_pid()

-- name: limit_session
SELECT set_config('statement_timeout', %(statement_timeout)s, FALSE), set_config('lock_timeout', %(lock_timeout)s, FALSE)

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

-- name: dead_workers
-- Workers that should hold a session lock and don't, and those that have shown no sign of life
-- for %(stale_after)s seconds: a hung host. A worker takes its lock in the transaction that
-- inserts its row, so no living worker is ever seen without one.
SELECT worker.id, worker.concurrency
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

-- name: lock_orphans
-- Started jobs that nobody runs: those of the given dead workers and those without a worker.
-- A worker hands its jobs out in the order of their tokens, so only the first of them, as many as it
-- has executors, can have been running: the others were prefetched. The rank is taken before rows are
-- skipped, and of the jobs as they were, so that a job which is just ending doesn't pass its place on.
-- Lock: SKIP LOCKED, a job whose row is locked is just being finished by its executor.
-- Index: queue_job_started_index.
WITH ranked AS (
    SELECT id, worker_id, row_number() OVER (PARTITION BY worker_id ORDER BY claim_token) AS place
      FROM queue_job
     WHERE state = 'started' AND (worker_id IS NULL OR worker_id = ANY(%(worker_ids)s))
)
SELECT job.id, job.claim_token, job.uuid, COALESCE(job.attempts, 0) AS attempts, job.max_retries, job.worker_name,
       job.retry_pattern, COALESCE(job.crashes, 0) AS crashes,
       ranked.worker_id IS NULL OR ranked.place <= worker.concurrency AS was_running
  FROM ranked
  JOIN queue_job job ON job.id = ranked.id
  LEFT JOIN queue_worker worker ON worker.id = ranked.worker_id
 WHERE job.state = 'started'
   FOR UPDATE OF job SKIP LOCKED

-- name: release_dependents
-- Pass the end of the jobs %(ids)s on to the jobs that wait for them, and return those that
-- changed: a release to pending, or a cascade (failed, cancelled) whose own dependents come next.
--
-- A waiting job has blockers: one per edge "when done", and one for all its edges "when failed"
-- together, of which the first to fire counts. error_sources are the latter that may still fire.
-- Exactly once: only the statement that sets an edge's released counts it.
-- Locks: edges and then dependents in the order of their ids, so that two releases of
-- neighbouring jobs can't deadlock; SKIP LOCKED, for an edge locked now is being released now.
-- Under READ COMMITTED a dependent that another release has just changed is read anew.
-- Index: queue_job_dependency_unreleased_index.
WITH locked_edge AS (
    SELECT edge.id
      FROM queue_job_dependency edge
      JOIN queue_job parent ON parent.id = edge.depends_on_id
     WHERE edge.depends_on_id = ANY(%(ids)s) AND NOT edge.released
       AND parent.state IN ('done', 'failed', 'cancelled')
     ORDER BY edge.id
       FOR NO KEY UPDATE OF edge SKIP LOCKED
), fired AS (
    UPDATE queue_job_dependency edge
       SET released = TRUE
      FROM locked_edge, queue_job parent
     WHERE edge.id = locked_edge.id AND parent.id = edge.depends_on_id
    RETURNING edge.job_id, edge.kind, parent.state, parent.uuid, parent.name
), effect AS (
    SELECT job_id,
           count(*) FILTER (WHERE kind = 'done' AND state = 'done') AS satisfied,
           bool_or(kind = 'done' AND state = 'failed') AS fails,
           bool_or(kind = 'done' AND state = 'cancelled') AS cancels,
           bool_or(kind = 'error' AND state = 'failed') AS error_fired,
           count(*) FILTER (WHERE kind = 'error' AND state <> 'failed') AS errors_missed,
           min(format('%%s (%%s)', name, uuid)) FILTER (WHERE kind = 'done' AND state <> 'done') AS culprit
      FROM fired
     GROUP BY job_id
), locked_job AS (
    SELECT job.id
      FROM queue_job job
     WHERE job.id IN (SELECT job_id FROM effect)
     ORDER BY job.id
       FOR NO KEY UPDATE
)
UPDATE queue_job job
   SET blockers = job.blockers - effect.satisfied
                - (effect.error_fired AND COALESCE(job.error_sources, 0) > 0)::int,
       error_sources = CASE WHEN effect.error_fired THEN 0
                            ELSE GREATEST(COALESCE(job.error_sources, 0) - effect.errors_missed, 0) END,
       state = CASE
           WHEN effect.fails THEN 'failed'
           WHEN effect.cancels THEN 'cancelled'
           WHEN NOT effect.error_fired AND effect.errors_missed > 0
                AND job.error_sources = effect.errors_missed THEN 'cancelled'
           WHEN job.blockers - effect.satisfied
                - (effect.error_fired AND COALESCE(job.error_sources, 0) > 0)::int <= 0 THEN 'pending'
           ELSE 'waiting' END,
       scheduled = COALESCE(job.scheduled_at > clock_timestamp() AT TIME ZONE 'UTC', FALSE),
       -- requeue_jobs knows by these names what a cascade has ended.
       exc_name = CASE WHEN effect.fails THEN 'DependencyFailed'
                       WHEN effect.cancels THEN 'DependencyCancelled'
                       WHEN effect.errors_missed > 0 THEN 'NotNeeded' END,
       exc_message = CASE WHEN effect.fails THEN 'A job that this one depends on failed: ' || effect.culprit
                          WHEN effect.cancels THEN 'A job that this one depends on was cancelled: ' || effect.culprit
                     END,
       completed_at = CASE WHEN effect.fails THEN clock_timestamp() AT TIME ZONE 'UTC' END,
       cancelled_at = CASE WHEN NOT effect.fails AND (effect.cancels OR effect.errors_missed > 0)
                           THEN clock_timestamp() AT TIME ZONE 'UTC' END,
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
  FROM effect
  JOIN locked_job ON locked_job.id = effect.job_id
 WHERE job.id = effect.job_id AND job.state = 'waiting'
RETURNING job.id, job.state

-- name: unreleased_parents
-- Ended jobs whose end was not passed on: what a crash, or an edge added late, has left.
-- Index: queue_job_dependency_unreleased_index holds only edges that are still to fire.
SELECT DISTINCT edge.depends_on_id
  FROM queue_job_dependency edge
  JOIN queue_job parent ON parent.id = edge.depends_on_id
 WHERE NOT edge.released AND parent.state IN ('done', 'failed', 'cancelled')
 ORDER BY 1
 LIMIT 1000

-- name: end_jobs
-- End jobs that nobody runs, by a person: to done, failed or cancelled.
-- A started job belongs to its executor; a job that is in the state already stays as it is.
UPDATE queue_job
   SET state = %(state)s,
       exc_name = CASE WHEN %(state)s = 'failed' THEN 'SetByUser' END,
       exc_message = CASE WHEN %(state)s = 'failed' THEN %(message)s END,
       exc_info = CASE WHEN %(state)s = 'failed' THEN exc_info END,
       completed_at = CASE WHEN %(state)s <> 'cancelled' THEN now() AT TIME ZONE 'UTC' END,
       cancelled_at = CASE WHEN %(state)s = 'cancelled' THEN now() AT TIME ZONE 'UTC' END,
       scheduled = FALSE,
       write_uid = %(uid)s,
       write_date = now() AT TIME ZONE 'UTC'
 WHERE id = ANY(%(ids)s) AND state = ANY(%(from_states)s)
RETURNING id

-- name: requeue_jobs
-- Put ended jobs back, with all that a cascade had ended because of them. With
-- %(include_roots)s false only the latter: the roots have been set done.
-- A reset job waits for those of its edges that have yet to fire, or to fire again.
-- Index: queue_job_dependency's on depends_on_id and job_id.
WITH RECURSIVE touched AS (
    SELECT id
      FROM queue_job
     WHERE id = ANY(%(ids)s) AND (NOT %(include_roots)s OR state IN ('failed', 'cancelled'))
     UNION
    SELECT child.id
      FROM touched
      JOIN queue_job_dependency edge ON edge.depends_on_id = touched.id
      JOIN queue_job child ON child.id = edge.job_id
     WHERE CASE edge.kind
               WHEN 'done' THEN child.state IN ('failed', 'cancelled')
                                AND child.exc_name IN ('DependencyFailed', 'DependencyCancelled')
               -- an error callback that has not run: its occasion is gone, or comes again
               ELSE child.state = 'pending' OR (child.state = 'cancelled' AND child.exc_name = 'NotNeeded')
           END
), reset AS (
    SELECT id FROM touched WHERE %(include_roots)s OR id <> ALL(%(ids)s)
), rearmed AS (
    UPDATE queue_job_dependency edge
       SET released = FALSE
      FROM queue_job parent
     WHERE edge.job_id IN (SELECT id FROM reset) AND parent.id = edge.depends_on_id
       AND (parent.id IN (SELECT id FROM reset)
            OR NOT edge.released
            OR parent.state = 'failed'
            OR (parent.state = 'cancelled' AND edge.kind = 'done'))
    RETURNING edge.job_id, edge.kind
), armed AS (
    SELECT reset.id,
           count(rearmed.kind) FILTER (WHERE rearmed.kind = 'done') AS done_edges,
           count(rearmed.kind) FILTER (WHERE rearmed.kind = 'error') AS error_edges
      FROM reset
      LEFT JOIN rearmed ON rearmed.job_id = reset.id
     GROUP BY reset.id
)
UPDATE queue_job job
   SET state = CASE WHEN armed.done_edges + armed.error_edges > 0 THEN 'waiting' ELSE 'pending' END,
       blockers = armed.done_edges + (armed.error_edges > 0)::int,
       error_sources = armed.error_edges,
       attempts = 0, crashes = 0, missing_since = NULL,
       scheduled = FALSE, scheduled_at = NULL,
       started_at = NULL, completed_at = NULL, cancelled_at = NULL,
       duration = NULL, duration_bucket = NULL, result = NULL, worker_name = NULL,
       exc_name = NULL, exc_message = NULL, exc_info = NULL,
       write_uid = %(uid)s,
       write_date = now() AT TIME ZONE 'UTC'
  FROM armed
 WHERE job.id = armed.id
RETURNING job.id

-- name: dependencies_of
-- The jobs that %(ids)s wait for and that have ended: their end is to be passed on again.
SELECT DISTINCT depends_on_id FROM queue_job_dependency WHERE job_id = ANY(%(ids)s) AND NOT released
