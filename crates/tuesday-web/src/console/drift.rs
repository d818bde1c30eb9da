//! Whether the mix of outcomes stays what it was: shifts against the baseline, findings with what changed
//! around them, inputs beside overrides; freezing a baseline and closing a finding.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::drift::{ShiftVerdict, Verdict};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Person;
use tuesday_engine::ops::{Calibration, Canary, Drift, InputSource, PersonShare};

use super::chart::{Series, Steps, lines};
use super::drift_shifts::{MixTable, tables};
use super::html;
use super::incidents::name;
use super::reliability::{self, BandRow};
use super::scorecard::Drawn;
use super::shell::Shell;
use super::shown::{Tile, text, tile};
use super::visit::Visit;
use super::words::{author, code, count, moment};
use crate::api::drift::band;
use crate::api::sheet;
use crate::auth::PostForm;
use crate::refusal::{PageError, status};
use crate::state::App;

struct FindingCard {
    seq: u32,
    open: bool,
    words: String,
    about: String,
    changes: Vec<(String, String)>,
    unreadable: Option<String>,
    note: Option<String>,
}

struct CanaryCard {
    about: String,
    tries: Vec<CanaryLine>,
}

struct CanaryLine {
    when: String,
    tone: &'static str,
    said: &'static str,
    cases: u32,
    cost: String,
    misses: Vec<String>,
}

/// Stated confidence against what people said.
struct ConfidenceCard {
    about: String,
    rows: Vec<BandRow>,
    /// Whoever may change a cutoff may say that a band can be relied on.
    edits: bool,
}

/// A source, with what was wrong with it beside what people overrode.
struct SourceRow {
    name: String,
    share: String,
    href: Option<String>,
    kinds: [u64; 4],
    with: String,
    without: String,
    first: bool,
}

/// What a person did.
struct PersonRow {
    person: String,
    href: String,
    counts: [u64; 3],
}

#[derive(Template)]
#[template(path = "drift.html")]
struct DriftPage {
    shell: Shell,
    name: String,
    title: String,
    baseline: Option<String>,
    waits: String,
    promise: String,
    findings: Vec<FindingCard>,
    handles: bool,
    sets: bool,
    tiles: Vec<Tile>,
    /// Why there is no kappa.
    kappa: Option<String>,
    charts: Vec<Drawn>,
    tables: Vec<MixTable>,
    sources: Vec<SourceRow>,
    hero: Option<String>,
    people: Vec<PersonRow>,
    canary: Option<CanaryCard>,
    confidence: ConfidenceCard,
    problem: Option<Problem>,
}

pub(super) fn share(ppm: i64) -> String {
    text(ppm, Unit::Share, None)
}

/// A rate with its interval, or what is lacking.
fn rate(s: &Shown) -> String {
    match (s.value, s.low, s.high) {
        (Some(v), Some(low), Some(high)) => {
            format!("{} ({} to {})", share(v), share(low), share(high))
        }
        (Some(v), ..) => share(v),
        _ => s.means.clone(),
    }
}

fn source_row(s: &InputSource) -> SourceRow {
    SourceRow {
        name: format!("{} ({})", s.source, s.system),
        share: rate(&s.share),
        href: s.share.records.clone().filter(|_| s.share.value != Some(0)),
        kinds: [s.missing, s.stale, s.conflicting, s.invalid],
        with: rate(&s.with),
        without: rate(&s.without),
        first: s.first,
    }
}

fn person_row(p: &PersonShare, people: &[Person]) -> PersonRow {
    PersonRow {
        person: name(people, &p.person),
        href: p.records.clone(),
        counts: [p.decisions, p.reruns, p.fixes],
    }
}

fn canary_card(canary: &Canary) -> CanaryCard {
    let tries = canary.tries.iter().map(|t| CanaryLine {
        when: moment(&t.started_at, None),
        tone: match t.state {
            "passed" => "ok",
            "failed" => "bad",
            "unanswered" => "warn",
            _ => "plain",
        },
        said: t.state,
        cases: t.cases,
        cost: t.cost_micros.map_or_else(
            || "unknown".to_owned(),
            |c| format!("{}.{:06}", c / 1_000_000, c % 1_000_000),
        ),
        misses: t
            .misses
            .iter()
            .map(|m| format!("{}: {}", m.case, m.words))
            .collect(),
    });
    CanaryCard {
        about: format!(
            "{} cases of the pack, asked every {}",
            canary.spec.cases.len(),
            canary.spec.every
        ),
        tries: tries.collect(),
    }
}

fn charts(d: &Drift) -> Vec<Drawn> {
    let told = |n: i64| share(n);
    let mut out: Vec<Drawn> = d
        .dimensions
        .iter()
        .map(|one| {
            let shifts = &one.judged.shifts;
            let labels: Vec<String> = shifts
                .iter()
                .map(|s| s.day.to_string().chars().skip(5).collect())
                .collect();
            let enough =
                |s: &ShiftVerdict| !matches!(s.verdict, Verdict::NotEnough | Verdict::Open);
            let values = shifts.iter().map(|s| enough(s).then_some(s.distance_ppm));
            let series = Series {
                name: "away from the baseline",
                values: values.collect(),
                least: 100_000,
                steps: Steps::Tens,
            };
            let outcome = one.dimension == "outcome";
            Drawn {
                id: if outcome {
                    "chart-outcome"
                } else {
                    "chart-landing"
                },
                title: if outcome {
                    "Outcomes, shift by shift"
                } else {
                    "Routes, shift by shift"
                },
                about: "half the sum of all differences to the baseline".into(),
                chart: lines(
                    "Distance of each shift from the baseline",
                    &labels,
                    &[series],
                    &told,
                ),
            }
        })
        .collect();
    let weeks: Vec<String> = d
        .inputs
        .iter()
        .map(|w| w.week.to_string().chars().skip(5).collect())
        .collect();
    let series = |name, values| Series {
        name,
        values,
        least: 0,
        steps: Steps::Tens,
    };
    let input = series(
        "input faults",
        d.inputs.iter().map(|w| w.input_ppm).collect(),
    );
    let over = series(
        "overrides",
        d.inputs.iter().map(|w| w.override_ppm).collect(),
    );
    out.push(Drawn {
        id: "chart-inputs",
        title: "Inputs before the model",
        about: "missing, stale and contradicting inputs beside what people overrode".into(),
        chart: lines(
            "Share of runs with input faults, and of overridden outputs, by week",
            &weeks,
            &[input, over],
            &told,
        ),
    });
    out
}

fn confidence_words(c: &Calibration) -> String {
    let granted = if c.granted {
        "; a test instance needs none"
    } else {
        ""
    };
    format!(
        "a rule may rest on a band with {} outcomes in {} days that are right at most {} points less often than stated{granted}",
        c.least,
        c.window_days,
        c.tolerance_ppm / 10_000
    )
}

fn findings(d: &Drift, people: &[Person]) -> Vec<FindingCard> {
    let findings = d.findings.iter().map(|f| FindingCard {
        seq: f.seq,
        open: f.state == "open",
        words: f.words.clone(),
        about: format!(
            "found {}, {} answers for it",
            moment(&f.found_at, None),
            name(people, &f.owner)
        ),
        changes: f
            .changes
            .iter()
            .map(|c| {
                let at =
                    c.at.as_ref()
                        .map_or_else(|| "over several days".to_owned(), |at| moment(at, None));
                let by =
                    c.by.as_ref()
                        .map_or_else(String::new, |b| format!(", by {}", name(people, author(b))));
                (
                    at,
                    format!("{}: {}{by}", code(&c.what), c.words.replace('_', " ")),
                )
            })
            .collect(),
        unreadable: f.unreadable.clone(),
        note: f.note.clone(),
    });
    findings.collect()
}

/// On whom the work hangs; a sentence.
fn hero(d: &Drift, people: &[Person]) -> Option<String> {
    let h = d.dependence.hero.as_ref()?;
    Some(format!(
        "it hangs on one person: {} did {} of {} decisions, reruns and fixes",
        name(people, &h.person),
        h.acts,
        h.of
    ))
}

async fn drawn(
    app: &App,
    visit: &Visit,
    name: &str,
    problem: Option<Problem>,
) -> Result<DriftPage, PageError> {
    visit.user.sees(name)?;
    let d = Box::pin(app.engine.drift(name)).await?;
    let confidence = Box::pin(app.engine.calibration(name)).await?;
    let people = app.engine.reader().people().await?;
    let title = format!("Drift, {}", d.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    let may = |act| visit.user.rights.may(act, name);
    Ok(DriftPage {
        shell,
        name: name.to_owned(),
        title: d.title.clone(),
        baseline: d.baseline.as_ref().map(|b| {
            let old = if b.old {
                "; older than a year: freeze another one"
            } else {
                ""
            };
            format!(
                "Baseline {}: {} to {}, {} runs{old}.",
                b.version,
                b.from,
                b.to,
                count(b.runs)
            )
        }),
        waits: format!(
            "A baseline is frozen by itself after {} whole days with enough runs.",
            d.spec.baseline_days
        ),
        promise: format!(
            "Over shifts and days together a mix that has not moved is called drifted at most once in {:.0} years; shares may move by {} points.",
            1.0 / d.spec.alpha,
            d.spec.tolerance_percent
        ),
        findings: findings(&d, &people),
        handles: may(Act::HandleIncident),
        sets: may(Act::SetPriority),
        tiles: std::iter::once(&d.agreement)
            .chain(d.tiers.iter().map(|t| &t.agreement))
            .map(|s| {
                let shown = tile(s, None);
                Tile {
                    title: shown.title.replace('_', " "),
                    ..shown
                }
            })
            .collect(),
        kappa: d.tiers.first().map(|t| t.kappa.means.clone()),
        charts: charts(&d)
            .into_iter()
            .chain([reliability::drawn(&confidence)])
            .collect(),
        tables: d.dimensions.iter().flat_map(tables).collect(),
        sources: d.sources.iter().map(source_row).collect(),
        hero: hero(&d, &people),
        people: d
            .dependence
            .shares
            .iter()
            .map(|p| person_row(p, &people))
            .collect(),
        canary: d.canary.as_ref().map(canary_card),
        confidence: ConfidenceCard {
            about: confidence_words(&confidence),
            rows: confidence.bands.iter().map(reliability::row).collect(),
            edits: may(Act::EditRules),
        },
        problem,
    })
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    html(&drawn(&app, &visit, &name, None).await?)
}

/// The shifts as CSV.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.drift(&name)).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, sheet::drift(&found)).into_response())
}

/// Everything as JSON.
pub(crate) async fn json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.drift(&name)).await?;
    Ok(axum::Json(found).into_response())
}

/// Stated confidence against what people said, as CSV.
pub(crate) async fn calibration_file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.calibration(&name)).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, found.csv()).into_response())
}

/// The same as JSON.
pub(crate) async fn calibration_json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.calibration(&name)).await?;
    Ok(axum::Json(found).into_response())
}

/// Somebody relies on a miscalibrated band.
pub(crate) async fn rely(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let reason = form.text("reason").unwrap_or_default();
    let by = form.user.session.person.clone();
    let done = match band(&form.text("band").unwrap_or_default()) {
        Ok(band) => app.engine.rely_on(&name, band, &reason, &by).await,
        Err(p) => Err(p),
    };
    answered(&app, &name, &headers, form, done.map(drop), "Relied on").await
}

/// Somebody freezes a baseline.
pub(crate) async fn freeze(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let text = |field: &str| form.text(field).unwrap_or_default();
    let day = |field: &'static str| {
        Day::parse(&text(field))
            .map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    };
    let days = day("from").and_then(|from| {
        Ok(Days {
            from,
            to: day("to")?,
        })
    });
    let (reason, by) = (text("reason"), form.user.session.person.clone());
    let done = match days {
        Ok(days) => app.engine.freeze_mix(&name, days, &reason, &by).await,
        Err(p) => Err(p),
    };
    answered(&app, &name, &headers, form, done.map(drop), "Frozen").await
}

/// Somebody says what a finding was.
pub(crate) async fn close(
    State(app): State<App>,
    Path((name, number)): Path<(String, u32)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let note = form.text("note").unwrap_or_default();
    let by = form.user.session.person.clone();
    let done = app.engine.close_drift(&name, number, &note, &by).await;
    answered(&app, &name, &headers, form, done.map(drop), "Closed").await
}

async fn answered(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    form: PostForm,
    done: Result<(), Problem>,
    said: &str,
) -> Result<Response, PageError> {
    let address = format!("/workflows/{name}/drift");
    match done {
        Ok(()) => {
            app.sessions.tell(&form.user, said.to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, address, headers);
            let mut answer = html(&drawn(app, &visit, name, Some(p)).await?)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}
