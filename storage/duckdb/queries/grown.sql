SELECT first_day, count(*) FROM {table} WHERE first_day IN (SELECT unnest($days::DATE[])) GROUP BY first_day
