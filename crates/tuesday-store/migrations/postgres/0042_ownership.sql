-- A successor for an owner who left and training that has to be renewed are owed as well; a decision keeps the
-- records it rests on, the conditions it holds under, and the decision it replaces. Twin: ../sqlite/ with the
-- same number and name.

ALTER TABLE duties DROP CONSTRAINT duties_kind_check;
ALTER TABLE duties ADD CONSTRAINT duties_kind_check
    CHECK (kind IN ('policy_update', 'emergency_review', 'thirty_days', 'ninety_days', 'successor', 'retraining'));

-- Lists as JSON; empty in what was decided before.
ALTER TABLE decisions ADD COLUMN links TEXT NOT NULL DEFAULT '[]' CHECK (links LIKE '[%]');
ALTER TABLE decisions ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]' CHECK (conditions LIKE '[%]');
ALTER TABLE decisions ADD COLUMN supersedes UUID;
-- One decision takes the place of another one, and nothing takes it twice.
CREATE UNIQUE INDEX decisions_supersede ON decisions (supersedes) WHERE supersedes IS NOT NULL;
