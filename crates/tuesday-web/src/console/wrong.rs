//! What happens when the model is wrong: found, stopped, undone and answered for by whom. Every claim is
//! read from the settings in force and links to where it is set; what is missing says so.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use tuesday_domain::access::Act;
use tuesday_domain::charter::WrongPart;
use tuesday_domain::definition::{Definition, DegradedPlan};
use tuesday_domain::record::ReleaseState;
use tuesday_domain::time::Span;
use tuesday_domain::trouble::rotation;
use tuesday_domain::workflow::Stage;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, plural};
use crate::refusal::PageError;
use crate::state::App;

#[derive(Default)]
struct Claim {
    question: &'static str,
    answer: String,
    href: String,
    set_in: &'static str,
    /// The part of the answer that it is; the label production asks for the same parts.
    part: Option<WrongPart>,
    missing: bool,
    /// It is set and nothing recent shows that it works: a warning, and no part of the label.
    unproved: bool,
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct WrongPage {
    shell: Shell,
    name: String,
    title: String,
    claims: Vec<Claim>,
    missing: usize,
}

/// The page of one workflow.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let (workflow, live) = app.engine.live(&name).await?;
    let (reader, def) = (app.engine.reader(), &live.ready.def);
    let releases = reader.releases(&name).await?;
    let before = releases
        .iter()
        .filter(|r| r.state == ReleaseState::Superseded)
        .map(|r| r.number)
        .max();
    let may = app.engine.who_may(Act::PauseWorkflow, &name).await?;
    let may: Vec<String> = may.into_iter().map(|p| p.1).collect();
    let alerts = app.engine.alerts().await?;
    let proved = alerts.channels.iter().any(|c| !c.stale);
    let parts = app.engine.wrong_parts(&workflow, &live).await?;
    let mut claims = found(def, &name, workflow.stage, workflow.rules_version);
    claims.push(Claim {
        question: "Who can stop it now?",
        answer: may.join(", "),
        href: "/people".to_owned(),
        set_in: "people",
        part: Some(WrongPart::Stop),
        ..Claim::default()
    });
    let alternative = releases
        .iter()
        .find(|r| Some(r.id) == workflow.rollout.alternative)
        .map(|r| r.number);
    claims.extend(undone(def, &name, (live.number, before, alternative)));
    claims.extend(told(def, &name, proved));
    for claim in &mut claims {
        claim.missing = claim.part.is_some_and(|p| parts.contains(&p));
    }
    html(&WrongPage {
        shell: visit
            .shell(
                &app,
                "When the model is wrong",
                "workflows",
                Some(name.clone()),
            )
            .await?,
        title: workflow.title.clone(),
        missing: claims.iter().filter(|c| c.missing).count(),
        claims,
        name,
    })
}

/// How a wrong answer is found before and after it is out.
fn found(def: &Definition, name: &str, stage: Stage, rules: u64) -> Vec<Claim> {
    let here = format!("/workflows/{name}");
    let look = &def.review.second_look;
    let checks: Vec<&str> = def.check.iter().map(|c| c.name.as_str()).collect();
    let shares = look.automatic_percent > 0.0 || look.human_percent > 0.0;
    vec![
        Claim {
            question: "What may it do by itself?",
            answer: format!(
                "Stage {}. Rules version {rules} decides each case; a value it cannot use goes to a person.",
                code(stage.word()).to_lowercase()
            ),
            href: format!("{here}/rules"),
            set_in: "rules",
            ..Claim::default()
        },
        Claim {
            question: "What is checked on every answer?",
            answer: if checks.is_empty() {
                "Its schema, refusal and stated doubt. No further check is declared.".to_owned()
            } else {
                format!(
                    "Its schema, refusal and stated doubt, and {}: {}.",
                    plural(checks.len() as u64, "check"),
                    checks.join(", ")
                )
            },
            href: here.clone(),
            set_in: "package",
            ..Claim::default()
        },
        Claim {
            question: "Who looks again at what was approved?",
            answer: if shares {
                format!(
                    "{} % of what the rules approved and {} % of what people approved goes to somebody else.",
                    look.automatic_percent, look.human_percent
                )
            } else {
                "Nobody: no share is drawn for a second look.".to_owned()
            },
            href: here,
            set_in: "package",
            part: Some(WrongPart::SecondLook),
            ..Claim::default()
        },
    ]
}

/// How it is taken back.
fn undone(
    def: &Definition,
    name: &str,
    (number, before, alternative): (u32, Option<u32>, Option<u32>),
) -> Vec<Claim> {
    let here = format!("/workflows/{name}");
    let seconds = def.review.recall_seconds;
    vec![
        Claim {
            question: "Can an approval be taken back?",
            answer: if seconds > 0 {
                format!("For {} after it was given, before anything is sent.", plural(u64::from(seconds), "second"))
            } else {
                "Only until it is sent, which is at once.".to_owned()
            },
            href: here.clone(),
            set_in: "package",
            ..Claim::default()
        },
        Claim {
            question: "What does it go back to?",
            answer: before.map_or_else(
                || format!("Release {number} is the first one. Pausing it is the way back: people do the work by hand."),
                |b| format!("From release {number} to release {b}, or to an earlier version of the rules."),
            ),
            href: here.clone(),
            set_in: "releases",
            ..Claim::default()
        },
        Claim {
            question: "What happens to work meanwhile?",
            answer: plans(def, alternative),
            href: format!("{here}/releases"),
            set_in: "package and releases",
            part: Some(WrongPart::Meanwhile),
            ..Claim::default()
        },
    ]
}

fn plans(def: &Definition, alternative: Option<u32>) -> String {
    let d = &def.degraded;
    let say = |what: &str, plan: Option<DegradedPlan>| match plan {
        Some(DegradedPlan::People) => {
            format!("{what}: people get it after {}", Span(d.people_after()))
        }
        Some(DegradedPlan::Hold) => format!("{what}: it waits"),
        Some(DegradedPlan::Alternative) => alternative.map_or_else(
            || format!("{what}: it waits, because no release was approved to stand by"),
            |n| format!("{what}: it goes on with release {n}, which was approved for that"),
        ),
        None => format!("{what}: nothing is declared, so it waits"),
    };
    [
        say("Model away", d.model),
        say("source away", d.source),
        say("destination away", d.destination),
    ]
    .join("; ")
        + "."
}

/// Who answers for it.
fn told(def: &Definition, name: &str, proved: bool) -> Vec<Claim> {
    let here = format!("/workflows/{name}");
    let owners = &def.owners;
    let gaps = rotation::gaps(&def.on_call.shift);
    let who = if def.on_call.shift.is_empty() {
        format!("{}, always", owners.operator.name)
    } else {
        format!(
            "{} on call, else {}",
            plural(def.on_call.shift.len() as u64, "shift"),
            owners.operator.name
        )
    };
    let gap: Vec<String> = gaps.iter().map(ToString::to_string).collect();
    let sponsor = owners
        .sponsor
        .as_ref()
        .map_or("nobody", |s| s.name.as_str());
    vec![
        Claim {
            question: "Who is told first?",
            answer: if gap.is_empty() {
                format!("{who}. Without an answer in {} it goes on to {}, {} and {sponsor}.", def.on_call.acknowledge, owners.backup.name, owners.escalation.name)
            } else {
                format!("{who}. Nobody covers {}.", gap.join(", "))
            },
            href: here.clone(),
            set_in: "package",
            part: Some(WrongPart::Told),
            ..Claim::default()
        },
        Claim {
            question: "Does an alert arrive?",
            answer: if proved {
                "A channel took one in the last seven days.".to_owned()
            } else {
                "Nothing proves it: no channel took an alert or a test in the last seven days.".to_owned()
            },
            href: "/runbooks/alert-undelivered".to_owned(),
            set_in: "alerts",
            unproved: !proved,
            ..Claim::default()
        },
        Claim {
            question: "Where do customers and colleagues say so?",
            answer: format!("{} Every report has an owner and an answer within three days.", def.workflow.support),
            href: "/problem-reports".to_owned(),
            set_in: "problem reports",
            part: Some(WrongPart::Support),
            ..Claim::default()
        },
        Claim {
            question: "How are wrong outputs put right?",
            answer: "The blast radius lists each of them and where it went; each gets a correction with an owner and a receipt. The incident stays open until all are settled and a regression case guards against the next one.".to_owned(),
            href: "/runbooks/wrong-answer".to_owned(),
            set_in: "runbook",
            ..Claim::default()
        },
    ]
}
