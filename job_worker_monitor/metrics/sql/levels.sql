-- How full the queue is, and who works on it.

-- name: live_levels
-- Jobs that have not ended, by channel and company, the age of the oldest that could run, and how many
-- have been able to since before %(aged_before)s. Exact.
-- It jumps from each pair of channel and company to the next, and counts each by itself: what is left to do for a row
-- is to compare state and scheduled. A GROUP BY of all the rows takes five times as long.
-- Index: queue_job_monitor_live_index alone, once autovacuum has been there.
WITH RECURSIVE part AS (
    (SELECT channel, company_id FROM queue_job
      WHERE state IN ('waiting', 'pending', 'started')
      ORDER BY channel, company_id LIMIT 1)
 UNION ALL
    SELECT following.channel, following.company_id
      FROM part
     CROSS JOIN LATERAL (
        (SELECT channel, company_id, 1 AS place FROM queue_job
          WHERE state IN ('waiting', 'pending', 'started') AND channel = part.channel AND company_id > part.company_id
          ORDER BY channel, company_id LIMIT 1)
     UNION ALL
        (SELECT channel, company_id, 2 FROM queue_job
          WHERE state IN ('waiting', 'pending', 'started') AND channel = part.channel AND company_id IS NULL
            AND part.company_id IS NOT NULL LIMIT 1)
     UNION ALL
        (SELECT channel, company_id, 3 FROM queue_job
          WHERE state IN ('waiting', 'pending', 'started') AND channel > part.channel
          ORDER BY channel, company_id LIMIT 1)
        ORDER BY place LIMIT 1
     ) following
), counted AS (
    SELECT part.channel, part.company_id, level.*
      FROM part
     CROSS JOIN LATERAL (
        SELECT state, scheduled, count(*) AS count, min(COALESCE(scheduled_at, create_date)) AS oldest,
               count(*) FILTER (WHERE COALESCE(scheduled_at, create_date) < %(aged_before)s::timestamp) AS aged
          FROM queue_job
         WHERE state IN ('waiting', 'pending', 'started') AND channel = part.channel AND company_id = part.company_id
         GROUP BY state, scheduled
     UNION ALL
        SELECT state, scheduled, count(*), min(COALESCE(scheduled_at, create_date)),
               count(*) FILTER (WHERE COALESCE(scheduled_at, create_date) < %(aged_before)s::timestamp)
          FROM queue_job
         WHERE state IN ('waiting', 'pending', 'started') AND channel = part.channel AND company_id IS NULL
           AND part.company_id IS NULL
         GROUP BY state, scheduled
     ) level
)
SELECT channel, company_id,
       COALESCE(sum(count) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE), 0)::bigint AS ready,
       COALESCE(sum(count) FILTER (WHERE state = 'pending' AND scheduled), 0)::bigint AS scheduled,
       COALESCE(sum(count) FILTER (WHERE state = 'waiting'), 0)::bigint AS waiting,
       COALESCE(sum(count) FILTER (WHERE state = 'started'), 0)::bigint AS started,
       COALESCE(EXTRACT(EPOCH FROM %(now)s::timestamp - min(oldest) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE)),
                0)::float8 AS oldest,
       COALESCE(sum(aged) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE), 0)::bigint AS aged
  FROM counted
 GROUP BY channel, company_id

-- name: live_workers
-- The workers that are registered. One is alive when it has given a sign of life within %(stale_after)s seconds, and
-- holds its session lock if it has one: PostgreSQL drops the lock of a dead process, a hung host keeps it.
SELECT worker.id, worker.name, worker.hostname, worker.pid, worker.version, worker.concurrency, worker.channels,
       worker.status, worker.started_at, worker.heartbeat,
       COALESCE(worker.heartbeat >= %(now)s::timestamp - %(stale_after)s * interval '1 second', FALSE)
       AND (worker.session_lock IS FALSE OR EXISTS (
           SELECT 1 FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 2 AND granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND classid = %(lock_class)s AND objid = worker.id
       )) AS alive
  FROM queue_worker worker
 ORDER BY worker.id

-- name: fold_levels
-- Add up levels to rows of %(resolution)s: averages are sums divided by samples. The latest sampling of a minute
-- replaces an earlier one, so a sum may fall here.
INSERT INTO queue_metric_level (
           resolution, period, channel, company_id, samples, ready, ready_max, scheduled, waiting,
           started, started_max, oldest_max, workers, workers_min, capacity)
SELECT %(resolution)s, date_trunc(%(resolution)s, period), channel, company_id, sum(samples),
       sum(ready), max(ready_max), sum(scheduled), sum(waiting), sum(started), max(started_max), max(oldest_max),
       sum(workers), min(workers_min), sum(capacity)
  FROM queue_metric_level
 WHERE resolution = %(part)s AND period >= %(start)s AND period < %(end)s
 GROUP BY 2, channel, company_id
    ON CONFLICT (resolution, period, channel, (COALESCE(company_id, 0))) DO UPDATE
   SET samples = excluded.samples, ready = excluded.ready, ready_max = excluded.ready_max,
       scheduled = excluded.scheduled, waiting = excluded.waiting, started = excluded.started,
       started_max = excluded.started_max, oldest_max = excluded.oldest_max,
       workers = excluded.workers, workers_min = excluded.workers_min, capacity = excluded.capacity
