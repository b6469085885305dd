-- Graphs: passing ends on, and what people do to jobs.
-- Times are UTC without time zone, as Odoo stores them.
-- clock_timestamp(), not now(): a job's transaction may have begun long before it ends.

-- name: release_dependents
-- Pass the end of the jobs %(ids)s on to the jobs that wait for them, and return those that
-- changed: a release to pending, or a cascade (failed, cancelled) whose own dependents come next.
--
-- A waiting job has blockers: one per edge "when done", and one for all its edges "when failed"
-- together, of which the first to fire counts. error_sources are the latter that may still fire.
-- is_ready tells what a claim may take now; the last columns are its place among the ready jobs.
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
RETURNING job.id, job.state, NOT job.scheduled AND job.key_place IS NULL AS is_ready, job.channel, job.priority,
          to_json(COALESCE(job.scheduled_at, job.create_date, '-infinity')) #>> '{}' AS due_at

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
