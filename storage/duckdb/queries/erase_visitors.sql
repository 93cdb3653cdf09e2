-- Another user's event of a device that is the person's loses the device only.
UPDATE {rows} AS line SET anonymous_id = NULL
FROM erased
WHERE line.user_id IS NOT NULL
    AND erased.digest = sha256($key || '/' || line.app_code || {whose})
    AND ROW({log_id}, line."offset") < ROW(erased.until_log_id, erased.until_offset)
