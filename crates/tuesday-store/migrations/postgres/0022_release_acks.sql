-- Who has read which release that changed what people judge: its prompt, the texts in it, its model.
-- Twin: ../sqlite/ with the same number and name.
CREATE TABLE release_acks (
    workflow TEXT NOT NULL,
    person   TEXT NOT NULL,
    number   BIGINT NOT NULL CHECK (number >= 1),
    at       BIGINT NOT NULL,
    PRIMARY KEY (workflow, person)
);
