//! Faults on purpose, against the real program in processes of its own, judged by the ledgers of
//! the systems it wrote to. Needs no network. A test whose surroundings are missing
//! fails and names them; none passes without having run.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod archived;
mod bed;
mod behaviour;
mod changed_text;
mod clicks;
mod contracts;
mod corrected;
mod crash;
mod crash_again;
mod crash_change;
mod crash_desk;
mod crash_erase;
mod data_wall;
mod delivery;
mod duplicates;
mod ended;
mod exported;
mod graded;
mod honest;
mod injection;
mod kills;
mod last_tuesday;
mod low_risk;
mod mailed;
mod mailed_tls;
mod outage;
mod outbound;
mod overload;
mod reconciled;
mod recorded;
mod restart;
mod restored;
mod secrets;
mod sheets;
mod stopped;
mod storage;
mod switched;
mod tier_changes;
mod triggers;
mod turnover;
mod turns;
mod undone;
mod watched;
mod write_back;
mod wrong_answer;
mod year;
