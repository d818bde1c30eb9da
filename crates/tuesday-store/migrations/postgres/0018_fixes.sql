-- The category of error that a release answers, the layers in which it differs from the release before,
-- and who excused it when the gate stopped the fourth rewrite of a prompt.
CREATE TABLE release_fixes (
    release_id UUID PRIMARY KEY REFERENCES releases (id),
    category   TEXT NOT NULL CHECK (category <> ''),
    layers     TEXT NOT NULL,
    class      TEXT CHECK (class IS NULL OR class = 'input' OR class = 'rules' OR class = 'connector' OR class = 'process'),
    excuse     TEXT CHECK (excuse IS NULL OR excuse <> ''),
    excused_by TEXT,
    excused_at BIGINT,
    -- An excuse has a person and a moment; a class is one kind of excuse.
    CHECK ((excuse IS NULL) = (excused_by IS NULL) AND (excuse IS NULL) = (excused_at IS NULL)),
    CHECK (class IS NULL OR excuse IS NOT NULL)
);
-- Whether an error of a kind came back is asked about a workflow and a span of time.
CREATE INDEX problem_reports_kind ON problem_reports (workflow, kind, created_at);
-- Shadow runs of some days are compared with what people did; there are few of them among many runs.
CREATE INDEX runs_shadow ON runs (workflow, batch, id) WHERE stage = 'shadow';
