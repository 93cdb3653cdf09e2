DELETE FROM owner USING erased
WHERE erased.digest IN (
        sha256($key || '/' || owner.app_code || '/user/' || owner.user_id),
        sha256($key || '/' || owner.app_code || '/visitor/' || owner.anonymous_id)
    )
    AND ROW(owner.log_id, owner."offset") < ROW(erased.until_log_id, erased.until_offset)
