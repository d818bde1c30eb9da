-- Whether delivered outputs are used: what signals say about the use of one, and whose case a run is. What is known of
-- the days so far is made again. Twin: ../sqlite/ with the same number and name.
CREATE TABLE use_reports (
    workflow    TEXT NOT NULL,
    event       TEXT NOT NULL,
    run_id      UUID,
    uptake      TEXT NOT NULL CHECK (uptake = 'used_as_is' OR uptake = 'used_edited' OR uptake = 'ignored' OR
                                     uptake = 'bypassed'),
    count       BIGINT NOT NULL CHECK (count >= 1),
    day         TEXT NOT NULL CHECK (length(day) = 10),
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workflow, event),
    -- Only of the old way something can be known without a run.
    CHECK (run_id IS NOT NULL OR uptake = 'bypassed')
);
CREATE INDEX use_reports_run ON use_reports (run_id, at, event) WHERE run_id IS NOT NULL;
CREATE INDEX use_reports_day ON use_reports (workflow, uptake, day);
CREATE INDEX use_reports_received ON use_reports (received_at);

CREATE TABLE run_groups (
    run_id   UUID PRIMARY KEY,
    name     TEXT NOT NULL CHECK (name <> ''),
    workflow TEXT NOT NULL
);

INSERT INTO use_reports (workflow, event, run_id, uptake, count, day, at, received_at)
    SELECT s.workflow, s.event, s.run_id, 'bypassed', s.count, to_char(to_timestamp(s.at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), s.at, s.received_at
    FROM signals AS s WHERE s.kind = 'old_path' OR EXISTS (SELECT 1 FROM charter_facts AS f
        WHERE f.workflow = s.workflow AND f.statement = 'old_path_signal' AND f.value = s.kind);

UPDATE day_figures SET stale_at = made_at;
