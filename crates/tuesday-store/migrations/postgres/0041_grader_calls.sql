-- What graders asked their models in evaluations: tokens that belong to no run. A cost is absent where no price is
-- known. Twin: ../sqlite/ with the same number and name.

CREATE TABLE grader_calls (
    id            UUID PRIMARY KEY,
    workflow      TEXT NOT NULL,
    release_id    UUID NOT NULL REFERENCES releases (id),
    day           TEXT NOT NULL CHECK (length(day) = 10),
    about         TEXT NOT NULL CHECK (about = 'gate' OR about = 'canary'),
    grader        TEXT NOT NULL CHECK (grader <> ''),
    model         TEXT NOT NULL CHECK (model <> ''),
    vendor        TEXT NOT NULL CHECK (vendor <> ''),
    calls         BIGINT NOT NULL CHECK (calls >= 1),
    unreported    BIGINT NOT NULL CHECK (unreported >= 0 AND unreported <= calls),
    input_tokens  BIGINT NOT NULL CHECK (input_tokens >= 0),
    output_tokens BIGINT NOT NULL CHECK (output_tokens >= 0),
    cost_micros   BIGINT CHECK (cost_micros >= 0),
    currency      TEXT CHECK (length(currency) = 3),
    at            BIGINT NOT NULL,
    CHECK (currency IS NULL OR cost_micros IS NOT NULL)
);
CREATE INDEX grader_calls_of ON grader_calls (workflow, day);
