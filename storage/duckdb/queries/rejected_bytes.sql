SELECT coalesce(sum(raw_bytes) FILTER (raw IS NOT NULL), 0)::BIGINT FROM rejected
