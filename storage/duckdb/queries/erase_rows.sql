-- The same rule for what is stored (rows: events) and for what is loaded again (rows: batch).
UPDATE {rows} AS line SET
    user_id = erased.pseudonym || '{suffix}',
    anonymous_id = NULL,
    page_url = CASE WHEN page_url IS NOT NULL THEN $erased_text END,
    referrer = NULL,
    title = NULL,
    attrs = NULL,
    country = NULL,
    violation = NULL,
    {derived}
FROM erased
WHERE erased.digest = sha256($key || '/' || line.app_code || {whose})
    AND ROW({log_id}, line."offset") < ROW(erased.until_log_id, erased.until_offset)
