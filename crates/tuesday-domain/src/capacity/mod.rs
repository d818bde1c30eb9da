//! Whether the people can keep up: the hours that are declared, the work that is to be expected, and what
//! the system does by itself when the work is more. It never touches a rule: a loosened threshold would
//! hide the load instead of carrying it.

mod forecast;
mod plan;
mod response;

pub use forecast::{
    AssumedShare, DayForecast, DayLoad, History, LEAST_RUNS, LoadForecast, METHOD, Range, TaskTime,
    back_cast, forecast,
};
pub use plan::{CapacitySpec, Hours, HoursSpec, ResponseSpec, SampleSpec, WEEKDAYS};
pub use response::{LoadState, Sampled, Step, Taken, next_step};
