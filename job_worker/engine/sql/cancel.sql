-- Requests to cancel running jobs.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

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
