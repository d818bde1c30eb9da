//! One event at a time, each followed to its end: latency without a queue.

use std::time::{Duration, Instant};

use super::saturate::await_all;
use super::{AloneReport, DriveOptions};
use crate::client::Connection;
use crate::completion::Completion;
use crate::fault::BenchError;
use crate::histogram::Histogram;

/// Between two questions for the count: a tenth of the latency that is to be shown, or less.
const PAUSE: Duration = Duration::from_micros(100);

/// Sends one event after the other; `concurrency` and `rate` do not matter here. The first tenth is
/// not counted: it warms up.
///
/// # Errors
/// As [`super::drive`].
pub async fn drive_alone(
    options: DriveOptions,
    completion: &impl Completion,
) -> Result<AloneReport, BenchError> {
    options.check()?;
    let mut connection = Connection::open(&options.address()?).await?;
    let (mut acceptance, mut result) = (Histogram::default(), Histogram::default());
    let warm_up = options.runs / 10;
    for number in 0..options.runs {
        let before = completion.finished().await?;
        let (headers, body) = (options.headers(number)?, options.body(number));
        let began = Instant::now();
        let heard = connection.post(&headers, body).await?;
        let accepted = began.elapsed();
        if heard.status != 202 {
            let first = format!("{}: {}", heard.status, heard.excerpt());
            return Err(BenchError::Refused {
                refused: 1,
                sent: number + 1,
                first,
            });
        }
        await_all(completion, before, 1, PAUSE, options.patience).await?;
        if number >= warm_up {
            acceptance.record(accepted);
            result.record(began.elapsed());
        }
    }
    Ok(AloneReport {
        acceptance: acceptance.latency(),
        result: result.latency(),
    })
}
