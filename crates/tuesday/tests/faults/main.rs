//! Faults on purpose, against the real program in processes of its own, judged by the ledgers of
//! the systems it wrote to. Needs no network; PostgreSQL takes part where `TUESDAY_TEST_POSTGRES`
//! names a server, and each test says so when it does not.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod bed;
mod behaviour;
mod clicks;
mod crash;
mod kills;
mod secrets;
mod storage;
mod tier_changes;
