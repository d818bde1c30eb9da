//! The week of a workflow: its figures beside those of the week before, what to talk about, and who has
//! looked at it.

use serde::Serialize;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::milestone::Target;
use tuesday_domain::charter::weekly::{keeps, reasons, week_value};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::report::merged;
use tuesday_domain::ledger::shown::{Shown, Standing};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, CharterFact, MoneyChange, Subject, WeeklyReview};
use tuesday_domain::watch::Metric;

use super::Scorecard;
use super::scorecard::within;
use super::talk::WeeklyTalk;
use crate::engine::{Engine, read_problem};
use crate::ops::Fixes;

/// Weeks that a trend looks back, this one included.
const TREND: i64 = 12;

/// A figure of the week and of the one before.
#[derive(Clone, Debug, Serialize)]
pub struct WeeklyFigure {
    /// This week.
    pub now: Shown,
    /// The week before, where it is known.
    pub before: Option<i64>,
}

/// The metric of one week in the trend.
#[derive(Clone, Debug, Serialize)]
pub struct MetricWeek {
    /// Its Monday.
    pub week: Day,
    /// It is not over: not to be compared with whole ones.
    pub so_far: bool,
    /// The value; absent without data.
    pub value: Option<i64>,
}

/// The one metric of a workflow, against its target.
#[derive(Clone, Debug, Serialize)]
pub struct WeeklyMetric {
    /// As the charter states it: metric, target and day of the verdict.
    pub stated: String,
    /// The value of this week.
    pub now: Shown,
    /// Of the week before, where it is known.
    pub before: Option<i64>,
    /// It keeps the target; absent without a value.
    pub kept: Option<bool>,
    /// Twelve weeks up to this one, the oldest first.
    pub trend: Vec<MetricWeek>,
}

/// A week that somebody has signed.
#[derive(Clone, Debug, Serialize)]
pub struct SignedWeek {
    /// Its Monday.
    pub week: String,
    /// What was decided.
    pub note: String,
    /// Handle of the person.
    pub signed_by: String,
    /// When, RFC 3339.
    pub signed_at: String,
    /// The figures as they stood.
    pub figures: serde_json::Value,
}

/// The weekly page.
#[derive(Clone, Debug, Serialize)]
pub struct Weekly {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// Monday to Sunday.
    pub days: Days,
    /// The week is over.
    pub over: bool,
    /// The one metric of the workflow; absent while the charter states none that is kept by the week.
    pub metric: Option<WeeklyMetric>,
    /// Its figures.
    pub figures: Vec<WeeklyFigure>,
    /// What to talk about, with the page that says more.
    pub agenda: Vec<(String, String)>,
    /// Feedback, incidents, decisions and overrides.
    pub talk: WeeklyTalk,
    /// The errors closed in this week, by the layer they were fixed in.
    pub fixes: Fixes,
    /// The whole scorecard of the week.
    pub card: Scorecard,
    /// Who has signed it.
    pub signed: Option<SignedWeek>,
    /// Earlier signed weeks, the newest first.
    pub earlier: Vec<SignedWeek>,
}

impl From<WeeklyReview> for SignedWeek {
    fn from(w: WeeklyReview) -> Self {
        Self {
            week: w.week,
            note: w.note,
            signed_by: w.signed_by,
            signed_at: w.signed_at.rfc3339(),
            figures: serde_json::from_str(&w.figures).unwrap_or_default(),
        }
    }
}

impl Engine {
    /// The week that `day` is in; the last whole one without a day.
    ///
    /// # Errors
    /// `bad_request` for a day in the future; `unknown_workflow`, `unavailable`.
    pub async fn weekly(&self, workflow: &str, day: Option<Day>) -> Result<Weekly, Problem> {
        let today = self.today(Some(workflow)).await?;
        let monday = day.map_or(today.monday().plus(-7), Day::monday);
        if monday > today {
            return Err(Problem::new("bad_request", "that week has not begun").field("week"));
        }
        let days = Days {
            from: monday,
            to: monday.plus(6),
        };
        let reader = &self.0.reader;
        let signed = async {
            let found = reader.weekly_reviews(workflow, 13).await;
            found.map_err(read_problem)
        };
        let span = self.moments_of(workflow, days).await?;
        let (card, before, fixes, talk, signed, metric) = tokio::try_join!(
            Box::pin(self.scorecard(workflow, days)),
            Box::pin(self.scorecard(workflow, days.before())),
            self.fixes(Some(workflow), None, span),
            Box::pin(self.weekly_talk(workflow, span)),
            signed,
            Box::pin(self.weekly_metric(workflow, days)),
        )?;
        let mut signed: Vec<SignedWeek> = signed.into_iter().map(SignedWeek::from).collect();
        let week = monday.to_string();
        let own = signed.iter().position(|s| s.week == week);
        let own = own.map(|i| signed.remove(i));
        let old = |key: &str, currency: &Option<String>| {
            let same = |s: &&Shown| s.key == key && s.currency == *currency;
            before.figures.iter().find(same).and_then(|s| s.value)
        };
        let figures = card.figures.iter().map(|now| WeeklyFigure {
            before: old(now.key, &now.currency),
            now: now.clone(),
        });
        Ok(Weekly {
            workflow: workflow.to_owned(),
            title: card.title.clone(),
            over: days.to < today,
            figures: figures.collect(),
            metric,
            agenda: agenda(&talk, &card, &before),
            talk,
            signed: own,
            earlier: signed,
            days,
            fixes,
            card,
        })
    }

    /// The metric that the charter states, over this week and the eleven before it.
    async fn weekly_metric(
        &self,
        workflow: &str,
        days: Days,
    ) -> Result<Option<WeeklyMetric>, Problem> {
        let facts = self.0.reader.charter_facts(workflow).await;
        let facts = facts.map_err(read_problem)?;
        let own = |f: &CharterFact| f.statement == Statement::NinetyDayMetric;
        let Some(stated) = facts.into_iter().find(own).map(|f| f.value) else {
            return Ok(None);
        };
        let target = Target::of(&stated);
        let Some((target, metric)) = target.and_then(|t| t.metric.map(|m| (t, m))) else {
            return Ok(None);
        };
        let all = Days {
            from: days.from.plus(-7 * (TREND - 1)),
            to: days.to,
        };
        let gathered = self.gathered(Some(workflow), None, all).await?;
        let of = |monday: Day| {
            let week = Days {
                from: monday,
                to: monday.plus(6),
            };
            week_value(metric, &merged(within(&gathered.rows, week)), 7)
        };
        let Some(now) = of(days.from) else {
            return Ok(None);
        };
        let today = self.today(Some(workflow)).await?;
        let trend: Vec<MetricWeek> = (0..TREND)
            .map(|n| all.from.plus(7 * n))
            .map(|week| MetricWeek {
                week,
                so_far: week.plus(6) >= today,
                value: of(week).and_then(|s| s.value),
            })
            .collect();
        let place = format!("workflow={workflow}&from={}&to={}", days.from, days.to);
        let page = match metric {
            Metric::OverrideRate => format!("/runs?{place}&kind=overridden"),
            _ => match reasons(metric) {
                [] => format!("/runs?{place}&kind=all"),
                some => {
                    let words: Vec<&str> = some.iter().map(|r| r.word()).collect();
                    format!("/runs?{place}&kind=exception&reason={}", words.join(","))
                }
            },
        };
        Ok(Some(WeeklyMetric {
            kept: keeps(&now, target.at_most, target.number),
            before: trend.iter().rev().nth(1).and_then(|w| w.value),
            now: now.behind(page),
            stated,
            trend,
        }))
    }

    /// `by` has looked at the week; the figures are kept as they stand.
    ///
    /// # Errors
    /// `nothing_to_sign` without a stated metric and its value in it; `reason_required` without a note, `illegal_state` when
    /// it is signed already, `not_allowed`, and as [`Engine::weekly`].
    pub async fn sign_week(
        &self,
        workflow: &str,
        day: Day,
        note: &str,
        by: &str,
    ) -> Result<SignedWeek, Problem> {
        self.keeps_ledger(Some(workflow), by).await?;
        if note.trim().is_empty() {
            let words = "say what was seen and decided";
            return Err(Problem::new("reason_required", words).field("note"));
        }
        let week = Box::pin(self.weekly(workflow, Some(day))).await?;
        if let Some(signed) = &week.signed {
            let words = format!("{} has signed this week already", signed.signed_by);
            return Err(Problem::new("illegal_state", words));
        }
        if week.card.costs.runs == 0 {
            let words = "no run was received in this week: there is no value to look at";
            return Err(Problem::new("nothing_to_sign", words).field("week"));
        }
        let Some(metric) = week.metric.as_ref().map(|m| &m.now) else {
            let words = "the charter states no metric that is kept by the week: there is no value to look at";
            return Err(Problem::new("nothing_to_sign", words)
                .field("week")
                .way_out("state it on the charter page as the ninety-day metric, such as: override_rate at most 10 by 2027-02-28"));
        };
        if metric.value.is_none() {
            let words = format!("the metric has no value to look at: {}", metric.means);
            return Err(Problem::new("nothing_to_sign", words).field("week"));
        }
        // The metric first, then everything that stood beside it.
        let shown: Vec<&Shown> = std::iter::once(metric).chain(&week.card.figures).collect();
        let now = self.now();
        let row = WeeklyReview {
            workflow: workflow.to_owned(),
            week: week.days.from.to_string(),
            figures: serde_json::to_string(&shown)
                .map_err(|e| Problem::new("internal", e.to_string()))?,
            note: note.trim().to_owned(),
            signed_by: by.to_owned(),
            signed_at: now,
        };
        let values: Vec<String> = shown.iter().map(|s| value(s)).collect();
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "week.signed",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("week", row.week.clone())
        .fact("figures", values)
        .fact("note", row.note.clone());
        self.money(vec![MoneyChange::InsertWeekly(row.clone())], entry)
            .await?;
        Ok(row.into())
    }
}

/// A figure for the audit log.
fn value(s: &Shown) -> String {
    let currency = s.currency.as_deref().unwrap_or_default();
    match s.value {
        Some(n) => format!("{} {n} {}{currency} {}", s.key, s.unit, s.standing),
        None => format!("{} missing", s.key),
    }
}

/// What this week gives reason to talk about: first who waits for an answer.
fn agenda(talk: &WeeklyTalk, card: &Scorecard, before: &Scorecard) -> Vec<(String, String)> {
    let place = format!("/workflows/{}", card.workflow);
    let span = format!("from={}&to={}", card.days.from, card.days.to);
    let costs = format!("{place}/costs?{span}");
    let mut out: Vec<(String, String)> = talk.agenda(&card.workflow);
    match card.saved.net.value {
        Some(net) if net < 0 => {
            let words =
                "People spend more time on it than it saves. Narrow it, or change the review?";
            out.push((words.to_owned(), format!("{place}/scorecard?{span}#saved")));
        }
        None => out.push((
            format!("Time saved cannot be said: {}", card.saved.net.means),
            format!("{place}/costs#baseline"),
        )),
        Some(_) => {}
    }
    if card.errors.change.low.is_some_and(|low| low > 0) {
        let words = "It is wrong more often than people were. Restrict it?";
        out.push((words.to_owned(), format!("{place}/wrong")));
    }
    if card.errors.after.standing == Standing::Missing {
        let words = format!(
            "How often it is wrong is not known: {}",
            card.errors.after.means
        );
        out.push((words, place.clone()));
    }
    out.extend(
        card.lacks
            .iter()
            .map(|l| (format!("Not in the costs: {l}"), costs.clone())),
    );
    let largest = card.reasons.iter().max_by_key(|(_, n)| **n);
    if let Some((reason, n)) = largest {
        let was = before.reasons.get(reason).copied().unwrap_or(0);
        let words = format!(
            "{n} runs were put before a person because of {}, {was} the week before. Can that be prevented?",
            reason.replace('_', " ")
        );
        let page = format!(
            "/runs?workflow={}&{span}&kind=exception&reason={reason}",
            card.workflow
        );
        out.push((words, page));
    }
    if card
        .reasons
        .contains_key(tuesday_domain::ledger::figures::UNCLASSIFIED)
    {
        let page = format!(
            "/runs?workflow={}&{span}&kind=exception&reason=unclassified",
            card.workflow
        );
        out.push(("Some exceptions have no reason.".to_owned(), page));
    }
    if card.limit.as_ref().is_some_and(|l| l.stopped) {
        out.push(("The spend limit is reached; runs wait.".to_owned(), costs));
    }
    out.push((
        "What was changed in rules, releases and people this week?".to_owned(),
        format!("/changes?workflow={}", card.workflow),
    ));
    out
}
