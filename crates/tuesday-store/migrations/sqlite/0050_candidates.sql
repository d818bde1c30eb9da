-- Workflows-to-be: what people said about each in the quiz. Twin: ../postgres/ with the same number and name.
CREATE TABLE candidates (
    name        TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    -- A dropped one keeps its name and version, so that whoever still has it open cannot overwrite the next one.
    state       TEXT NOT NULL CHECK (state = 'open' OR state = 'dropped'),
    title       TEXT NOT NULL CHECK (title <> ''),
    answers     TEXT NOT NULL CHECK (answers LIKE '{%}'),
    proposed_by TEXT NOT NULL CHECK (proposed_by <> ''),
    proposed_at INTEGER NOT NULL,
    changed_by  TEXT NOT NULL CHECK (changed_by <> ''),
    changed_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;
