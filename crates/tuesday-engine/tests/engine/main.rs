//! The engine in the test's own process: real SQLite, fake ports, a clock that is moved.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod approvals;
mod bench;
mod capacity;
mod charter;
mod cleared;
mod closing;
mod desk;
mod downtime;
mod drift;
mod granted;
mod leases;
mod mapping;
mod money;
mod pauses;
mod people;
mod privacy;
mod proofs;
mod recalls;
mod rechecks;
mod releases;
mod reroutes;
mod reruns;
mod rewrites;
mod rolled_back;
mod rules;
mod runs;
mod sealing;
mod second_looks;
mod seeds;
mod settling;
mod shadows;
mod stamps;
mod trouble;
mod turnover;
mod withdrawn;
