//! The pages of charter, money, capacity and drift, with the year behind them: do they stay quick?

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tuesday_bench::{Latency, get_often, pages};
use tuesday_domain::problem::Problem;

use super::bed::{Bed, NAME};
use super::plan::Plan;
use crate::cli::Common;
use crate::cmd::bench::child::Child;
use crate::cmd::bench::problem;
use crate::cmd::serve::bind;
use crate::out::unavailable;

/// Times that each page is asked for.
const TIMES: usize = 30;
/// Longest a server may take to be ready.
const START: Duration = Duration::from_secs(60);

/// Asks a server of its own for each page, one request after the other.
pub(super) async fn run(
    common: &Common,
    dir: &Path,
    bed: &Bed,
    plan: &Plan,
) -> Result<BTreeMap<&'static str, Latency>, Problem> {
    let cookie = super::cookie(bed).await?;
    let listen = bind("127.0.0.1:0")
        .await?
        .local_addr()
        .map_err(|e| unavailable(e.to_string()))?
        .to_string();
    let server = Child::server(common, dir, &listen)?;
    let url = format!("http://{listen}");
    let began = Instant::now();
    while get_often(&format!("{url}/readyz"), "", 1).await.is_err() {
        if began.elapsed() > START {
            return Err(unavailable(format!(
                "the server was not ready within {START:?}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let year = format!("?from={}&to={}", plan.first, plan.day(plan.days - 1));
    let under = |rest: &str| format!("/workflows/{NAME}{rest}");
    let all = [
        ("hub", "/hub".to_owned()),
        ("workflow", under("")),
        ("charter", under("/charter")),
        ("scorecard, four weeks", under("/scorecard")),
        ("scorecard, the year", under(&format!("/scorecard{year}"))),
        ("costs, the year", under(&format!("/costs{year}"))),
        ("week", under("/weekly")),
        ("capacity", under("/capacity")),
        ("drift", under("/drift")),
        ("pilot", under("/pilot")),
        ("turnover", under("/turnover")),
        ("postmortem", under("/postmortem")),
        ("Friday test", under("/friday")),
        ("first shift", under("/first-shift")),
        ("handoffs", "/handoffs".to_owned()),
        ("changes", "/changes".to_owned()),
        ("runs of the year", format!("/runs?workflow={NAME}")),
        ("queue", "/queue".to_owned()),
    ];
    let mut out = BTreeMap::new();
    for (name, path) in all {
        let paths = vec![path; TIMES];
        let taken = pages(&url, &cookie, &paths, false).await;
        out.insert(name, taken.map_err(|e| problem(&e))?);
    }
    drop(server);
    Ok(out)
}
