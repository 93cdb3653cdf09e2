INSERT INTO agent BY NAME
SELECT (SELECT max(agent_id) FROM agent) + place AS agent_id, told.*
FROM unnest($rows::STRUCT(
    user_agent VARCHAR, first_day DATE, browser VARCHAR, version VARCHAR, os VARCHAR, device VARCHAR, bot VARCHAR
)[]) WITH ORDINALITY AS one(told, place)
