-- Confirmed actions that a look at their destination found to be gone or to read otherwise. One row for
-- each, so that what is known is not told every night. Twin: ../postgres/ with the same name.

CREATE TABLE gaps (
    action_id BLOB PRIMARY KEY CHECK (length(action_id) = 16),
    state     TEXT NOT NULL CHECK (state = 'missing' OR state = 'changed' OR state = 'mended'),
    words     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    version   INTEGER NOT NULL CHECK (version >= 1),
    run_id    BLOB NOT NULL CHECK (length(run_id) = 16),
    workflow  TEXT NOT NULL CHECK (workflow <> '')
) STRICT, WITHOUT ROWID;
