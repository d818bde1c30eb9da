-- Confirmed actions that a look at their destination found to be gone or to read otherwise. One row for
-- each, so that what is known is not told every night. Twin: ../sqlite/ with the same name.

CREATE TABLE gaps (
    action_id UUID PRIMARY KEY,
    state     TEXT NOT NULL CHECK (state = 'missing' OR state = 'changed' OR state = 'mended'),
    words     TEXT NOT NULL,
    at        BIGINT NOT NULL,
    version   BIGINT NOT NULL CHECK (version >= 1),
    run_id    UUID NOT NULL,
    workflow  TEXT NOT NULL CHECK (workflow <> '')
);
