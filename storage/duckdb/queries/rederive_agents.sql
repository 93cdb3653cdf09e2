UPDATE agent SET
    browser = told.browser,
    version = told.version,
    os = told.os,
    device = told.device,
    bot = told.bot
FROM (SELECT unnest($rows::STRUCT(
    user_agent VARCHAR, first_day DATE, browser VARCHAR, version VARCHAR, os VARCHAR, device VARCHAR, bot VARCHAR
)[], recursive := true)) AS told
WHERE agent.user_agent = told.user_agent
    AND ROW(agent.browser, agent.version, agent.os, agent.device, agent.bot)
        IS DISTINCT FROM ROW(told.browser, told.version, told.os, told.device, told.bot)
