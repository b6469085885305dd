-- Statements that make metrics of what has ended. Times are UTC without time zone, as Odoo stores them.
-- None of them scans queue_job: ended jobs are found by queue_job_retention_index, failed attempts by
-- queue_job_attempt_monitor_ended_index.
--
-- A statement is put together in queries.py: store_metrics, with a part that says what is counted.

-- name: store_metrics
-- Store what %(part)s has counted: counted with counts and sums, waits and durations with histograms.
-- Idempotent: periods are counted as a whole, so counting them again gives the same. A count never falls, for a
-- failed job that is requeued has failed all the same: the larger of the two counts stays.
-- Index: queue_metric_key_unique.
WITH %(part)s
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

-- name: minutes_of_jobs
-- What has ended from %(start)s on, by minute.
-- A wait is from when a job could run (enqueued, due, what it depends on ended) to the start of its last attempt.
-- Index: queue_job_retention_index, queue_job_attempt_monitor_ended_index.
ended AS (
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

-- name: merged
-- Rows of metrics in part, added up.
counted AS (
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

-- name: sums_of_minutes
-- All channels and functions of each minute as a row without either, by company and outcome: charts read those alone.
-- They become hours and days as any other row does.
-- Index: queue_metric_key_unique.
part AS (
    SELECT period, '' AS channel, '' AS function, COALESCE(company_id, 0) AS company, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram
      FROM queue_metric
     WHERE resolution = 'minute' AND period >= %(start)s AND period < %(end)s AND function <> ''
), %(merged)s

-- name: longer_periods
-- The rows of %(part)s that began from %(start)s on and before %(end)s, as rows of %(resolution)s; for the
-- resolution "total" those that were added up before are counted in.
-- Index: queue_metric_key_unique.
part AS (
    SELECT CASE WHEN %(resolution)s = 'total' THEN '1970-01-01'::timestamp ELSE date_trunc(%(unit)s, period) END AS period,
           channel, function, COALESCE(company_id, 0) AS company, outcome, count,
           wait_count, wait_sum, wait_histogram, duration_count, duration_sum, duration_histogram
      FROM queue_metric
     WHERE (resolution = %(part)s AND period >= %(start)s AND period < %(end)s)
        OR (%(resolution)s = 'total' AND resolution = 'total')
), %(merged)s
