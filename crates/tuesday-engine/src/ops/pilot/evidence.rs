//! The seven parts of the pack and its five questions, each from the scorecard, the incidents, the
//! reports and the ledger of the pilot's days.

use std::collections::BTreeMap;

use tuesday_domain::charter::Statement;
use tuesday_domain::charter::pack::{Known, PilotAsks, PilotPart};
use tuesday_domain::id::CostEntryId;
use tuesday_domain::ledger::told::{self, count};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CostEntry;
use tuesday_domain::time::Timestamp;
use tuesday_store::{IncidentFilter, ProblemFilter};

use super::line::{PilotAnswer, PilotLine, PilotPartView, figure, seen};
use super::{Read, answer};
use crate::engine::{Engine, read_problem};

/// Incidents and reports that are read.
const MOST: usize = 500;

impl Engine {
    /// The seven parts in order.
    pub(super) async fn pilot_parts(&self, read: &Read) -> Result<Vec<PilotPartView>, Problem> {
        let (risk, behaviour) = (self.risk(read).await?, self.behaviour(read).await?);
        let hidden = self.hidden_costs(read).await?;
        let keyed = |keys: &[&str]| -> Vec<PilotLine> {
            let all = read.card.figures.iter();
            all.filter(|s| keys.contains(&s.key)).map(figure).collect()
        };
        let mut cost = keyed(&["cost_per_task"]);
        cost.extend(total(read));
        cost.extend(hidden);
        let mut quality = stood(read);
        quality.extend(keyed(&["error_after", "error_change"]));
        Ok(PilotPart::ALL
            .iter()
            .map(|part| {
                let mut lines = match part {
                    PilotPart::Value => keyed(&["net_saved"]),
                    PilotPart::Quality => quality.clone(),
                    PilotPart::Risk => risk.clone(),
                    PilotPart::ReviewBurden => burden(
                        read,
                        keyed(&["exception_rate", "support_requests", "support_time"]),
                    ),
                    PilotPart::Cost => cost.clone(),
                    PilotPart::WorkflowFit => {
                        fit(read, keyed(&["turnaround_p50", "turnaround_p95"]))
                    }
                    PilotPart::UserBehaviour => behaviour.clone(),
                };
                lines.extend(
                    read.said(Statement::PilotClaim, part.word())
                        .map(|f| PilotLine {
                            words: f.value.clone(),
                            known: Known::Claim,
                            by: Some(f.by.clone()),
                            records: None,
                        }),
                );
                PilotPartView::of(*part, lines)
            })
            .collect())
    }

    async fn risk(&self, read: &Read) -> Result<Vec<PilotLine>, Problem> {
        // Without work nothing could go wrong, and that shows nothing.
        if read.figures.runs == 0 {
            return Ok(Vec::new());
        }
        let filter = IncidentFilter {
            workflow: Some(read.g.row.name.clone()),
            ..IncidentFilter::default()
        };
        let since = began(read);
        let found = self.0.reader.incidents(&filter, None, MOST).await;
        let found: Vec<_> = found
            .map_err(read_problem)?
            .into_iter()
            .filter(|i| i.opened_at >= since)
            .collect();
        let mut by: BTreeMap<&'static str, u64> = BTreeMap::new();
        for incident in &found {
            *by.entry(incident.severity.word()).or_default() += 1;
        }
        let page = "/incidents?state=all";
        let words = if found.is_empty() {
            format!("No incident in {} runs", count(read.figures.runs))
        } else {
            let each: Vec<String> = by.iter().map(|(s, n)| format!("{n} {s}")).collect();
            format!(
                "{} incidents in {} runs: {}",
                found.len(),
                count(read.figures.runs),
                each.join(", ")
            )
        };
        let mut out = vec![seen(words, page)];
        let open = read.g.figures.uncorrected;
        out.push(seen(
            format!("Corrections that are open now: {open}"),
            "/incidents",
        ));
        Ok(out)
    }

    async fn behaviour(&self, read: &Read) -> Result<Vec<PilotLine>, Problem> {
        let f = &read.figures;
        let mut out = Vec::new();
        let page = format!("/runs?workflow={}", read.g.row.name);
        if f.approved + f.edited + f.refused > 0 {
            out.push(seen(
                format!(
                    "People used {} as they stood, changed {} and refused {}",
                    count(f.approved),
                    count(f.edited),
                    count(f.refused)
                ),
                page,
            ));
        }
        let filter = ProblemFilter {
            workflow: Some(read.g.row.name.clone()),
            ..ProblemFilter::default()
        };
        let since = began(read);
        let found = self.0.reader.problem_reports(&filter, None, MOST).await;
        let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
        for report in found
            .map_err(read_problem)?
            .into_iter()
            .filter(|p| p.created_at >= since)
        {
            *kinds.entry(report.kind.word()).or_default() += 1;
        }
        if !kinds.is_empty() {
            let each: Vec<String> = kinds.iter().map(|(k, n)| format!("{n} {k}")).collect();
            let page = format!("/problem-reports?state=all&workflow={}", read.g.row.name);
            out.push(seen(format!("Reports of users: {}", each.join(", ")), page));
        }
        if let Some(at) = read.g.figures.old_path_at.filter(|at| *at >= since) {
            let day = read.g.live.ready.zone.day(at);
            out.push(seen(
                format!("The old way was last used on {day}"),
                read.page("/charter"),
            ));
        }
        Ok(out)
    }

    /// Costs that nobody had planned, each an entry of the ledger that somebody marked so. One whose entry
    /// is gone or was taken back is a claim.
    pub(super) async fn hidden_costs(&self, read: &Read) -> Result<Vec<PilotLine>, Problem> {
        let mut out = Vec::new();
        for fact in read.all_said(Statement::HiddenCost) {
            let id: Option<CostEntryId> = fact.about.parse().ok();
            let entry = match id {
                Some(id) => self.0.reader.cost_entry(id).await.map_err(read_problem)?,
                None => None,
            };
            let entry = entry
                .filter(|(_, reversed)| reversed.is_none())
                .map(|(e, _)| e);
            let known = if entry.is_some() {
                Known::Evidence
            } else {
                Known::Claim
            };
            let amount = entry.as_ref().map(spent).unwrap_or_default();
            out.push(PilotLine {
                words: format!("Hidden cost{amount}: {}", fact.value),
                known,
                by: (known == Known::Claim).then(|| fact.by.clone()),
                records: entry.is_some().then(|| read.page("/costs")),
            });
        }
        Ok(out)
    }
}

fn spent(e: &CostEntry) -> String {
    match (e.amount_micros, e.minutes) {
        (Some(micros), _) => format!(
            " of {}.{:02} {}",
            micros / 1_000_000,
            micros.unsigned_abs() / 10_000 % 100,
            e.currency.as_deref().unwrap_or_default()
        ),
        (None, Some(minutes)) => format!(" of {minutes} min"),
        (None, None) => String::new(),
    }
}

fn began(read: &Read) -> Timestamp {
    read.g.pilot().started_at.unwrap_or(read.g.row.installed_at)
}

fn stood(read: &Read) -> Vec<PilotLine> {
    let f = &read.figures;
    let all = f.approved + f.edited + f.refused;
    if all == 0 {
        return Vec::new();
    }
    let page = format!("/runs?workflow={}", read.g.row.name);
    vec![seen(
        format!(
            "{} of {} decided outputs stood as they were",
            count(f.approved),
            count(all)
        ),
        page,
    )]
}

/// What it cost altogether, by currency.
fn total(read: &Read) -> Vec<PilotLine> {
    let total = read.card.costs.total.iter();
    let each: Vec<String> = total
        .filter(|(_, n)| **n != 0)
        .map(|(c, n)| told::cash(*n, c))
        .collect();
    if each.is_empty() {
        return Vec::new();
    }
    vec![seen(
        format!("Altogether {}", each.join(", ")),
        read.page("/costs"),
    )]
}

/// Looking at cases and answering users; without work neither shows anything.
fn burden(read: &Read, mut lines: Vec<PilotLine>) -> Vec<PilotLine> {
    let f = &read.figures;
    if f.runs == 0 {
        return Vec::new();
    }
    if f.timed > 0 {
        let ms = f.review_ms + f.rework_ms + f.exception_ms + f.look_ms;
        let words = format!(
            "{} in view over {} decisions",
            told::time(i64::try_from(ms).unwrap_or(i64::MAX)),
            count(f.timed)
        );
        lines.push(seen(words, read.page("/scorecard")));
    }
    if f.untimed > 0 {
        let words = format!("{} decisions without a measured time", count(f.untimed));
        lines.push(seen(words, read.page("/scorecard")));
    }
    lines
}

fn fit(read: &Read, mut lines: Vec<PilotLine>) -> Vec<PilotLine> {
    let f = &read.figures;
    if f.runs > 0 {
        let words = format!(
            "{} of {} runs reached their destination, {} were done by people, {} ended without a result",
            count(f.resolved),
            count(f.runs),
            count(f.handed_off),
            count(f.ended)
        );
        lines.insert(
            0,
            seen(words, format!("/runs?workflow={}", read.g.row.name)),
        );
    }
    lines
}

/// The five questions in order.
pub(super) fn questions(read: &Read) -> Vec<PilotAnswer> {
    let (f, row) = (&read.figures, &read.g.row);
    let runs = format!("/runs?workflow={}", row.name);
    PilotAsks::ALL
        .iter()
        .map(|asks| {
            if f.runs == 0 {
                return answer(*asks, Known::NoEvidence, "no run in these days".to_owned(), None);
            }
            let decided = f.approved + f.edited + f.refused;
            let (known, words) = match asks {
                PilotAsks::Tested => (Known::Evidence, tested(read)),
                PilotAsks::Realistic => realistic(read),
                PilotAsks::QualityIssues if decided + f.looks == 0 => {
                    (Known::NoEvidence, "nobody has decided or looked again".to_owned())
                }
                PilotAsks::QualityIssues => (
                    Known::Evidence,
                    format!(
                        "{} outputs were changed, {} refused, {} of {} second looks found one wrong",
                        count(f.edited),
                        count(f.refused),
                        count(f.wrong),
                        count(f.looks)
                    ),
                ),
                PilotAsks::ReviewNeeded => (
                    Known::Evidence,
                    format!(
                        "{} of {} runs were put before a person",
                        count(f.exception_count()),
                        count(f.runs)
                    ),
                ),
                PilotAsks::ScopeKept => (Known::Evidence, scope_kept(read)),
            };
            answer(*asks, known, words, Some(runs.clone()))
        })
        .collect()
}

fn tested(read: &Read) -> String {
    let (g, days) = (&read.g, read.card.days);
    let scope = g.row.rollout.scope.words();
    let scope = if g.row.rollout.scope.is_empty() {
        "everything declared".to_owned()
    } else {
        scope
    };
    format!(
        "{} runs from {} to {}, now release {}, stage {}, for {scope}",
        count(read.figures.runs),
        days.from,
        days.to,
        g.live.number,
        g.row.stage_in_force()
    )
}

fn realistic(read: &Read) -> (Known, String) {
    let own = read.by_triggers();
    let each: Vec<String> = read
        .sources
        .iter()
        .map(|(s, n)| format!("{} from {s}", count(*n)))
        .collect();
    let words = format!(
        "{} of {} events came without anybody's hand: {}",
        count(own),
        count(read.figures.runs),
        each.join(", ")
    );
    (
        if own > 0 {
            Known::Evidence
        } else {
            Known::NoEvidence
        },
        words,
    )
}

fn scope_kept(read: &Read) -> String {
    let outside: u64 = read.figures.outside.values().sum();
    if outside == 0 {
        return format!(
            "no item of {} was outside its scope",
            count(read.figures.runs)
        );
    }
    let each: Vec<String> = read
        .figures
        .outside
        .iter()
        .map(|(k, n)| format!("{n} {k}"))
        .collect();
    format!(
        "{outside} items were outside and went to people, nothing was done with them: {}",
        each.join(", ")
    )
}
