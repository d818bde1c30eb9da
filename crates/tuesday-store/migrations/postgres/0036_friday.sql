-- Friday tests: somebody who builds nothing tells a finished run from its record, with the clock running.
-- Twin: ../sqlite/ with the same number and name.
CREATE TABLE friday_tests (
    workflow  TEXT NOT NULL,
    seq       BIGINT NOT NULL CHECK (seq >= 1),
    state     TEXT NOT NULL CHECK (state = 'running' OR state = 'passed' OR state = 'failed' OR
                                   state = 'not_counted'),
    ended_at  BIGINT,
    report    TEXT,
    version   BIGINT NOT NULL CHECK (version >= 0),
    run_id    UUID NOT NULL,
    person    TEXT NOT NULL CHECK (person <> ''),
    from_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL CHECK (until_at > from_at),
    -- Who built it when the test began, by handle: a role that is taken away meanwhile changes nothing.
    engineers TEXT NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((state = 'running') = (report IS NULL))
);
-- One at a time.
CREATE UNIQUE INDEX friday_tests_open ON friday_tests (workflow) WHERE state = 'running';
