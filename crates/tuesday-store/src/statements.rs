//! Every write statement, prepared against the database: a missing column shows at a test or at
//! `doctor`, not at three in the morning.

use crate::Store;
use crate::error::ApplyError;
use crate::sqlite::fault::from_sqlite;
use crate::table::Table;
use crate::{
    Back, actions, attempts, audit, candidates, charter, duties, gates, incidents, instance,
    intake, jobs, load, money, notices, oversight, payloads, people, postgres, postmortems,
    privacy, problems, queue, reviews, rights, rollout, rules, runs, sqlite, workflows,
};

fn tables() -> Vec<&'static Table> {
    vec![
        &runs::RUNS,
        &payloads::PAYLOADS,
        &attempts::ATTEMPTS,
        &jobs::JOBS,
        &reviews::REVIEWS,
        &actions::ACTIONS,
        &intake::INTAKE,
        &notices::NOTICES,
        &people::PEOPLE,
        &people::TOKENS,
        &rights::GRANTS,
        &rights::CREDENTIALS,
        &rights::INVITES,
        &rights::SESSIONS,
        &rights::GUESSES,
        &rights::AWAY,
        &workflows::WORKFLOWS,
        &workflows::RELEASES,
        &rules::RULESETS,
        &rules::ACKS,
        &gates::ACKS,
        &rules::ROUTED,
        &workflows::CURSORS,
        &queue::PRIORITIES,
        &queue::VIEWS,
        &oversight::READS,
        &oversight::VISITS,
        &oversight::LOOKS,
        &oversight::SEEDS,
        &oversight::STAMPS,
        &problems::PROBLEMS,
        &problems::MAILS,
        &duties::DUTIES,
        &incidents::FINDINGS,
        &incidents::INCIDENTS,
        &incidents::ENTRIES,
        &incidents::RUNS,
        &incidents::ALERTS,
        &incidents::DELIVERIES,
        &incidents::CORRECTIONS,
        &postmortems::POSTMORTEMS,
        &postmortems::FOLLOW_UPS,
        &charter::FACTS,
        &charter::TURNOVERS,
        &charter::FRIDAYS,
        &charter::FIRST_SHIFTS,
        &charter::EVENTS,
        &rollout::DECISIONS,
        &rollout::SIGNALS,
        &rollout::USES,
        &rollout::GROUPS,
        &rollout::INPUTS,
        &money::PRICES,
        &money::ENTRIES,
        &money::BASELINES,
        &money::LIMITS,
        &money::HOLDS,
        &money::WEEKLIES,
        &load::PLANS,
        &load::BASELINES,
        &load::FINDINGS,
        &load::CANARY,
        &candidates::CANDIDATES,
        &privacy::HOLDS,
        &privacy::ERASURES,
    ]
}

/// Written once for both databases.
const SHARED: &[&str] = &[
    workflows::SET_RELEASE,
    rules::MOVE_RULESET,
    rules::DECIDE_ROUTED,
    instance::RESTORED,
    people::REVOKE,
    queue::DROP_VIEW,
    incidents::DROP_FINDINGS,
    reviews::RENEW,
    rights::DROP_GRANT,
    rights::DROP_CREDENTIAL,
    rights::USE_INVITE,
    rights::USE_CREDENTIAL,
    rights::DROP_SESSION,
    rights::BEGIN_CEREMONY,
    rights::END_CEREMONY,
    rights::TIDY_CEREMONIES,
    rights::COUNT_GUESS,
    rights::FORGIVE_GUESS,
    money::OPEN_SPEND,
    money::RESERVE,
    money::SETTLE,
    money::DROP_HOLD,
    money::WARNED,
    money::STOPPED,
    money::STALE_DAY,
    money::PUT_DAY,
    money::MARK,
    rights::SEEN,
    rights::USED,
];

impl Store {
    /// Prepares every statement that writes and returns how many there are.
    ///
    /// # Errors
    /// Names the first one that the database does not understand.
    pub async fn check_statements(&self) -> Result<usize, ApplyError> {
        let lite = matches!(self.back, Back::Sqlite(_));
        let mut all: Vec<&'static str> = SHARED.to_vec();
        all.extend(privacy::ALL);
        for table in tables() {
            let sql = if lite {
                table.sqlite()
            } else {
                table.postgres()
            };
            all.push(&sql.insert);
            if table.bound > table.keys {
                all.push(&sql.update);
                all.push(&sql.put);
            }
        }
        match &self.back {
            Back::Sqlite(s) => {
                all.extend(jobs::sqlite::ALL);
                all.extend(sqlite::ALL);
                all.extend(audit::ALL);
                let count = all.len();
                s.write(move |conn| {
                    all.iter()
                        .try_for_each(|sql| conn.prepare(sql).map(drop).map_err(from_sqlite))
                })
                .await?;
                Ok(count)
            }
            Back::Postgres(p) => {
                all.extend(jobs::postgres::ALL);
                all.extend(postgres::ALL);
                all.extend(postgres::name::ALL);
                all.extend(postgres::turn::ALL);
                all.extend(audit::ALL);
                all.extend(audit::postgres::ALL);
                for sql in &all {
                    p.prepare(sql).await?;
                }
                Ok(all.len())
            }
        }
    }
}
