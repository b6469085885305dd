-- Concurrency keys: which ready job of a key is the first.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

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
-- Indexes: queue_job_key_order_index, queue_job_key_running, queue_job_key_turn_index; the primary key, for an
-- array instead of a join, which would read the whole table.
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
   SET key_place = CASE WHEN id IN (SELECT id FROM best) THEN NULL ELSE 'behind' END
 WHERE id = ANY(ARRAY(SELECT id FROM best UNION ALL SELECT id FROM other))
   AND key_place IS DISTINCT FROM CASE WHEN id IN (SELECT id FROM best) THEN NULL ELSE 'behind' END
RETURNING key_place, channel, priority,
          to_json(COALESCE(scheduled_at, create_date, '-infinity')) #>> '{}' AS due_at, id

-- name: avoid_sorts
-- Before stalled_keys, in its transaction: with statistics from before a backlog the planner would read
-- that by any other index on live jobs, and sort it.
SELECT set_config('enable_sort', 'off', TRUE)

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
