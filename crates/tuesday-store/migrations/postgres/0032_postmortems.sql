-- Why a workflow stopped, and what somebody has to do after a stop or an incident, by a day.
-- Twin: ../sqlite/ with the same number and name.
CREATE TABLE postmortems (
    workflow  TEXT NOT NULL,
    seq       BIGINT NOT NULL CHECK (seq >= 1),
    state     TEXT NOT NULL CHECK (state = 'open' OR state = 'closed'),
    owner     TEXT NOT NULL CHECK (owner <> ''),
    answers   TEXT NOT NULL,
    root      TEXT CHECK (root = 'ownership' OR root = 'integration' OR root = 'review' OR root = 'change_management' OR
                          root = 'metric' OR root = 'inputs' OR root = 'governance' OR root = 'process_clarity' OR
                          root = 'model'),
    wall      TEXT CHECK (wall = 'data' OR wall = 'eval' OR wall = 'ops' OR wall = 'security' OR
                          wall = 'change' OR wall = 'economics'),
    ruled_out TEXT,
    lessons   TEXT,
    closed_by TEXT,
    closed_at BIGINT,
    version   BIGINT NOT NULL CHECK (version >= 1),
    stopped   TEXT NOT NULL CHECK (stopped = 'killed' OR stopped = 'retired' OR stopped = 'decided' OR
                                   stopped = 'asked'),
    reason    TEXT NOT NULL CHECK (reason <> ''),
    opened_by TEXT NOT NULL CHECK (opened_by <> ''),
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    -- Closed is answered in full.
    CHECK (state = 'open' OR (root IS NOT NULL AND wall IS NOT NULL AND coalesce(lessons, '') <> '')),
    -- The model is the root only where it is said why it was nothing else.
    CHECK (coalesce(root, '') <> 'model' OR ruled_out IS NOT NULL)
);
-- One at a time.
CREATE UNIQUE INDEX postmortems_open ON postmortems (workflow) WHERE state = 'open';
CREATE INDEX postmortems_opened ON postmortems (opened_at);

CREATE TABLE follow_ups (
    id          UUID PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'dropped'),
    owner       TEXT NOT NULL CHECK (owner <> ''),
    due_at      BIGINT NOT NULL,
    told_at     BIGINT,
    note        TEXT,
    ended_by    TEXT,
    ended_at    BIGINT,
    version     BIGINT NOT NULL CHECK (version >= 1),
    incident_id UUID,
    postmortem  BIGINT,
    workflow    TEXT,
    words       TEXT NOT NULL CHECK (words <> ''),
    created_by  TEXT NOT NULL CHECK (created_by <> ''),
    created_at  BIGINT NOT NULL,
    -- It follows from one thing.
    CHECK ((incident_id IS NULL) <> (postmortem IS NULL)),
    CHECK (postmortem IS NULL OR workflow IS NOT NULL),
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (state = 'open' OR coalesce(note, '') <> '')
);
CREATE INDEX follow_ups_open ON follow_ups (owner, due_at) WHERE state = 'open';
CREATE INDEX follow_ups_due ON follow_ups (due_at) WHERE state = 'open' AND told_at IS NULL;
CREATE INDEX follow_ups_incident ON follow_ups (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX follow_ups_postmortem ON follow_ups (workflow, postmortem) WHERE postmortem IS NOT NULL;
