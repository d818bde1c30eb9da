-- A successor for an owner who left and training that has to be renewed are owed as well; a decision keeps the
-- records it rests on, the conditions it holds under, and the decision it replaces. Twin: ../postgres/ with the
-- same number and name.

-- A condition of a table cannot be changed here, so the table is made anew.
CREATE TABLE duties_new (
    id        BLOB PRIMARY KEY CHECK (length(id) = 16),
    state     TEXT NOT NULL CHECK (state = 'open' OR state = 'done'),
    owner     TEXT NOT NULL CHECK (owner <> ''),
    due_at    INTEGER NOT NULL,
    answer    TEXT CHECK (answer = 'release' OR answer = 'rules' OR answer = 'reason'),
    number    INTEGER CHECK (number >= 1),
    words     TEXT,
    done_by   TEXT,
    done_at   INTEGER,
    late_at   INTEGER,
    version   INTEGER NOT NULL CHECK (version >= 1),
    kind      TEXT NOT NULL CHECK (kind IN ('policy_update', 'emergency_review', 'thirty_days', 'ninety_days',
                                            'successor', 'retraining')),
    workflow  TEXT NOT NULL CHECK (workflow <> ''),
    about     TEXT NOT NULL CHECK (about <> ''),
    item      TEXT NOT NULL CHECK (item <> ''),
    reason    TEXT NOT NULL CHECK (reason <> ''),
    opened_by TEXT NOT NULL CHECK (opened_by <> ''),
    opened_at INTEGER NOT NULL,
    CHECK ((state = 'done') = (answer IS NOT NULL)),
    CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CHECK ((done_by IS NULL) = (done_at IS NULL)),
    CHECK (number IS NULL OR (answer IS NOT NULL AND answer <> 'reason')),
    -- What is answered by a reason has words.
    CHECK (answer IS NULL OR answer <> 'reason' OR (words IS NOT NULL AND words <> ''))
) STRICT, WITHOUT ROWID;
INSERT INTO duties_new SELECT * FROM duties;
DROP TABLE duties;
ALTER TABLE duties_new RENAME TO duties;
CREATE INDEX duties_open ON duties (due_at, id) WHERE state = 'open';
CREATE INDEX duties_workflow ON duties (workflow, due_at, id);

-- Lists as JSON; empty in what was decided before.
ALTER TABLE decisions ADD COLUMN links TEXT NOT NULL DEFAULT '[]' CHECK (links LIKE '[%]');
ALTER TABLE decisions ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]' CHECK (conditions LIKE '[%]');
ALTER TABLE decisions ADD COLUMN supersedes BLOB CHECK (supersedes IS NULL OR length(supersedes) = 16);
-- One decision takes the place of another one, and nothing takes it twice.
CREATE UNIQUE INDEX decisions_supersede ON decisions (supersedes) WHERE supersedes IS NOT NULL;
