-- One row a text: what it is derived of, its day, its number.
SELECT {text}, first_day, {table}_id FROM {table} WHERE {table}_id > $after ORDER BY {table}_id LIMIT $limit
