-- A copy of a database must not run the jobs of the original.
UPDATE queue_job
   SET state = 'cancelled',
       cancelled_at = now() AT TIME ZONE 'UTC',
       worker_id = NULL,
       exc_name = 'Neutralized',
       exc_message = 'This database was neutralized before the job ran.'
 WHERE state IN ('waiting', 'pending', 'started');
DELETE FROM queue_worker;
