-- Statements that collect and merge metrics. Times are UTC without time zone, as Odoo stores them.
-- None of them scans queue_job: ended jobs are found by queue_job_retention_index, live ones by
-- queue_job_monitor_live_index, failed attempts by queue_job_attempt_monitor_ended_index.

-- name: collect_minutes
-- Count what has ended from %(start)s on, by minute, and store those minutes.
-- Idempotent: minutes are counted as a whole, so counting them again gives the same. A count never falls, for a
-- failed job that is requeued has failed all the same: the larger of the two counts stays.
-- A wait is from when a job could run (enqueued, due, what it depends on ended) to the start of its last attempt.
-- Index: queue_job_retention_index, queue_job_attempt_monitor_ended_index.
WITH ended AS (
    SELECT COALESCE(completed_at, cancelled_at, write_date) AS ended_at, channel, model_name, method_name, company_id,
           state AS outcome,
           -- What a person or a cascade has ended did not end by an attempt: it has no duration of its own.
           CASE WHEN abs(EXTRACT(EPOCH FROM completed_at - started_at) - duration) < 0.01 THEN duration END AS duration,
           GREATEST(
               EXTRACT(EPOCH FROM started_at - GREATEST(create_date, scheduled_at, CASE WHEN graph_uuid IS NOT NULL THEN (
                   SELECT max(COALESCE(parent.completed_at, parent.cancelled_at))
                     FROM queue_job_dependency edge
                     JOIN queue_job parent ON parent.id = edge.depends_on_id
                    WHERE edge.job_id = job.id
               ) END)),
               0
           )::float8 AS wait
      FROM queue_job job
     WHERE state IN ('done', 'failed', 'cancelled')
       AND COALESCE(completed_at, cancelled_at, write_date) >= %(start)s
       -- Nothing ends in the future, but with both bounds the planner takes the range for narrow, and the index.
       AND COALESCE(completed_at, cancelled_at, write_date) < %(end)s
 UNION ALL
    SELECT attempt.started_at + attempt.duration * interval '1 second', job.channel, job.model_name, job.method_name,
           job.company_id, 'error', attempt.duration, NULL
      FROM queue_job_attempt attempt
      JOIN queue_job job ON job.id = attempt.job_id
     WHERE attempt.started_at + attempt.duration * interval '1 second' >= %(start)s
       AND attempt.started_at + attempt.duration * interval '1 second' < %(end)s
), measured AS (
    SELECT date_trunc('minute', ended_at) AS period, channel, model_name || '.' || method_name AS function,
           COALESCE(company_id, 0) AS company, outcome, duration,
           CASE WHEN duration IS NOT NULL AND outcome <> 'error' THEN wait END AS wait
      FROM ended
), bucketed AS (
    SELECT *,
           CASE WHEN wait <= %(floor)s THEN 0
                ELSE ceil(ln(LEAST(wait, %(ceiling)s) / %(floor)s) / ln(%(growth)s::float8)) END::int AS wait_bucket,
           CASE WHEN duration <= %(floor)s THEN 0
                ELSE ceil(ln(LEAST(duration, %(ceiling)s) / %(floor)s) / ln(%(growth)s::float8)) END::int AS bucket
      FROM measured
), counted AS (
    SELECT period, channel, function, company, outcome, count(*) AS count,
           count(wait) AS wait_count, COALESCE(sum(wait), 0) AS wait_sum,
           count(duration) AS duration_count, COALESCE(sum(duration), 0) AS duration_sum
      FROM bucketed
     GROUP BY period, channel, function, company, outcome
), waits AS (
    SELECT period, channel, function, company, outcome, jsonb_object_agg(wait_bucket, times) AS histogram
      FROM (SELECT period, channel, function, company, outcome, wait_bucket, count(*) AS times
              FROM bucketed
             WHERE wait IS NOT NULL
             GROUP BY period, channel, function, company, outcome, wait_bucket) bucket
     GROUP BY period, channel, function, company, outcome
), durations AS (
    SELECT period, channel, function, company, outcome, jsonb_object_agg(bucket, times) AS histogram
      FROM (SELECT period, channel, function, company, outcome, bucket, count(*) AS times
              FROM bucketed
             WHERE duration IS NOT NULL
             GROUP BY period, channel, function, company, outcome, bucket) bucket
     GROUP BY period, channel, function, company, outcome
)
INSERT INTO queue_metric AS metric (
           resolution, period, channel, function, company_id, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram)
SELECT 'minute', period, channel, function, NULLIF(company, 0), outcome, count,
       wait_count, wait_sum, COALESCE(waits.histogram, '{}'),
       duration_count, duration_sum, COALESCE(durations.histogram, '{}')
  FROM counted
  LEFT JOIN waits USING (period, channel, function, company, outcome)
  LEFT JOIN durations USING (period, channel, function, company, outcome)
    ON CONFLICT (resolution, period, channel, function, (COALESCE(company_id, 0)), outcome) DO UPDATE
   SET count = excluded.count,
       wait_count = excluded.wait_count, wait_sum = excluded.wait_sum, wait_histogram = excluded.wait_histogram,
       duration_count = excluded.duration_count, duration_sum = excluded.duration_sum,
       duration_histogram = excluded.duration_histogram
 WHERE excluded.count >= metric.count

-- name: sum_minutes
-- Add up all channels and functions of each minute to a row without either, by company and outcome: charts read those
-- alone. fold_metrics makes hours and days of them as of any other row.
-- Index: queue_metric_key_unique.
WITH part AS (
    SELECT period, COALESCE(company_id, 0) AS company, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram
      FROM queue_metric
     WHERE resolution = 'minute' AND period >= %(start)s AND period < %(end)s AND function <> ''
), counted AS (
    SELECT period, company, outcome, sum(count) AS count, sum(wait_count) AS wait_count, sum(wait_sum) AS wait_sum,
           sum(duration_count) AS duration_count, sum(duration_sum) AS duration_sum
      FROM part
     GROUP BY period, company, outcome
), waits AS (
    SELECT period, company, outcome, jsonb_object_agg(bucket, times) AS histogram
      FROM (SELECT period, company, outcome, bucket, sum(times::bigint) AS times
              FROM part, jsonb_each_text(wait_histogram) AS entry (bucket, times)
             GROUP BY period, company, outcome, bucket) bucket
     GROUP BY period, company, outcome
), durations AS (
    SELECT period, company, outcome, jsonb_object_agg(bucket, times) AS histogram
      FROM (SELECT period, company, outcome, bucket, sum(times::bigint) AS times
              FROM part, jsonb_each_text(duration_histogram) AS entry (bucket, times)
             GROUP BY period, company, outcome, bucket) bucket
     GROUP BY period, company, outcome
)
INSERT INTO queue_metric AS metric (
           resolution, period, channel, function, company_id, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram)
SELECT 'minute', period, '', '', NULLIF(company, 0), outcome, count,
       wait_count, wait_sum, COALESCE(waits.histogram, '{}'),
       duration_count, duration_sum, COALESCE(durations.histogram, '{}')
  FROM counted
  LEFT JOIN waits USING (period, company, outcome)
  LEFT JOIN durations USING (period, company, outcome)
    ON CONFLICT (resolution, period, channel, function, (COALESCE(company_id, 0)), outcome) DO UPDATE
   SET count = excluded.count,
       wait_count = excluded.wait_count, wait_sum = excluded.wait_sum, wait_histogram = excluded.wait_histogram,
       duration_count = excluded.duration_count, duration_sum = excluded.duration_sum,
       duration_histogram = excluded.duration_histogram
 WHERE excluded.count >= metric.count

-- name: fold_metrics
-- Add up the rows of %(part)s that began from %(start)s on and before %(end)s to rows of %(resolution)s; for the
-- resolution "total" those that were added up before are counted in. Idempotent, as collect_minutes.
-- Index: queue_metric_period_index.
WITH part AS (
    SELECT CASE WHEN %(resolution)s = 'total' THEN '1970-01-01'::timestamp ELSE date_trunc(%(unit)s, period) END AS period,
           channel, function, COALESCE(company_id, 0) AS company, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram
      FROM queue_metric
     WHERE (resolution = %(part)s AND period >= %(start)s AND period < %(end)s)
        OR (%(resolution)s = 'total' AND resolution = 'total')
), counted AS (
    SELECT period, channel, function, company, outcome, sum(count) AS count,
           sum(wait_count) AS wait_count, sum(wait_sum) AS wait_sum,
           sum(duration_count) AS duration_count, sum(duration_sum) AS duration_sum
      FROM part
     GROUP BY period, channel, function, company, outcome
), waits AS (
    SELECT period, channel, function, company, outcome, jsonb_object_agg(bucket, times) AS histogram
      FROM (SELECT period, channel, function, company, outcome, bucket, sum(times::bigint) AS times
              FROM part, jsonb_each_text(wait_histogram) AS entry (bucket, times)
             GROUP BY period, channel, function, company, outcome, bucket) bucket
     GROUP BY period, channel, function, company, outcome
), durations AS (
    SELECT period, channel, function, company, outcome, jsonb_object_agg(bucket, times) AS histogram
      FROM (SELECT period, channel, function, company, outcome, bucket, sum(times::bigint) AS times
              FROM part, jsonb_each_text(duration_histogram) AS entry (bucket, times)
             GROUP BY period, channel, function, company, outcome, bucket) bucket
     GROUP BY period, channel, function, company, outcome
)
INSERT INTO queue_metric AS metric (
           resolution, period, channel, function, company_id, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram)
SELECT %(resolution)s, period, channel, function, NULLIF(company, 0), outcome, count,
       wait_count, wait_sum, COALESCE(waits.histogram, '{}'),
       duration_count, duration_sum, COALESCE(durations.histogram, '{}')
  FROM counted
  LEFT JOIN waits USING (period, channel, function, company, outcome)
  LEFT JOIN durations USING (period, channel, function, company, outcome)
    ON CONFLICT (resolution, period, channel, function, (COALESCE(company_id, 0)), outcome) DO UPDATE
   SET count = excluded.count,
       wait_count = excluded.wait_count, wait_sum = excluded.wait_sum, wait_histogram = excluded.wait_histogram,
       duration_count = excluded.duration_count, duration_sum = excluded.duration_sum,
       duration_histogram = excluded.duration_histogram
 WHERE excluded.count >= metric.count

-- name: live_levels
-- Jobs that have not ended, by channel and company, the age of the oldest that could run, and how many
-- have been able to since before %(aged_before)s.
-- Index: queue_job_monitor_live_index alone, once autovacuum has been there.
SELECT channel, company_id,
       count(*) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE) AS ready,
       count(*) FILTER (WHERE state = 'pending' AND scheduled) AS scheduled,
       count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'started') AS started,
       COALESCE(EXTRACT(EPOCH FROM %(now)s::timestamp - min(COALESCE(scheduled_at, create_date))
                        FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE)), 0)::float8 AS oldest,
       count(*) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE
                          AND COALESCE(scheduled_at, create_date) < %(aged_before)s::timestamp) AS aged
  FROM queue_job
 WHERE state IN ('waiting', 'pending', 'started')
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
-- Add up levels as fold_metrics does metrics: averages are sums divided by samples. The latest sampling of a minute
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

-- name: chart_counts
-- Of the span and the one before it: counts and sums by bin (number of the bin since 1970) and outcome.
-- Index: queue_metric_key_unique.
SELECT floor(EXTRACT(EPOCH FROM period) / %(step)s)::bigint AS bin, outcome, sum(count) AS count,
       sum(wait_sum) AS wait_sum, sum(wait_count) AS wait_count
  FROM queue_metric
 WHERE resolution = %(resolution)s AND period >= %(previous)s AND period < %(end)s AND channel = '' AND function = ''
   AND %(companies)s
 GROUP BY 1, 2

-- name: chart_histograms
-- By bin, of the jobs that ended by an attempt.
SELECT floor(EXTRACT(EPOCH FROM period) / %(step)s)::bigint AS bin, kind, bucket::int, sum(times::bigint) AS times
  FROM queue_metric,
       LATERAL (SELECT 'wait', * FROM jsonb_each_text(wait_histogram)
                 UNION ALL
                SELECT 'duration', * FROM jsonb_each_text(duration_histogram)) entry (kind, bucket, times)
 WHERE resolution = %(resolution)s AND period >= %(start)s AND period < %(end)s AND channel = '' AND function = ''
   AND outcome IN ('done', 'failed')
   AND %(companies)s
 GROUP BY 1, 2, 3

-- name: chart_levels
-- By bin: averages of the jobs ready and of the executors busy, and the executors there were.
-- A channel has a row only when it holds jobs, so the looks are counted by the row of the workers.
SELECT floor(EXTRACT(EPOCH FROM period) / %(step)s)::bigint AS bin,
       sum(ready)::float8 / NULLIF(sum(samples) FILTER (WHERE channel = ''), 0) AS ready,
       max(ready_max) AS ready_max,
       sum(started)::float8 / NULLIF(sum(samples) FILTER (WHERE channel = ''), 0) AS busy,
       sum(capacity)::float8 / NULLIF(sum(samples) FILTER (WHERE channel = ''), 0) AS capacity
  FROM queue_metric_level
 WHERE resolution = %(resolution)s AND period >= %(start)s AND period < %(end)s AND (channel = '' OR %(companies)s)
 GROUP BY 1

-- name: by_function
SELECT channel, function,
       COALESCE(sum(count) FILTER (WHERE outcome = 'done'), 0) AS done,
       COALESCE(sum(count) FILTER (WHERE outcome = 'failed'), 0) AS failed,
       COALESCE(sum(count) FILTER (WHERE outcome = 'error'), 0) AS errors,
       COALESCE(sum(duration_sum) FILTER (WHERE outcome IN ('done', 'failed')), 0) AS duration_sum,
       COALESCE(sum(duration_sum) FILTER (WHERE outcome IN ('done', 'error')), 0) AS busy,
       COALESCE(sum(duration_count) FILTER (WHERE outcome IN ('done', 'failed')), 0) AS duration_count
  FROM queue_metric
 WHERE resolution = %(resolution)s AND period >= %(start)s AND period < %(end)s AND function <> ''
   AND %(companies)s
 GROUP BY channel, function

-- name: function_histograms
SELECT function, bucket::int, sum(times::bigint) AS times
  FROM queue_metric, jsonb_each_text(duration_histogram) AS entry (bucket, times)
 WHERE resolution = %(resolution)s AND period >= %(start)s AND period < %(end)s AND outcome IN ('done', 'failed')
   AND function = ANY(%(functions)s) AND %(companies)s
 GROUP BY 1, 2

-- name: recent_errors
-- The last 2000 failed jobs at most, grouped by what they failed of.
-- Index: queue_job_retention_index, backwards.
SELECT exc_name, function, count(*) AS count, max(ended_at) AS last, (array_agg(exc_message ORDER BY ended_at DESC))[1] AS message
  FROM (
    SELECT exc_name, exc_message, model_name || '.' || method_name AS function,
           COALESCE(completed_at, cancelled_at, write_date) AS ended_at
      FROM queue_job
     WHERE state = 'failed' AND COALESCE(completed_at, cancelled_at, write_date) >= %(start)s
       AND COALESCE(completed_at, cancelled_at, write_date) < %(end)s AND %(companies)s
     ORDER BY COALESCE(completed_at, cancelled_at, write_date) DESC
     LIMIT 2000
  ) failed
 GROUP BY exc_name, function
 ORDER BY count DESC, last DESC
 LIMIT 10

-- name: troubled_jobs
-- Running since before %(stuck_before)s; failed since %(failed_since)s with all retries used up.
-- Index: queue_job_monitor_live_index; queue_job_retention_index.
SELECT (SELECT count(*) FROM queue_job WHERE state = 'started' AND started_at < %(stuck_before)s AND %(companies)s),
       (SELECT count(*) FROM queue_job
         WHERE state = 'failed' AND COALESCE(completed_at, cancelled_at, write_date) >= %(failed_since)s
           AND COALESCE(completed_at, cancelled_at, write_date) < %(end)s AND %(companies)s
           AND max_retries > 0 AND attempts > max_retries)

-- name: counters
-- All that ever ended, by channel and outcome: the totals, and the days that are not in them yet.
SELECT channel, outcome, sum(count) AS count,
       sum(duration_count) AS duration_count, sum(duration_sum) AS duration_sum,
       sum(wait_count) AS wait_count, sum(wait_sum) AS wait_sum
  FROM queue_metric
 WHERE (resolution = 'total' OR (resolution = 'day' AND period >= %(added_up)s)) AND function <> ''
 GROUP BY channel, outcome

-- name: counter_histograms
SELECT channel, outcome, kind, bucket::int, sum(times::bigint) AS times
  FROM queue_metric,
       LATERAL (SELECT 'wait', * FROM jsonb_each_text(wait_histogram)
                 UNION ALL
                SELECT 'duration', * FROM jsonb_each_text(duration_histogram)) entry (kind, bucket, times)
 WHERE (resolution = 'total' OR (resolution = 'day' AND period >= %(added_up)s)) AND function <> ''
   AND outcome IN ('done', 'failed')
 GROUP BY channel, outcome, kind, bucket
