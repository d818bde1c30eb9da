-- What people state about workflows, and what happened to their labels. Rows are only ever added: the
-- newest statement of a kind counts, and a label's standing is its events drawn together. Twin:
-- ../postgres/ with the same number and name.
CREATE TABLE charter_facts (
    workflow  TEXT NOT NULL,
    seq       INTEGER NOT NULL CHECK (seq >= 1),
    statement TEXT NOT NULL CHECK (statement <> ''),
    about     TEXT NOT NULL,
    value     TEXT NOT NULL CHECK (length(value) <= 2000),
    stated_by TEXT NOT NULL CHECK (stated_by <> ''),
    stated_at INTEGER NOT NULL,
    PRIMARY KEY (workflow, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE label_events (
    workflow TEXT NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    kind     TEXT NOT NULL CHECK (kind = 'granted' OR kind = 'raised' OR kind = 'lowered' OR kind = 'lapsing' OR
                                  kind = 'restored' OR kind = 'fell' OR kind = 'asked' OR kind = 'reviewed' OR
                                  kind = 'retired'),
    label    TEXT NOT NULL CHECK (label = 'research' OR label = 'pilot' OR label = 'production' OR
                                  label = 'retired'),
    reasons  TEXT NOT NULL,
    until    INTEGER,
    decision BLOB CHECK (decision IS NULL OR length(decision) = 16),
    moved_by TEXT NOT NULL CHECK (moved_by <> ''),
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (workflow, seq),
    -- A grace has an end, and nothing else has.
    CHECK ((until IS NOT NULL) = (kind = 'lapsing')),
    -- Nothing goes up or down by a person's hand without a decision.
    CHECK ((kind <> 'raised' AND kind <> 'lowered') OR decision IS NOT NULL)
) STRICT, WITHOUT ROWID;
