-- A rejected item whose bytes hold an identifier of the person anywhere loses its bytes; code and receipt stay.
UPDATE {rows} AS line SET {raw} = ''::BLOB
FROM (
    WITH word AS (
        SELECT log_id, line."offset", line.app_code, unnest(
            regexp_extract_all(line.sent, '"((?:[^"\\]|\\.)*)"', 1) || regexp_extract_all(line.sent, '[^\s"\\,:{{}}\[\]]+')
        ) AS text
        FROM (
            -- Bytes that are no UTF-8 are searched as the text that shows them.
            SELECT {log_id} AS log_id, line."offset", line.app_code, coalesce(TRY(decode({raw})), {raw}::VARCHAR) AS sent
            FROM {rows} AS line
            WHERE {raw} IS NOT NULL
        ) AS line
    )
    SELECT DISTINCT word.log_id, word."offset"
    FROM word JOIN erased
        ON erased.digest IN (
            sha256($key || '/' || word.app_code || '/user/' || word.text),
            sha256($key || '/' || word.app_code || '/visitor/' || word.text)
        )
        AND ROW(word.log_id, word."offset") < ROW(erased.until_log_id, erased.until_offset)
) AS named
WHERE {log_id} = named.log_id AND line."offset" = named."offset"
