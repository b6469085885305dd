-- What the dashboard shows. It reads metrics, and of the jobs only the latest failed ones and those that run.

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

-- name: whole_span
-- The metrics that the span is made of, as few as can be: days where a day is whole, from %(days_from)s on.
-- Index: queue_metric_key_unique.
SELECT *
  FROM queue_metric
 WHERE resolution = %(resolution)s AND period >= %(start)s AND period < %(days_from)s AND function <> ''
 UNION ALL
SELECT *
  FROM queue_metric
 WHERE resolution = 'day' AND period >= %(days_from)s AND period < %(end)s AND function <> ''

-- name: by_function
SELECT channel, function,
       COALESCE(sum(count) FILTER (WHERE outcome = 'done'), 0) AS done,
       COALESCE(sum(count) FILTER (WHERE outcome = 'failed'), 0) AS failed,
       COALESCE(sum(count) FILTER (WHERE outcome = 'error'), 0) AS errors,
       COALESCE(sum(duration_sum) FILTER (WHERE outcome IN ('done', 'failed')), 0) AS duration_sum,
       COALESCE(sum(duration_sum) FILTER (WHERE outcome IN ('done', 'error')), 0) AS busy,
       COALESCE(sum(duration_count) FILTER (WHERE outcome IN ('done', 'failed')), 0) AS duration_count
  FROM (%(whole_span)s) metric
 WHERE %(companies)s
 GROUP BY channel, function

-- name: function_histograms
SELECT function, bucket::int, sum(times::bigint) AS times
  FROM (%(whole_span)s) metric, jsonb_each_text(duration_histogram) AS entry (bucket, times)
 WHERE outcome IN ('done', 'failed') AND function = ANY(%(functions)s) AND %(companies)s
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
