-- What graders asked their models in evaluations: tokens that belong to no run. A cost is absent where no price is
-- known. Twin: ../postgres/ with the same number and name.

CREATE TABLE grader_calls (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    workflow      TEXT NOT NULL,
    release_id    BLOB NOT NULL CHECK (length(release_id) = 16) REFERENCES releases (id),
    day           TEXT NOT NULL CHECK (length(day) = 10),
    about         TEXT NOT NULL CHECK (about = 'gate' OR about = 'canary'),
    grader        TEXT NOT NULL CHECK (grader <> ''),
    model         TEXT NOT NULL CHECK (model <> ''),
    vendor        TEXT NOT NULL CHECK (vendor <> ''),
    calls         INTEGER NOT NULL CHECK (calls >= 1),
    unreported    INTEGER NOT NULL CHECK (unreported >= 0 AND unreported <= calls),
    input_tokens  INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
    cost_micros   INTEGER CHECK (cost_micros >= 0),
    currency      TEXT CHECK (length(currency) = 3),
    at            INTEGER NOT NULL,
    CHECK (currency IS NULL OR cost_micros IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX grader_calls_of ON grader_calls (workflow, day);
