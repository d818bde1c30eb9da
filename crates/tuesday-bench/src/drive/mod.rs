//! The load generator: posts events and waits until their runs are finished.

mod alone;
mod answers;
mod each;
mod options;
mod saturate;

use serde::{Deserialize, Serialize};

pub use alone::drive_alone;
pub use answers::{Answer, Post, post_all};
pub use each::{EachReport, get_often, pages, post_each};
pub use options::{BodyMaker, DriveOptions};
pub use saturate::drive;

use crate::histogram::Latency;

/// Many runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DriveReport {
    /// Runs sent and finished.
    pub runs: u64,
    /// Connections that sent them.
    pub concurrency: usize,
    /// Events a second that were asked for, when they were.
    pub rate: Option<f64>,
    /// From the first event to the last acceptance.
    pub accepted_seconds: f64,
    /// From the first event to the last finished run.
    pub finished_seconds: f64,
    /// Throughput: runs by the time to the last finished one.
    pub runs_per_second: f64,
    /// From sending an event to having its acceptance.
    pub acceptance: Latency,
}

/// One run at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AloneReport {
    /// From sending an event to having its acceptance.
    pub acceptance: Latency,
    /// From sending an event to knowing that its run is finished.
    pub result: Latency,
}
