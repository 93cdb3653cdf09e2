-- What the door has marked stays, and so does the mark of an event that says nothing any more, of an erased person.
UPDATE events SET filtered = told.mark
FROM (
    SELECT events.rowid AS place, CASE WHEN bot IS NOT NULL THEN 'bot' WHEN is_spam THEN 'referrer_spam' END AS mark
    FROM events LEFT JOIN agent USING (agent_id) LEFT JOIN arrival USING (arrival_id)
    WHERE coalesce(agent_id, arrival_id) IS NOT NULL AND (filtered IS NULL OR filtered NOT IN {at_door}) AND filtered IS DISTINCT FROM mark
) AS told
WHERE events.rowid = told.place
