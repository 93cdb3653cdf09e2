SELECT DISTINCT occurred_at::DATE AS day FROM batch WHERE id_given AND time_given ORDER BY day
