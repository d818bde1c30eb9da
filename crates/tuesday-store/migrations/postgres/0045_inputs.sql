-- What was wrong with which input of a run, so that inputs are put right before the model is blamed. Days that are over
-- have none. Twin: ../sqlite/ with the same number and name.
CREATE TABLE run_inputs (
    run_id   UUID NOT NULL,
    source   TEXT NOT NULL CHECK (source <> ''),
    fault    TEXT NOT NULL CHECK (fault = 'missing' OR fault = 'stale' OR fault = 'conflicting' OR fault = 'invalid'),
    workflow TEXT NOT NULL,
    PRIMARY KEY (run_id, source, fault)
);

-- Who starts runs again; few of all.
CREATE INDEX runs_again ON runs (workflow, batch, requester) WHERE rerun_of IS NOT NULL;
