-- Who has read which release that changed what people judge: its prompt, the texts in it, its model.
-- Twin: ../postgres/ with the same number and name.
CREATE TABLE release_acks (
    workflow TEXT NOT NULL,
    person   TEXT NOT NULL,
    number   INTEGER NOT NULL CHECK (number >= 1),
    at       INTEGER NOT NULL,
    PRIMARY KEY (workflow, person)
) STRICT, WITHOUT ROWID;
