-- Mails to the address for reports: one row for each that was taken, so that none becomes a second report.
-- Nothing of a mail stands here; the key is a hash. Twin: ../sqlite/ with the same name.

CREATE TABLE report_mails (
    mail_key   TEXT PRIMARY KEY CHECK (mail_key <> ''),
    outcome    TEXT NOT NULL CHECK (outcome IN ('reported', 'too_large', 'unreadable', 'without_text', 'automatic',
        'too_many')),
    report_id  UUID,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    taken_at   BIGINT NOT NULL,
    -- What is no report was put aside.
    CHECK ((report_id IS NULL) = (outcome IN ('automatic', 'too_many')))
);
CREATE INDEX report_mails_aside ON report_mails (taken_at) WHERE report_id IS NULL;
-- How many reports somebody sent within an hour.
CREATE INDEX problem_reports_by ON problem_reports (reported_by, created_at);
