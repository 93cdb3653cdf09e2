SELECT noted_at, reason, bytes FROM rebuild ORDER BY noted_at DESC, reason IS NULL DESC LIMIT 1
