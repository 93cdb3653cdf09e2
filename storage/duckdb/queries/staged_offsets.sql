SELECT count(*), count(DISTINCT "offset"), min("offset"), max("offset") FROM batch
