-- What alert rules measure: rows of (subject, value). %(subject)s is the SQL of what a rule is measured by, and
-- %(metric_scope)s, %(job_scope)s and %(live_scope)s are conditions; all are made by queue_alert_measure.py.
-- Windows are whole minutes, the running one included.

-- name: failed_count
SELECT %(subject)s, sum(count) FILTER (WHERE outcome = 'failed')
  FROM queue_metric
 WHERE resolution = 'minute' AND period > %(since)s AND period <= %(now)s AND function <> '' AND %(metric_scope)s
 GROUP BY 1

-- name: error_count
SELECT %(subject)s, sum(count) FILTER (WHERE outcome = 'error')
  FROM queue_metric
 WHERE resolution = 'minute' AND period > %(since)s AND period <= %(now)s AND function <> '' AND %(metric_scope)s
 GROUP BY 1

-- name: failure_rate
-- In percent of the jobs that ended; of fewer than %(min_jobs)s jobs it says nothing.
SELECT %(subject)s, 100.0 * COALESCE(sum(count) FILTER (WHERE outcome = 'failed'), 0) / sum(count)
  FROM queue_metric
 WHERE resolution = 'minute' AND period > %(since)s AND period <= %(now)s AND outcome IN ('done', 'failed') AND function <> '' AND %(metric_scope)s
 GROUP BY 1
HAVING sum(count) >= GREATEST(%(min_jobs)s, 1)

-- name: wait_average
SELECT %(subject)s, sum(wait_sum) / sum(wait_count)
  FROM queue_metric
 WHERE resolution = 'minute' AND period > %(since)s AND period <= %(now)s AND function <> '' AND %(metric_scope)s
 GROUP BY 1
HAVING sum(wait_count) >= GREATEST(%(min_jobs)s, 1)

-- name: duration_histograms
-- Of the attempts that ended jobs: rows of (subject, bucket, count).
SELECT %(subject)s, bucket::int, sum(times::bigint)
  FROM queue_metric, jsonb_each_text(duration_histogram) AS entry (bucket, times)
 WHERE resolution = 'minute' AND period > %(since)s AND period <= %(now)s AND outcome IN ('done', 'failed') AND function <> '' AND %(metric_scope)s
 GROUP BY 1, 2

-- name: level_depth
-- As depth, from what was counted in this turn.
SELECT %(subject)s, sum(ready)
  FROM (%(levels)s) level
 WHERE ready > 0 AND %(live_scope)s
 GROUP BY 1

-- name: level_oldest_age
-- As oldest_age, from what was counted in this turn.
SELECT %(subject)s, max(oldest)
  FROM (%(levels)s) level
 WHERE ready > 0 AND %(live_scope)s
 GROUP BY 1

-- name: depth
SELECT %(subject)s, count(*)
  FROM queue_job job
 WHERE state = 'pending' AND scheduled IS NOT TRUE AND %(job_scope)s
 GROUP BY 1

-- name: oldest_age
SELECT %(subject)s, EXTRACT(EPOCH FROM %(now)s::timestamp - min(COALESCE(scheduled_at, create_date)))
  FROM queue_job job
 WHERE state = 'pending' AND scheduled IS NOT TRUE AND %(job_scope)s
 GROUP BY 1

-- name: channel_stalled
-- Seconds that a channel has had jobs that could run while none ran and none ended: the age of its oldest such job,
-- or the time since its last end, if that is shorter. A channel where something runs is not stalled.
SELECT live.channel, LEAST(live.oldest, COALESCE(EXTRACT(EPOCH FROM %(now)s::timestamp - ended.period), live.oldest))
  FROM (
    SELECT channel, sum(ready) AS ready, sum(started) AS started, max(oldest) AS oldest
      FROM (%(levels)s) level
     WHERE %(live_scope)s
     GROUP BY channel
  ) live
  LEFT JOIN (
    SELECT channel, max(period) AS period
      FROM queue_metric
     WHERE resolution = 'minute' AND period > %(now)s::timestamp - interval '1 day'
       AND outcome IN ('done', 'failed', 'error') AND function <> '' AND %(metric_scope)s
     GROUP BY channel
  ) ended ON ended.channel = live.channel
 WHERE live.ready > 0 AND live.started = 0

-- name: failing_streak
-- Jobs of a function that failed one after another since its last that was done, of those that ended in the window.
-- The last success is looked up in the metrics first, then to the microsecond among the jobs of that minute.
-- Index: queue_job_retention_index, queue_metric_key_unique.
WITH failed AS (
    SELECT model_name || '.' || method_name AS function, completed_at
      FROM queue_job job
     WHERE state = 'failed' AND COALESCE(completed_at, cancelled_at, write_date) > %(since)s AND %(job_scope)s
       AND COALESCE(completed_at, cancelled_at, write_date) < %(now)s::timestamp + interval '1 hour'
), succeeded AS (
    SELECT function, max(period) AS period
      FROM queue_metric
     WHERE resolution = 'minute' AND outcome = 'done' AND period > %(since)s AND period <= %(now)s AND function <> '' AND %(metric_scope)s
       AND function IN (SELECT function FROM failed)
     GROUP BY function
), success AS (
    SELECT function, (
               SELECT max(completed_at)
                 FROM queue_job job
                WHERE state = 'done' AND model_name || '.' || method_name = succeeded.function AND %(job_scope)s
                  AND COALESCE(completed_at, cancelled_at, write_date) >= period
                  AND COALESCE(completed_at, cancelled_at, write_date) < period + interval '1 minute'
           ) AS completed_at
      FROM succeeded
)
SELECT failed.function, count(*) FILTER (WHERE success.completed_at IS NULL OR failed.completed_at > success.completed_at)
  FROM failed
  LEFT JOIN success USING (function)
 GROUP BY failed.function

-- name: died_workers
SELECT count(*) FROM queue_monitor_worker WHERE died AND ended_at > %(since)s
