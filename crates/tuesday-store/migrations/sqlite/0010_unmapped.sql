-- Words of a source that no mapping of the rules knew when they were met first. Whether one still waits follows from the
-- mapping in force, so nothing here is ever closed. Twin: ../postgres/ with the same number and name.
CREATE TABLE unmapped (
    workflow TEXT NOT NULL,
    field    TEXT NOT NULL,
    folded   TEXT NOT NULL,
    word     TEXT NOT NULL,
    run_id   BLOB NOT NULL,
    at       INTEGER NOT NULL,
    due_at   INTEGER NOT NULL CHECK (due_at > at),
    PRIMARY KEY (workflow, field, folded)
) STRICT;
