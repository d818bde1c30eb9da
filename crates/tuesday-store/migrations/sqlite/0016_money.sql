-- Money and time: prices with their versions, entered costs, the baseline by hand, spend limits, signed weeks,
-- and what each day came to. Money is in millionths of its currency. Twin: ../postgres/ with the same name.

ALTER TABLE attempts ADD COLUMN currency TEXT;
ALTER TABLE attempts ADD COLUMN price_version INTEGER;

CREATE TABLE prices (
    kind          TEXT NOT NULL CHECK (kind = 'model' OR kind = 'hour'),
    name          TEXT NOT NULL CHECK (name <> ''),
    version       INTEGER NOT NULL CHECK (version >= 1),
    currency      TEXT NOT NULL CHECK (length(currency) = 3),
    input_micros  INTEGER CHECK (input_micros >= 0),
    output_micros INTEGER CHECK (output_micros >= 0),
    hour_micros   INTEGER CHECK (hour_micros >= 0),
    starts_at     INTEGER NOT NULL,
    reason        TEXT NOT NULL CHECK (reason <> ''),
    set_by        TEXT NOT NULL CHECK (set_by <> ''),
    set_at        INTEGER NOT NULL,
    PRIMARY KEY (kind, name, version),
    CHECK ((kind = 'model') = (input_micros IS NOT NULL)),
    CHECK ((kind = 'model') = (output_micros IS NOT NULL)),
    CHECK ((kind = 'hour') = (hour_micros IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE cost_entries (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    category      TEXT NOT NULL CHECK (category = 'infrastructure' OR category = 'review' OR category = 'maintenance' OR
                                       category = 'support' OR category = 'exit'),
    workflow      TEXT,
    day_from      TEXT NOT NULL CHECK (length(day_from) = 10),
    day_to        TEXT NOT NULL CHECK (length(day_to) = 10),
    amount_micros INTEGER,
    currency      TEXT CHECK (length(currency) = 3),
    minutes       INTEGER,
    person        TEXT,
    vendor        TEXT,
    bucket        TEXT CHECK (bucket = 'spine' OR bucket = 'first_workflow' OR bucket = 'human_loop' OR
                              bucket = 'second_use_case'),
    words         TEXT NOT NULL CHECK (words <> ''),
    reference     TEXT,
    reverses      BLOB CHECK (length(reverses) = 16),
    entered_by    TEXT NOT NULL CHECK (entered_by <> ''),
    entered_at    INTEGER NOT NULL,
    CHECK (day_from <= day_to),
    CHECK ((amount_micros IS NULL) <> (minutes IS NULL)),
    CHECK ((amount_micros IS NULL) = (currency IS NULL)),
    -- Only what takes another entry back is negative.
    CHECK (reverses IS NOT NULL OR coalesce(amount_micros, minutes) > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX cost_entries_days ON cost_entries (day_to, day_from);
CREATE UNIQUE INDEX cost_entries_reference ON cost_entries (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX cost_entries_reversed ON cost_entries (reverses) WHERE reverses IS NOT NULL;

CREATE TABLE baselines (
    workflow      TEXT NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    sample        INTEGER NOT NULL CHECK (sample >= 1),
    handling_ms   INTEGER NOT NULL CHECK (handling_ms >= 1),
    errors        INTEGER NOT NULL CHECK (errors >= 0 AND errors <= sample),
    turnaround_ms INTEGER NOT NULL CHECK (turnaround_ms >= 0),
    method        TEXT NOT NULL CHECK (method <> ''),
    sampled_from  TEXT NOT NULL CHECK (length(sampled_from) = 10),
    sampled_to    TEXT NOT NULL CHECK (length(sampled_to) = 10),
    after_launch  INTEGER NOT NULL CHECK (after_launch = 0 OR after_launch = 1),
    captured_by   TEXT NOT NULL CHECK (captured_by <> ''),
    captured_at   INTEGER NOT NULL,
    PRIMARY KEY (workflow, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE spend_limits (
    workflow    TEXT PRIMARY KEY,
    period      TEXT NOT NULL CHECK (period = 'day' OR period = 'month'),
    warn_micros INTEGER CHECK (warn_micros >= 0),
    stop_micros INTEGER NOT NULL CHECK (stop_micros >= 0),
    currency    TEXT NOT NULL CHECK (length(currency) = 3),
    act         TEXT NOT NULL CHECK (act = 'hold' OR act = 'pause'),
    set_by      TEXT NOT NULL CHECK (set_by <> ''),
    reason      TEXT NOT NULL CHECK (reason <> ''),
    set_at      INTEGER NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE spends (
    workflow        TEXT NOT NULL,
    period          TEXT NOT NULL,
    spent_micros    INTEGER NOT NULL CHECK (spent_micros >= 0),
    reserved_micros INTEGER NOT NULL CHECK (reserved_micros >= 0),
    assumed_micros  INTEGER NOT NULL CHECK (assumed_micros >= 0),
    warned_at       INTEGER,
    stopped_at      INTEGER,
    PRIMARY KEY (workflow, period)
) STRICT, WITHOUT ROWID;

-- What a run holds of a limit while its call is in flight; a call whose end nobody saw leaves its row.
CREATE TABLE spend_holds (
    run_id   BLOB PRIMARY KEY CHECK (length(run_id) = 16),
    workflow TEXT NOT NULL,
    period   TEXT NOT NULL,
    micros   INTEGER NOT NULL CHECK (micros >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE weekly_reviews (
    workflow  TEXT NOT NULL,
    week      TEXT NOT NULL CHECK (length(week) = 10),
    figures   TEXT NOT NULL,
    note      TEXT NOT NULL CHECK (note <> ''),
    signed_by TEXT NOT NULL CHECK (signed_by <> ''),
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (workflow, week)
) STRICT, WITHOUT ROWID;

-- Derived: made again from the records whenever they move, so that no page reads every run.
CREATE TABLE day_figures (
    workflow TEXT NOT NULL,
    day      TEXT NOT NULL CHECK (length(day) = 10),
    figures  TEXT NOT NULL,
    open     INTEGER NOT NULL CHECK (open >= 0),
    made_at  INTEGER NOT NULL,
    -- A record moved behind the back of whoever looks for moved records.
    stale_at INTEGER,
    PRIMARY KEY (workflow, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX day_figures_waiting ON day_figures (workflow, day, open) WHERE open > 0 OR stale_at IS NOT NULL;

-- Up to where the records were looked at: a run's id, and a moment of the instance's clock.
CREATE TABLE figure_mark (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    run_id BLOB NOT NULL CHECK (length(run_id) = 16),
    at     INTEGER NOT NULL
) STRICT;

-- Which cases were in view since then.
CREATE INDEX review_reads_last ON review_reads (last_at, run_id);
