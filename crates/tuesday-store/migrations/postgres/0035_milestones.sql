-- What a workflow came to after thirty days and on the day of its ninety-day metric is owed as well.
-- Twin: ../sqlite/ with the same name.

ALTER TABLE duties DROP CONSTRAINT duties_kind_check;
ALTER TABLE duties ADD CONSTRAINT duties_kind_check
    CHECK (kind IN ('policy_update', 'emergency_review', 'thirty_days', 'ninety_days'));
