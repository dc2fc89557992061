-- The words of the index from ?1 on, each found from the one before it, as no word has
-- a character 0: up to the first that does not begin with ?1, or null where there is
-- none. It ends before that with ?2 of them, and with one that is often: that has ?3
-- rows or more after the row ?4.
WITH RECURSIVE word (term, n) AS (
    SELECT (SELECT v.term FROM mirror_word v WHERE v.term >= ?1 LIMIT 1), 1
    UNION ALL
    SELECT (SELECT v.term FROM mirror_word v WHERE v.term >= word.term || char(0) LIMIT 1), n + 1
    FROM word
    WHERE substr(term, 1, length(?1)) = ?1 AND n < ?2
        AND coalesce((SELECT rowid FROM mirror_text WHERE mirror_text MATCH '"' || word.term || '"' ORDER BY rowid DESC LIMIT 1 OFFSET ?3 - 1), 0) <= ?4
)
SELECT coalesce(term, '') FROM word ORDER BY n
