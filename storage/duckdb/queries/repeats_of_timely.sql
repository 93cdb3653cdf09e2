-- The inner join first: the hours are all that most row groups are read for, or skipped by (JOIN_VALUES_MAX in
-- connection.py). With both joins in one DuckDB reads the keys of whole row groups, which takes six times as long.
INSERT INTO repeat
SELECT batch."offset"
FROM batch JOIN (
    SELECT events.app_code, events.event_key, events.occurred_at AS client_time
    FROM events SEMI JOIN (
        SELECT client_hour FROM batch WHERE id_given AND is_untimely = $is_untimely
    ) AS named ON events.timely_hour = named.client_hour
) AS timely USING (app_code, event_key, client_time)
WHERE batch.id_given AND batch.is_untimely = $is_untimely
