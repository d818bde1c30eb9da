-- What leaving a vendor would take: what another provider came to with the pack, and how many days people
-- say it is. Twin: ../postgres/ with the same number and name.

CREATE TABLE swap_drills (
    workflow         TEXT NOT NULL,
    seq              INTEGER NOT NULL CHECK (seq >= 1),
    release_id       BLOB NOT NULL CHECK (length(release_id) = 16) REFERENCES releases (id),
    provider_live    TEXT NOT NULL CHECK (provider_live <> ''),
    model_live       TEXT NOT NULL CHECK (model_live <> ''),
    provider         TEXT NOT NULL CHECK (provider <> '' AND provider <> provider_live),
    model            TEXT NOT NULL CHECK (model <> ''),
    pack_hash        TEXT NOT NULL CHECK (pack_hash <> ''),
    cases            INTEGER NOT NULL CHECK (cases >= 1),
    passed_live      INTEGER NOT NULL CHECK (passed_live >= 0 AND passed_live <= cases),
    passed           INTEGER NOT NULL CHECK (passed >= 0 AND passed <= cases),
    standing         TEXT NOT NULL CHECK (standing <> ''),
    cost_live_micros INTEGER CHECK (cost_live_micros >= 0),
    cost_micros      INTEGER CHECK (cost_micros >= 0),
    currency         TEXT CHECK (length(currency) = 3),
    run_by           TEXT NOT NULL CHECK (run_by <> ''),
    at               INTEGER NOT NULL,
    PRIMARY KEY (workflow, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE exit_estimates (
    workflow    TEXT NOT NULL,
    vendor      TEXT NOT NULL CHECK (vendor <> ''),
    version     INTEGER NOT NULL CHECK (version >= 1),
    days_tenths INTEGER NOT NULL CHECK (days_tenths >= 1),
    reason      TEXT NOT NULL CHECK (reason <> ''),
    set_by      TEXT NOT NULL CHECK (set_by <> ''),
    at          INTEGER NOT NULL,
    PRIMARY KEY (workflow, vendor, version)
) STRICT, WITHOUT ROWID;
