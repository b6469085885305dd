-- A copy of a database must not tell anybody of its alerts.
UPDATE queue_alert_rule SET active = FALSE;
UPDATE queue_alert_webhook SET active = FALSE;
UPDATE queue_alert_delivery SET state = 'failed', error = 'This database was neutralized.' WHERE state = 'waiting';
DELETE FROM ir_config_parameter WHERE key IN ('job_worker_monitor.metrics_token', 'job_worker_monitor.metrics_networks');
