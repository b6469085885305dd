-- From ready to started, and from scheduled to ready.
-- Ready jobs are found by queue_job_ready_index, one part per channel, in the order of priority,
-- due time and id. A job with a concurrency key is in it only while it is the first of its key.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: look_for_jobs
-- The first ready job of each channel, by walking the index from channel to channel; and whether there are
-- limits, and what ready jobs with keys there are: unplaced is NULL for none, true if one has no place yet.
-- The size of the table in bytes tells when plans should be made anew.
-- Locks: none. Indexes: queue_job_ready_index, a probe per channel; queue_job_key_turn_index, one entry.
WITH RECURSIVE head AS (
    (SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
       FROM queue_job
      WHERE state = 'pending' AND scheduled IS NOT TRUE AND key_place IS NULL
      ORDER BY channel, priority, due_at, id
      LIMIT 1)
     UNION ALL
    SELECT next.*
      FROM head
     CROSS JOIN LATERAL (
        SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
          FROM queue_job
         WHERE channel > head.channel AND state = 'pending' AND scheduled IS NOT TRUE AND key_place IS NULL
         ORDER BY channel, priority, due_at, id
         LIMIT 1
    ) next
)
SELECT (SELECT json_agg(head) FROM head) AS heads,
       EXISTS (SELECT 1 FROM queue_limit) AS limited,
       (SELECT key_place IS NOT NULL
          FROM queue_job
         WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
           AND key_place IS DISTINCT FROM 'behind'
         ORDER BY key_place
         LIMIT 1) AS unplaced,
       pg_relation_size('queue_job') AS size

-- name: look_from_heads
-- As look_for_jobs, for channels of which the first job is known from the last time: nothing before it
-- is looked at. A snapshot held open keeps the entries of jobs alive that were claimed since.
SELECT (SELECT json_agg(next)
          FROM unnest(%(channels)s::text[], %(priorities)s::int[], %(due_ats)s::timestamp[], %(ids)s::int[])
               AS head (channel, priority, due_at, id)
         CROSS JOIN LATERAL (
            SELECT channel, priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
              FROM queue_job
             WHERE channel = head.channel AND state = 'pending' AND scheduled IS NOT TRUE AND key_place IS NULL
               AND (priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
                   >= (head.priority, head.due_at, head.id)
             ORDER BY channel, priority, due_at, id
             LIMIT 1
        ) next) AS heads,
       EXISTS (SELECT 1 FROM queue_limit) AS limited,
       (SELECT key_place IS NOT NULL
          FROM queue_job
         WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL
           AND key_place IS DISTINCT FROM 'behind'
         ORDER BY key_place
         LIMIT 1) AS unplaced,
       pg_relation_size('queue_job') AS size

-- name: claim_jobs
-- Take up to %(count)s jobs for a worker, best first: either the best of the %(channels)s, from their
-- heads on, which have neither limits nor keys, or the %(picked)s ones in this order.
-- Nothing is taken while modules are changing: the code that runs jobs is not the one they need.
-- Tokens ascend in the order of the jobs: a rescuer tells by them which ones had been handed out. Up to %(line)s
-- plain jobs, and no more than leaves all %(executors)s a part, stand in one line: one executor runs them one after
-- the other. Plain is what has no clock, slot or batch of its own, for which others would wait.
-- Locks: only what is taken is locked, so that claimers at the same time miss nothing; SKIP LOCKED lets
-- them pass each other's rows; %(window)s leaves them some. A row that another claimer has just taken
-- is read anew and left out. Of two jobs with one key the unique index of running keys refuses one.
-- Indexes: queue_job_ready_index gives the order, so %(window)s must be a literal, also where the statement is
-- prepared; a limit the planner can't see makes it sort the whole backlog. Each candidate is then locked by
-- the primary key: LATERAL with its LIMIT can't become a join with the backlog, and the condition on
-- key_place is one that the ready index doesn't have.
WITH candidate AS MATERIALIZED (
    SELECT job.*
      FROM unnest(%(channels)s::text[], %(priorities)s::int[], %(due_ats)s::timestamp[], %(ids)s::int[])
           AS head (channel, priority, due_at, id)
     CROSS JOIN LATERAL (
        SELECT priority, COALESCE(scheduled_at, create_date, '-infinity') AS due_at, id
          FROM queue_job
         WHERE channel = head.channel AND state = 'pending' AND scheduled IS NOT TRUE AND key_place IS NULL
           AND concurrency_key IS NULL
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
    SELECT job.id, job.plain, wanted.position
      FROM wanted
     CROSS JOIN LATERAL (
        SELECT id, concurrency_key IS NULL AND COALESCE(timeout, 0) = 0 AND COALESCE(batch_size, 1) = 1
                   AND channel <> ALL(%(limited)s::text[]) AS plain
          FROM queue_job
         WHERE id = wanted.id AND state = 'pending' AND scheduled IS NOT TRUE AND COALESCE(key_place, '') = ''
         LIMIT 1
           FOR NO KEY UPDATE SKIP LOCKED
    ) job
     WHERE NOT EXISTS (SELECT 1 FROM ir_module_module WHERE state LIKE 'to %%')
     LIMIT %(count)s
), numbered AS MATERIALIZED (
    SELECT id, plain, position, nextval('queue_job_claim_token_seq') AS claim_token
      FROM (SELECT id, plain, position FROM locked ORDER BY position) ordered
), lined AS MATERIALIZED (
    SELECT id, claim_token,
           CASE WHEN plain THEN min(claim_token) OVER (PARTITION BY plain, number / length) ELSE claim_token END AS line_token
      FROM (
        SELECT id, plain, claim_token, row_number() OVER (ORDER BY position) - 1 AS number,
               GREATEST(LEAST(%(line)s, count(*) OVER () / %(executors)s), 1) AS length
          FROM numbered
    ) counted
)
UPDATE queue_job job
   SET state = 'started',
       worker_id = %(worker_id)s,
       worker_name = %(worker_name)s,
       claim_token = lined.claim_token,
       line_token = lined.line_token,
       started_at = clock_timestamp() AT TIME ZONE 'UTC',
       write_date = clock_timestamp() AT TIME ZONE 'UTC'
  FROM lined
 WHERE job.id = lined.id
RETURNING job.id, job.claim_token, job.line_token, job.uuid, job.model_name, job.method_name, job.payload, job.user_id,
          job.company_id, job.channel, COALESCE(job.attempts, 0) AS attempts, job.max_retries,
          COALESCE(job.timeout, 0) AS timeout, job.retry_pattern, COALESCE(job.crashes, 0) AS crashes,
          EXISTS (
              SELECT 1 FROM queue_job_dependency WHERE depends_on_id = job.id AND NOT released
          ) AS has_dependents,
          job.concurrency_key, job.channel = ANY(%(limited)s::text[]) AS limited,
          COALESCE(job.batch_size, 1) AS batch_size

-- name: lock_limits
-- Reserve limits for this claim: whoever holds the row counts and claims under it, alone.
-- Lock: SKIP LOCKED, another worker claims there now, or a person edits it. The row is never updated,
-- so a person's edit in REPEATABLE READ doesn't conflict with it.
SELECT id FROM queue_limit WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE SKIP LOCKED

-- name: read_limits
-- All limits, what runs, and the last claim token that was given out. Under the locks of lock_limits its
-- snapshot is younger than they are, so that it sees all that was claimed under them before.
-- What runs: in each of the %(channels)s from the claim token on that is known of it, and up to the next one,
-- so that channels in between are counted too; and those of the %(ids)s that still run under their
-- %(claim_tokens)s. Nothing before a known token is looked at: see running.py.
-- Indexes: queue_job_running_index, the primary key. The LIMITs are there for the planner, which must not join
-- before it has narrowed the index down.
WITH known AS MATERIALIZED (
    SELECT channel, token, lead(channel) OVER (ORDER BY channel) AS next
      FROM unnest(%(channels)s::varchar[], %(tokens)s::bigint[]) AS known (channel, token)
), running AS (
    SELECT job.*
      FROM known
     CROSS JOIN LATERAL (
        SELECT id, channel, claim_token
          FROM queue_job
         WHERE state = 'started' AND (channel, claim_token) > (known.channel, known.token) AND channel < known.next
         ORDER BY channel, claim_token
         LIMIT 100000
    ) job
     UNION ALL
    SELECT job.*
      FROM known
     CROSS JOIN LATERAL (
        SELECT id, channel, claim_token
          FROM queue_job
         WHERE state = 'started' AND (channel, claim_token) > (known.channel, known.token)
         ORDER BY channel, claim_token
         LIMIT 100000
    ) job
     WHERE known.next IS NULL
     UNION ALL
    SELECT job.id, job.channel, job.claim_token
      FROM unnest(%(ids)s::int[], %(claim_tokens)s::bigint[]) AS seen (id, token)
     CROSS JOIN LATERAL (
        SELECT id, channel, claim_token, state FROM queue_job WHERE id = seen.id LIMIT 1
    ) job
     WHERE job.state = 'started' AND job.claim_token = seen.token
)
SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now,
       (SELECT json_agg(entry)
          FROM (
            SELECT id, name, "limit", rate_limit, burst, paused,
                   CASE WHEN rate_limit > 0
                        THEN pg_sequence_last_value(to_regclass('queue_limit_rate_' || id)) END AS tat
              FROM queue_limit
        ) entry) AS limits,
       (SELECT json_agg(json_build_array(id, channel, claim_token)) FROM running) AS running,
       (SELECT last_value FROM queue_job_claim_token_seq) AS last_token

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
       AND key_place IS NULL
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
    CASE WHEN tat BETWEEN now AND now + %(span)s::bigint THEN tat ELSE now END + %(starts)s::bigint * %(interval)s
)
  FROM (
    SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now,
           COALESCE(pg_sequence_last_value(%(sequence)s::regclass), 0) AS tat
) state

-- name: create_rate_state
-- The state of a rate, made at the first start; it goes with the table, and with its limit.
CREATE SEQUENCE IF NOT EXISTS {sequence} AS bigint OWNED BY queue_limit.id

-- name: served_channels
-- What the workers serve, of those that have shown a sign of life within %(stale_after)s seconds.
SELECT channels
  FROM queue_worker
 WHERE heartbeat >= clock_timestamp() AT TIME ZONE 'UTC' - %(stale_after)s * interval '1 second'

-- name: promote_due_jobs
-- Move jobs whose time has come, from %(floor)s on, into the ready index; those with a key take their place in it anew.
-- Lock: advisory, one promoter at a time; SKIP LOCKED passes what a person is just changing.
-- Index: queue_job_scheduled_index.
UPDATE queue_job
   SET scheduled = FALSE,
       key_place = CASE WHEN concurrency_key IS NOT NULL THEN 'new' END
 WHERE id IN (
    SELECT id
      FROM queue_job
     WHERE state = 'pending' AND scheduled AND scheduled_at <= clock_timestamp() AT TIME ZONE 'UTC'
       AND scheduled_at >= %(floor)s
       AND (SELECT pg_try_advisory_xact_lock(%(lock_class)s, 0))
     ORDER BY scheduled_at
     LIMIT 1000
       FOR UPDATE SKIP LOCKED
)
RETURNING key_place, channel, priority, to_json(COALESCE(scheduled_at, create_date, '-infinity')) #>> '{}' AS due_at, id

-- name: next_due
-- When the first scheduled job is due, from %(floor)s on, and in how many seconds; no row when there is none.
-- Index: queue_job_scheduled_index, one entry.
SELECT scheduled_at::text, EXTRACT(EPOCH FROM scheduled_at - clock_timestamp() AT TIME ZONE 'UTC')::float8
  FROM queue_job
 WHERE state = 'pending' AND scheduled AND scheduled_at >= %(floor)s
 ORDER BY scheduled_at
 LIMIT 1

-- name: lead_notifiers
-- Whether this process notifies for the others too; those who find the lock held needn't.
-- Lock: advisory, to the end of the transaction, which is also when the notification is sent.
SELECT pg_try_advisory_xact_lock(%(lock_class)s, hashtext(%(channel)s))
