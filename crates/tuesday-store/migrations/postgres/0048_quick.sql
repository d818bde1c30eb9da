-- What people changed is found without reading the entries of every run; days are made again so that they
-- hold the sources of their events. Twin: ../sqlite/ with the same number and name.

CREATE INDEX audit_without_run ON audit (kind, idx) WHERE run_id IS NULL;

UPDATE day_figures SET stale_at = made_at;
