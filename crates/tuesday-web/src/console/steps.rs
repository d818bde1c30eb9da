//! The run page's timeline: attempts of the machine first, then every recorded change.

use tuesday_domain::record::{Attempt, AttemptResult, Run};
use tuesday_domain::run::Step;
use tuesday_domain::story::{Moment, Story};
use tuesday_domain::time::{Timestamp, Zone};

use super::words::{author, clock, code, count, money, moved, plural, took};

/// Steps of one kind on one scale.
pub(crate) struct Phase {
    pub(crate) title: &'static str,
    pub(crate) told: String,
    pub(crate) steps: Vec<StepView>,
}

/// One step.
pub(crate) struct StepView {
    pub(crate) tone: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) at: String,
    pub(crate) iso: String,
    pub(crate) title: String,
    pub(crate) told: String,
    pub(crate) took: String,
    /// Place and width of the bar, 0 to 200.
    pub(crate) from: i64,
    pub(crate) width: i64,
}

/// Both phases; empty ones are left out.
pub(crate) fn phases(
    run: &Run,
    attempts: &[Attempt],
    story: &Story,
    zone: Option<&Zone>,
) -> Vec<Phase> {
    let all = [machine(run, attempts, zone), record(&story.timeline)];
    all.into_iter().filter(|p| !p.steps.is_empty()).collect()
}

fn machine(run: &Run, attempts: &[Attempt], zone: Option<&Zone>) -> Phase {
    let start = run.received_at.micros();
    let end = attempts
        .iter()
        .map(|a| a.started_at.micros() + a.duration_us)
        .max()
        .unwrap_or(start);
    let scale = Scale {
        start,
        length: (end - start).max(1),
    };
    let mut steps = vec![StepView {
        tone: "ok",
        icon: "i-enter",
        at: clock(run.received_at, zone),
        iso: run.received_at.rfc3339(),
        title: "Event received".to_owned(),
        told: format!("{}, id {}", run.event_source, run.event_id),
        took: String::new(),
        from: 0,
        width: 2,
    }];
    steps.extend(attempts.iter().map(|a| attempt(a, &scale, zone)));
    let told = format!(
        "{} in {}",
        plural(attempts.len() as u64, "attempt"),
        took(end - start)
    );
    Phase {
        title: "Machine",
        told,
        steps,
    }
}

struct Scale {
    start: i64,
    length: i64,
}

impl Scale {
    fn bar(&self, at: i64, length: i64) -> (i64, i64) {
        let from = ((at - self.start).max(0).saturating_mul(200) / self.length).min(198);
        (
            from,
            (length.max(0).saturating_mul(200) / self.length).clamp(2, 200 - from),
        )
    }
}

fn attempt(a: &Attempt, scale: &Scale, zone: Option<&Zone>) -> StepView {
    let (title, icon) = match a.step {
        Step::Intake => ("Received", "i-enter"),
        Step::Snapshot => ("Inputs frozen", "i-stack"),
        Step::Generate => ("Model call", "i-chip"),
        Step::Validate => ("Output checked", "i-check"),
        Step::Route => ("Rules asked", "i-fork"),
        Step::Review => ("Review", "i-person"),
        Step::Dispatch => ("Written", "i-written"),
        Step::Confirm => ("Read back", "i-check"),
    };
    let tone = match a.result {
        AttemptResult::Done => "ok",
        AttemptResult::Permanent | AttemptResult::TimedOut | AttemptResult::Invalid => "bad",
        _ => "warn",
    };
    let mut told = Vec::new();
    if a.result != AttemptResult::Done {
        told.push(code(a.result.word()));
    }
    told.extend(a.detail.clone());
    told.extend(a.model_reported.clone().or_else(|| a.model.clone()));
    if let Some(u) = a.usage {
        told.push(format!(
            "{} tokens in, {} out",
            count(u.input_tokens),
            count(u.output_tokens)
        ));
    }
    told.extend(a.cost_micros.filter(|c| *c > 0).map(money));
    let (from, width) = scale.bar(a.started_at.micros(), a.duration_us);
    StepView {
        tone,
        icon,
        at: clock(a.started_at, zone),
        iso: a.started_at.rfc3339(),
        title: if a.number > 1 {
            format!("{title}, attempt {}", a.number)
        } else {
            title.to_owned()
        },
        told: told.join(", "),
        took: took(a.duration_us),
        from,
        width,
    }
}

fn record(timeline: &[Moment]) -> Phase {
    let at = |m: &Moment| {
        Timestamp::parse(&m.at)
            .map(Timestamp::micros)
            .unwrap_or_default()
    };
    let start = timeline.first().map(at).unwrap_or_default();
    let end = timeline.last().map(at).unwrap_or_default();
    let scale = Scale {
        start,
        length: (end - start).max(1),
    };
    let mut before = start;
    let mut steps = Vec::with_capacity(timeline.len());
    for m in timeline {
        let now = at(m);
        let (from, width) = scale.bar(before, now - before);
        let (tone, icon) = look(&m.kind, &m.moves);
        steps.push(StepView {
            tone,
            icon,
            at: m
                .local
                .chars()
                .rev()
                .take(8)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect(),
            iso: m.at.clone(),
            title: code(&m.kind.replace('.', " ")),
            told: std::iter::once(author(&m.actor).to_owned())
                .chain(m.moves.iter().map(|x| moved(x)))
                .collect::<Vec<_>>()
                .join(", "),
            took: took(now - before),
            from,
            width,
        });
        before = now;
    }
    Phase {
        title: "Every recorded change",
        told: plural(timeline.len() as u64, "entry").replace("entrys", "entries"),
        steps,
    }
}

fn look(kind: &str, moves: &[String]) -> (&'static str, &'static str) {
    let ends = |word: &str| moves.iter().any(|m| m.ends_with(word));
    if ends("failed") || ends("uncertain") || ends("blocked") {
        return ("bad", "i-alert");
    }
    match kind {
        k if k.contains("reject") => ("bad", "i-cross"),
        k if k.contains("edit") => ("ok", "i-pencil"),
        k if k.contains("approve") || k.contains("confirm") || k.contains("completed") => {
            ("ok", "i-check")
        }
        k if k.contains("escalat") => ("warn", "i-up"),
        k if k.contains("claim") || k.contains("release") => ("", "i-lock"),
        k if k.starts_with("review") => ("", "i-person"),
        k if k.contains("accept") => ("", "i-enter"),
        k if k.contains("snapshot") => ("", "i-stack"),
        k if k.contains("generat") => ("", "i-chip"),
        k if k.contains("rout") => ("", "i-fork"),
        k if k.starts_with("action") || k.contains("dispatch") => ("", "i-written"),
        _ => ("", "i-ring"),
    }
}
