-- A text that no event refers to any more is of nobody, or of an erased person.
DELETE FROM {table} WHERE {table}_id > 0 AND {table}_id NOT IN (SELECT {table}_id FROM events WHERE {table}_id IS NOT NULL)
