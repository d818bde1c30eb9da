-- Trouble and who answers for it: findings, incidents with their timeline, alerts, corrections, and
-- signals from outside.

-- What was found, written with the change that found it; a pass of the machine takes it to its incident.
CREATE TABLE findings (
    id          UUID PRIMARY KEY,
    incident_id UUID,
    key         TEXT NOT NULL CHECK (key <> ''),
    category    TEXT NOT NULL,
    workflow    TEXT,
    run_id      UUID,
    words       TEXT NOT NULL,
    hard        BIGINT NOT NULL CHECK (hard = 0 OR hard = 1),
    at          BIGINT NOT NULL
);
CREATE INDEX findings_new ON findings (key, at) WHERE incident_id IS NULL;
CREATE INDEX findings_taken ON findings (incident_id, at) WHERE incident_id IS NOT NULL;

CREATE TABLE incidents (
    id              UUID PRIMARY KEY,
    state           TEXT NOT NULL CHECK (state = 'triggered' OR state = 'acknowledged' OR state = 'mitigated' OR
                                         state = 'resolved' OR state = 'reviewed'),
    severity        TEXT NOT NULL CHECK (severity = 'critical' OR severity = 'high' OR severity = 'low'),
    owner           TEXT NOT NULL CHECK (owner <> ''),
    count           BIGINT NOT NULL CHECK (count >= 0),
    last_at         BIGINT NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at BIGINT,
    resolution      TEXT,
    resolved_by     TEXT,
    resolved_at     BIGINT,
    case_name       TEXT,
    waiver          TEXT,
    fix_layer       TEXT CHECK (fix_layer = 'input' OR fix_layer = 'prompt' OR fix_layer = 'model' OR
                                fix_layer = 'rules' OR fix_layer = 'connector' OR fix_layer = 'process' OR
                                fix_layer = 'platform'),
    reviewed_by     TEXT,
    version         BIGINT NOT NULL CHECK (version >= 1),
    key             TEXT NOT NULL CHECK (key <> ''),
    category        TEXT NOT NULL CHECK (category <> ''),
    title           TEXT NOT NULL CHECK (title <> ''),
    workflow        TEXT,
    opened_by       TEXT NOT NULL,
    opened_at       BIGINT NOT NULL,
    -- Somebody who is on it has a name.
    CHECK (state <> 'acknowledged' OR (acknowledged_by IS NOT NULL AND acknowledged_at IS NOT NULL)),
    -- What is closed says who closed it, when, and what was done; what is open does not.
    CHECK ((state = 'resolved' OR state = 'reviewed') = (resolved_at IS NOT NULL)),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    CHECK (resolved_at IS NULL OR coalesce(resolution, '') <> ''),
    -- A wrong answer is closed with a case that guards against the next one, or with a reason for none.
    CHECK (resolved_at IS NULL OR category <> 'wrong_answer' OR coalesce(case_name, '') <> ''
           OR coalesce(waiver, '') <> ''),
    CHECK ((state = 'reviewed') = (reviewed_by IS NOT NULL)),
    CHECK (state <> 'reviewed' OR fix_layer IS NOT NULL)
);
-- One cause is one open incident.
CREATE UNIQUE INDEX incidents_cause ON incidents (key)
    WHERE state = 'triggered' OR state = 'acknowledged' OR state = 'mitigated';
CREATE INDEX incidents_key ON incidents (key, opened_at);

-- The timeline. Lines are added, never changed.
CREATE TABLE incident_entries (
    incident_id UUID NOT NULL,
    seq         BIGINT NOT NULL CHECK (seq >= 1),
    at          BIGINT NOT NULL,
    about       BIGINT,
    actor       TEXT NOT NULL CHECK (actor <> ''),
    kind        TEXT NOT NULL CHECK (kind <> ''),
    words       TEXT NOT NULL,
    PRIMARY KEY (incident_id, seq)
);
CREATE FUNCTION incident_entries_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the timeline of an incident never changes'; END $$;
CREATE TRIGGER incident_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_entries
    FOR EACH STATEMENT EXECUTE FUNCTION incident_entries_stay();

CREATE TABLE incident_runs (
    incident_id UUID NOT NULL,
    run_id      UUID NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (incident_id, run_id)
);
CREATE INDEX incident_runs_run ON incident_runs (run_id);

CREATE TABLE alerts (
    id              UUID PRIMARY KEY,
    state           TEXT NOT NULL CHECK (state = 'firing' OR state = 'notified' OR state = 'escalated' OR
                                         state = 'acknowledged' OR state = 'cleared'),
    person          TEXT NOT NULL CHECK (person <> ''),
    chain           TEXT NOT NULL CHECK (chain <> ''),
    level           BIGINT NOT NULL CHECK (level >= 0),
    round           BIGINT NOT NULL CHECK (round >= 0),
    tries           BIGINT NOT NULL CHECK (tries >= 0),
    due_at          BIGINT NOT NULL,
    detail          TEXT,
    acknowledged_by TEXT,
    version         BIGINT NOT NULL CHECK (version >= 1),
    incident_id     UUID NOT NULL,
    workflow        TEXT,
    fired_at        BIGINT NOT NULL,
    CHECK (state <> 'acknowledged' OR acknowledged_by IS NOT NULL)
);
CREATE UNIQUE INDEX alerts_incident ON alerts (incident_id);
CREATE INDEX alerts_due ON alerts (due_at) WHERE state <> 'cleared';

CREATE TABLE alert_deliveries (
    alert_id UUID NOT NULL,
    n        BIGINT NOT NULL CHECK (n >= 1),
    kind     TEXT NOT NULL CHECK (kind = 'alert' OR kind = 'cleared' OR kind = 'test'),
    person   TEXT NOT NULL CHECK (person <> ''),
    ok       BIGINT NOT NULL CHECK (ok = 0 OR ok = 1),
    channel  TEXT,
    detail   TEXT,
    at       BIGINT NOT NULL,
    PRIMARY KEY (alert_id, n),
    CHECK (ok = 0 OR coalesce(channel, '') <> '')
);
CREATE INDEX alert_deliveries_at ON alert_deliveries (at);

CREATE TABLE corrections (
    id          UUID PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'dropped'),
    owner       TEXT NOT NULL CHECK (owner <> ''),
    due_at      BIGINT NOT NULL,
    receipt     TEXT,
    settled_by  TEXT,
    settled_at  BIGINT,
    note        TEXT,
    version     BIGINT NOT NULL CHECK (version >= 1),
    incident_id UUID NOT NULL,
    run_id      UUID NOT NULL,
    action_id   UUID,
    place       TEXT NOT NULL,
    words       TEXT NOT NULL CHECK (words <> ''),
    created_at  BIGINT NOT NULL,
    CHECK ((state = 'open') = (settled_at IS NULL)),
    CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    -- Done is what the destination proves; dropped says why.
    CHECK (state <> 'done' OR coalesce(receipt, '') <> ''),
    CHECK (state <> 'dropped' OR coalesce(note, '') <> '')
);
CREATE INDEX corrections_incident ON corrections (incident_id, id);
CREATE INDEX corrections_open ON corrections (due_at) WHERE state = 'open';

-- Quality signals from outside. The sender's event counts once.
CREATE TABLE outside_signals (
    workflow TEXT NOT NULL,
    event    TEXT NOT NULL CHECK (event <> ''),
    count    BIGINT NOT NULL CHECK (count >= 1),
    kind     TEXT NOT NULL CHECK (kind <> ''),
    run_id   UUID,
    at       BIGINT NOT NULL,
    sent_by  TEXT NOT NULL CHECK (sent_by <> ''),
    PRIMARY KEY (workflow, event)
);
CREATE INDEX outside_signals_at ON outside_signals (workflow, kind, at);
