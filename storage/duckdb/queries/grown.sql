SELECT first_day, count(*) FROM {table} WHERE first_day >= $since::DATE GROUP BY first_day
