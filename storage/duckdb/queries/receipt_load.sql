SELECT position, n_lost FROM ledger WHERE log_id = $log_id AND $offset BETWEEN from_offset AND to_offset
