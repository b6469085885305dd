-- What Prometheus reads.

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
