UPDATE arrival SET
    source = told.source,
    channel = told.channel,
    is_spam = told.is_spam,
    utm_source = told.utm_source,
    utm_medium = told.utm_medium,
    utm_campaign = told.utm_campaign,
    utm_term = told.utm_term,
    utm_content = told.utm_content
FROM (SELECT unnest($rows::STRUCT(
    landing VARCHAR, first_day DATE, source VARCHAR, channel VARCHAR, is_spam BOOLEAN,
    utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR, utm_content VARCHAR
)[], recursive := true)) AS told
WHERE arrival.landing = told.landing
    AND ROW(
        arrival.source, arrival.channel, arrival.is_spam, arrival.utm_source, arrival.utm_medium, arrival.utm_campaign,
        arrival.utm_term, arrival.utm_content
    ) IS DISTINCT FROM ROW(
        told.source, told.channel, told.is_spam, told.utm_source, told.utm_medium, told.utm_campaign, told.utm_term,
        told.utm_content
    )
