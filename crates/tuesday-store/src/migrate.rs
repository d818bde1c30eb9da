//! Migrations: paired numbered files, one list, one checksum each; the two runners differ only in
//! how they lock.

use sha2::{Digest as _, Sha256};

use crate::error::OpenError;

/// One step of the schema, in both dialects.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! migration {
    ($number:literal, $name:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// Every step there is, in order. Steps are added at the end and never changed.
pub(crate) const ALL: &[Migration] = &[
    migration!(1, "0001_spine"),
    migration!(2, "0002_review_binding"),
    migration!(3, "0003_people"),
    migration!(4, "0004_queue"),
    migration!(5, "0005_rules"),
    migration!(6, "0006_sign_in"),
    migration!(7, "0007_restore"),
    migration!(8, "0008_queue_words"),
    migration!(9, "0009_seeds"),
    migration!(10, "0010_unmapped"),
    migration!(11, "0011_gates"),
    migration!(12, "0012_trouble"),
    migration!(13, "0013_rollout"),
    migration!(14, "0014_settling"),
    migration!(15, "0015_charter"),
    migration!(16, "0016_money"),
    migration!(17, "0017_clearance"),
    migration!(18, "0018_fixes"),
    migration!(19, "0019_away"),
    migration!(20, "0020_load"),
    migration!(21, "0021_turnover"),
    migration!(22, "0022_release_acks"),
    migration!(23, "0023_undoing"),
    migration!(24, "0024_privacy"),
    migration!(25, "0025_canary"),
    migration!(26, "0026_judgements"),
    migration!(28, "0028_duties"),
    migration!(30, "0030_proofs"),
    migration!(31, "0031_gaps"),
    migration!(32, "0032_postmortems"),
    migration!(33, "0033_answers"),
    migration!(34, "0034_report_mail"),
    migration!(35, "0035_milestones"),
    migration!(36, "0036_friday"),
    migration!(38, "0038_trust"),
    migration!(39, "0039_exit"),
    migration!(40, "0040_judged_quarters"),
    migration!(41, "0041_grader_calls"),
    migration!(42, "0042_ownership"),
    migration!(44, "0044_adoption"),
    migration!(45, "0045_inputs"),
    migration!(46, "0046_tied_by_hand"),
    migration!(48, "0048_quick"),
    migration!(49, "0049_first_shift"),
    migration!(50, "0050_candidates"),
    migration!(52, "0052_unmeasured"),
    migration!(54, "0054_dropped"),
];

pub(crate) const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, \
    name TEXT NOT NULL, checksum BLOB NOT NULL, applied_at INTEGER NOT NULL) STRICT";
pub(crate) const TABLE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, \
    name TEXT NOT NULL, checksum BYTEA NOT NULL, applied_at BIGINT NOT NULL)";
pub(crate) const APPLIED: &str = "SELECT number, checksum FROM schema_migrations ORDER BY number";

pub(crate) fn checksum(sql: &str) -> Vec<u8> {
    Sha256::digest(sql.as_bytes()).to_vec()
}

/// Number of the newest migration of this program.
pub(crate) fn known() -> i64 {
    ALL.last().map_or(0, |m| m.number)
}

/// What is still to be applied, given what the database says it has.
pub(crate) fn missing(
    applied: &[(i64, Vec<u8>)],
    text: impl Fn(&Migration) -> &'static str,
) -> Result<Vec<&'static Migration>, OpenError> {
    let found = applied.iter().map(|a| a.0).max().unwrap_or(0);
    if found > known() {
        return Err(OpenError::NewerSchema {
            found,
            known: known(),
        });
    }
    let mut todo = Vec::new();
    for m in ALL {
        match applied.iter().find(|a| a.0 == m.number) {
            Some((_, sum)) if *sum != checksum(text(m)) => {
                return Err(OpenError::ChangedMigration { number: m.number });
            }
            Some(_) => {}
            None => todo.push(m),
        }
    }
    Ok(todo)
}

/// Whether opening may change the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Migrate {
    /// Apply what is missing.
    Apply,
    /// Refuse a database that is behind.
    Refuse,
}

pub(crate) fn refuse_if_behind(applied: &[(i64, Vec<u8>)], todo: usize) -> Result<(), OpenError> {
    if todo == 0 {
        return Ok(());
    }
    let found = applied.iter().map(|a| a.0).max().unwrap_or(0);
    Err(OpenError::OlderSchema {
        found,
        known: known(),
    })
}
