//! What became of a release after its gate: how it stands in the line, what was said of it while it is live.

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, Workflow};
use tuesday_domain::settling::Waiting;
use tuesday_domain::time::{Timestamp, Zone};

use super::views::{Pair, pair};
use super::words::local;
use crate::state::App;

/// Both in words, where there is something to say.
pub(super) async fn since(
    app: &App,
    row: &Release,
    w: &Workflow,
    zone: &Zone,
) -> Result<Vec<Pair>, Problem> {
    let said = app.engine.judged_since(row.id).await?;
    let line = &w.rollout.changes.waiting;
    let line = line.iter().find(|x| x.release == row.id);
    let words = |x: &Waiting| {
        let at = local(x.at, Some(zone));
        let test = x.words().map(|t| format!("; {t}")).unwrap_or_default();
        format!("since {at}, put there by {}{test}", x.by)
    };
    let mut out: Vec<Pair> = line
        .map(|x| pair("In the line", words(x)))
        .into_iter()
        .collect();
    out.extend(said.first().map(|s| {
        let at = Timestamp::parse(&s.at).map_or_else(|_| s.at.clone(), |t| local(t, Some(zone)));
        let word = if s.passed { "passed" } else { "blocked" };
        let reasons = s.reasons.iter().map(|r| format!("; {r}"));
        pair(
            "Judged while live",
            format!("{word} {at}{}", reasons.collect::<String>()),
        )
    }));
    Ok(out)
}
