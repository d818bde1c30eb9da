-- Days are made again so that they hold each call of a model by itself, and the decisions of each group that
-- nobody timed. Twin: ../postgres/ with the same number and name.

UPDATE day_figures SET stale_at = made_at;
