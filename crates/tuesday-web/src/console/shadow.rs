//! The part of a workflow's page that shows what shadow runs proposed beside what people did.

use std::time::Duration;

use tuesday_domain::eval::Count;
use tuesday_domain::problem::Problem;
use tuesday_domain::shadow::{Agreement, Shadow};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::ShadowQuery;

use super::words::{code, plural};
use crate::auth::User;
use crate::state::App;

/// Runs that a page compares at most.
const MOST: usize = 2_000;

/// What is shown; nothing when no shadow run is over in these days.
pub(super) struct ShadowView {
    /// How many runs, how many compared.
    pub(super) told: String,
    /// No action left, or how many did.
    pub(super) sent: String,
    pub(super) sent_tone: &'static str,
    pub(super) rows: Vec<ShadowLine>,
    /// Why the others were not compared, in words.
    pub(super) rest: String,
    /// Only the first runs of these days were read.
    pub(super) cut: bool,
}

pub(super) struct ShadowLine {
    /// The field, on its first row.
    pub(super) field: String,
    pub(super) class: String,
    pub(super) same: String,
    /// What was proposed instead, most often first.
    pub(super) instead: String,
}

/// The last 28 days in the zone: first and last.
pub(crate) fn days(now: Timestamp, zone: &Zone) -> (String, String) {
    let back = Duration::from_secs(27 * 86_400);
    (zone.day(now.minus(back)), zone.day(now))
}

/// The part of the page.
pub(super) async fn view(
    app: &App,
    user: &User,
    workflow: &str,
    zone: &Zone,
) -> Result<Option<ShadowView>, Problem> {
    let (from, to) = days(app.engine.now(), zone);
    let asked = ShadowQuery {
        workflow,
        against: None,
        days: (&from, &to),
        clearance: user.rights.clearance(workflow),
        most: MOST,
    };
    let (s, cut) = app.engine.shadow_report(asked).await?;
    if s.runs == 0 {
        return Ok(None);
    }
    let mut rows: Vec<ShadowLine> = s.fields.iter().flat_map(|(n, a)| field(n, a)).collect();
    for (name, counted) in [("Every field", s.whole), ("Posted outcomes", s.outcomes)] {
        if counted.of > 0 {
            rows.push(line(name.to_owned(), "all".to_owned(), counted));
        }
    }
    Ok(Some(ShadowView {
        told: format!(
            "{} in 28 days, {} compared with what people did",
            plural(s.runs, "shadow run"),
            s.compared()
        ),
        sent: match s.sent {
            0 => "nothing left them".to_owned(),
            n => format!("{} left them", plural(n, "action")),
        },
        sent_tone: if s.sent == 0 { "ok" } else { "bad" },
        rows,
        rest: rest(&s),
        cut,
    }))
}

fn line(field: String, class: String, counted: Count) -> ShadowLine {
    ShadowLine {
        field,
        class,
        same: counted.rate().words(),
        instead: String::new(),
    }
}

fn field(name: &str, a: &Agreement) -> Vec<ShadowLine> {
    let mut rows = vec![line(code(name), "all".to_owned(), a.all)];
    for (class, counted) in &a.classes {
        let mut said: Vec<(&str, u64)> = a
            .instead
            .iter()
            .filter(|((right, _), _)| right == class)
            .map(|((_, said), n)| (said.as_str(), *n))
            .collect();
        said.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let said: Vec<String> = said
            .into_iter()
            .take(3)
            .map(|(said, n)| format!("{} {n} times", code(said)))
            .collect();
        rows.push(ShadowLine {
            instead: said.join(", ").replace(" 1 times", " once"),
            ..line(String::new(), code(class), *counted)
        });
    }
    rows
}

/// Why the others were not compared.
fn rest(s: &Shadow) -> String {
    let why = [
        (s.nobody, "nobody is known to have done it"),
        (s.rejected, "people rejected theirs and said no other value"),
        (s.no_output, "there was no valid output"),
        (s.no_field, "the outputs share no closed field"),
    ];
    let told: Vec<String> = why
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{n}: {words}"))
        .collect();
    told.join("; ")
}
