-- Known errors in the queue say which field is spoilt and which decided run they were made from, and nothing can ever
-- be written for one: the database refuses its actions. Twin: ../postgres/ with the same number and name.
ALTER TABLE seeds ADD COLUMN field TEXT NOT NULL DEFAULT '';
ALTER TABLE seeds ADD COLUMN made_from BLOB CHECK (length(made_from) = 16);
-- A case is used once; two nodes that choose the same one place it once.
CREATE UNIQUE INDEX seeds_case ON seeds (made_from);
CREATE TRIGGER actions_no_seed BEFORE INSERT ON actions WHEN EXISTS (SELECT 1 FROM seeds WHERE run_id = NEW.run_id)
BEGIN SELECT RAISE(ABORT, 'a known error in the queue never acts'); END;

-- The operator owner was told that somebody may approve without looking; a person once a day at most.
CREATE TABLE stamp_notices (
    workflow TEXT NOT NULL,
    person   TEXT NOT NULL,
    day      TEXT NOT NULL CHECK (length(day) = 10),
    at       INTEGER NOT NULL,
    told     TEXT NOT NULL CHECK (told <> ''),
    words    TEXT NOT NULL CHECK (words <> ''),
    PRIMARY KEY (workflow, person, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX stamp_notices_at ON stamp_notices (at);
