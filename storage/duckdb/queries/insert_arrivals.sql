INSERT INTO arrival BY NAME
SELECT (SELECT max(arrival_id) FROM arrival) + place AS arrival_id, told.*
FROM unnest($rows::STRUCT(
    landing VARCHAR, first_day DATE, source VARCHAR, channel VARCHAR, is_spam BOOLEAN,
    utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR, utm_content VARCHAR
)[]) WITH ORDINALITY AS one(told, place)
