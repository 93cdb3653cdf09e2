-- The visitors of erased users: what they did is theirs too.
SELECT owner.app_code, owner.anonymous_id, erased.pseudonym, erased.until_log_id, erased.until_offset, erased.erased_at
FROM owner JOIN erased ON erased.digest = sha256($key || '/' || owner.app_code || '/user/' || owner.user_id)
WHERE ROW(owner.log_id, owner."offset") < ROW(erased.until_log_id, erased.until_offset)
