-- What is asked when an error is closed: in which layer it is fixed, and whether somebody who writes no
-- code can fix the next one. What answering a report took, in minutes. Twin: ../sqlite/ with the same name.

ALTER TABLE incidents ADD COLUMN without_code BIGINT CHECK (without_code = 0 OR without_code = 1);
ALTER TABLE problem_reports ADD COLUMN fix_layer TEXT CHECK (fix_layer = 'input' OR fix_layer = 'prompt' OR
    fix_layer = 'model' OR fix_layer = 'rules' OR fix_layer = 'connector' OR fix_layer = 'process' OR
    fix_layer = 'platform');
ALTER TABLE problem_reports ADD COLUMN without_code BIGINT CHECK (without_code = 0 OR without_code = 1);
ALTER TABLE problem_reports ADD COLUMN minutes BIGINT CHECK (minutes >= 1);
-- What was closed in a span of time.
CREATE INDEX incidents_resolved ON incidents (resolved_at) WHERE state = 'reviewed';
CREATE INDEX problem_reports_answered ON problem_reports (answered_at) WHERE state = 'quality_issue';
CREATE INDEX problem_reports_came ON problem_reports (workflow, created_at);

-- When a node that works was last seen, and when the last one stopped because it was told to.
ALTER TABLE instance ADD COLUMN seen_at BIGINT;
ALTER TABLE instance ADD COLUMN stopped_at BIGINT;
