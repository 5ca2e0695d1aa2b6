-- Which runs wrote them.
SELECT id, version, command FROM tidegauge.runs WHERE id = ANY (:'runs'::text[]) ORDER BY started_at
