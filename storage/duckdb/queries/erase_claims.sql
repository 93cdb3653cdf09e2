-- Somebody else's event that claims to be the person's loses the claim only.
UPDATE {rows} AS line SET attrs = json_merge_patch(line.attrs, '{{"claimed_id_user": null}}')
FROM erased
WHERE erased.digest = sha256($key || '/' || line.app_code || '/user/' || (line.attrs ->> 'claimed_id_user'))
    AND ROW({log_id}, line."offset") < ROW(erased.until_log_id, erased.until_offset)
