SELECT min(received_at) FROM batch WHERE id_given AND NOT time_given
