//! The pieces behind `tuesday bench`: a load generator, a floor to compare with, and the machine's
//! own limits. Nothing here knows the engine: what is measured is an address that takes events and
//! a count of what has been finished.
//!
//! Figures of different machines say nothing about each other. So a report carries the floor and
//! the limits measured in the same run, and what is measured is read as a part of them.

mod client;
mod completion;
mod drive;
mod fault;
mod floor;
mod histogram;
mod machine;
mod ratio;
mod report;

pub use completion::{Completion, CountEndpoint};
pub use drive::{
    AloneReport, Answer, BodyMaker, DriveOptions, DriveReport, EachReport, Post, drive,
    drive_alone, get_often, pages, post_all, post_each,
};
pub use fault::BenchError;
pub use floor::{FloorOptions, FloorReport, floor_postgres, floor_sqlite};
pub use histogram::{Histogram, Latency};
pub use machine::{MachineReport, Memory, bytes_on_disk, cpu_seconds, machine, memory};
pub use ratio::ratio;
pub use report::{BenchReport, Compared, Measured};
