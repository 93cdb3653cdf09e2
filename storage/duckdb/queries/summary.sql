-- The first row is the total, of all pages.
SELECT
    page_url,
    count(*) AS visits,
    -- A person is a user, or a visitor who never signed in.
    count(DISTINCT user_id) + count(DISTINCT anonymous_id) FILTER (user_id IS NULL) AS unique_users
FROM resolved
WHERE source_label = 'pageview' AND page_url IS NOT NULL
    AND app_code = $app_code
    AND ($source_label IS NULL OR source_label = $source_label)
    AND ($user_id IS NULL OR user_id = $user_id)
    AND ($page_url IS NULL OR page_url = $page_url)
    AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
    AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
GROUP BY GROUPING SETS ((), (page_url))
ORDER BY grouping(page_url) DESC, visits DESC, page_url
LIMIT $pages + 1
