-- What the door has marked stays; an event that says nothing any more, of an erased person, has no mark of a rule.
UPDATE events SET filtered = told.mark
FROM (
    SELECT events.rowid AS place, CASE WHEN bot IS NOT NULL THEN 'bot' WHEN is_spam THEN 'referrer_spam' END AS mark
    FROM events LEFT JOIN agent USING (agent_id) LEFT JOIN arrival USING (arrival_id)
    WHERE (filtered IS NULL OR filtered NOT IN {at_door}) AND filtered IS DISTINCT FROM mark
) AS told
WHERE events.rowid = told.place
