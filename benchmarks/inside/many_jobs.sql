-- %(jobs)s jobs as a busy month leaves them: most are done, some failed, a few wait, some are due later.
INSERT INTO queue_job (
    uuid, name, state, model_name, method_name, payload, user_id, company_id, channel, priority, max_retries,
    attempts, scheduled, scheduled_at, started_at, completed_at, cancelled_at, duration, duration_bucket,
    worker_name, exc_name, exc_message, exc_info, create_date, write_date
)
SELECT gen_random_uuid()::text,
       'Job ' || number,
       state,
       'res.partner',
       (ARRAY['write', '_export', '_import', '_send', '_notify', '_sync', '_print', '_mail'])[1 + number %% 8],
       '{"ids":[' || number || '],"args":[{"name":"Customer ' || number || '","comment":"From the web shop"}],'
           || '"kwargs":{},"context":{"lang":"en_US","tz":"Europe/Brussels","allowed_company_ids":[1]},"su":false}',
       (%(users)s::int[])[1 + number %% array_length(%(users)s::int[], 1)],
       %(company)s,
       'root.' || (ARRAY['export', 'import', 'mail', 'sync', 'print', 'report'])[1 + number %% 6],
       10, 5,
       CASE WHEN state IN ('done', 'failed') THEN 1 + (number %% 50 = 0)::int ELSE 0 END,
       later,
       CASE WHEN later THEN now() AT TIME ZONE 'UTC' + number::bigint * 7919 %% 1209600 * interval '1 second' END,
       CASE WHEN state IN ('done', 'failed', 'started') THEN moment END,
       CASE WHEN state IN ('done', 'failed') THEN moment + interval '1 second' END,
       CASE WHEN state = 'cancelled' THEN moment END,
       CASE WHEN state IN ('done', 'failed') THEN power(number %% 1000 / 1000.0, 12) * 100 END,
       CASE WHEN state IN ('done', 'failed') THEN width_bucket(power(number %% 1000 / 1000.0, 12)::float8 * 100,
                                                               ARRAY[0.1, 1, 10, 60, 600]::float8[])::text END,
       CASE WHEN state IN ('done', 'failed', 'started') THEN 'host:' || number %% 4 END,
       CASE WHEN state = 'failed' THEN 'odoo.exceptions.ValidationError' END,
       CASE WHEN state = 'failed' THEN 'The customer has no address' END,
       CASE WHEN state = 'failed' THEN repeat('  File "model.py", line 1, in method' || chr(10), 20) END,
       moment, moment
  FROM (
    SELECT number,
           now() AT TIME ZONE 'UTC' - (%(jobs)s - number) * interval '30 days' / %(jobs)s AS moment,
           CASE WHEN number %% 1000 < 930 THEN 'done'
                WHEN number %% 1000 < 960 THEN 'failed'
                WHEN number %% 1000 < 970 THEN 'cancelled'
                WHEN number %% 1000 < 999 THEN 'pending'
                WHEN number %% 100000 = 999 THEN 'started'
                ELSE 'waiting' END AS state,
           number %% 1000 BETWEEN 980 AND 989 AS later
      FROM generate_series(1, %(jobs)s) number
  ) job
