-- Friday tests: somebody who builds nothing tells a finished run from its record, with the clock running.
-- Twin: ../postgres/ with the same number and name.
CREATE TABLE friday_tests (
    workflow  TEXT NOT NULL,
    seq       INTEGER NOT NULL CHECK (seq >= 1),
    state     TEXT NOT NULL CHECK (state = 'running' OR state = 'passed' OR state = 'failed' OR
                                   state = 'not_counted'),
    ended_at  INTEGER,
    report    TEXT,
    version   INTEGER NOT NULL CHECK (version >= 0),
    run_id    BLOB NOT NULL CHECK (length(run_id) = 16),
    person    TEXT NOT NULL CHECK (person <> ''),
    from_at   INTEGER NOT NULL,
    until_at  INTEGER NOT NULL CHECK (until_at > from_at),
    -- Who built it when the test began, by handle: a role that is taken away meanwhile changes nothing.
    engineers TEXT NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((state = 'running') = (report IS NULL))
) STRICT, WITHOUT ROWID;
-- One at a time.
CREATE UNIQUE INDEX friday_tests_open ON friday_tests (workflow) WHERE state = 'running';
