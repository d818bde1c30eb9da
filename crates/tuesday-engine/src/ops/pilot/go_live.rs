//! The fifteen questions of going live, each pre-filled from live records where there are any; else with
//! what somebody answers; else blank, and listed as such in the decision.

use tuesday_domain::access::Act;
use tuesday_domain::charter::pack::{GoLiveAsks, Known};
use tuesday_domain::charter::{EvidenceState, Statement, Topic, prove};
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;
use tuesday_domain::workflow::Label;

use super::Read;
use super::line::{PilotAnswer, amount};
use crate::engine::Engine;

/// Most bytes of an answer in the record of the decision.
const BRIEF: usize = 160;

impl Engine {
    pub(super) async fn go_live_answers(&self, read: &Read) -> Result<Vec<PilotAnswer>, Problem> {
        let may = self.who_may(Act::PauseWorkflow, &read.g.row.name).await?;
        let hidden = self.hidden_costs(read).await?;
        let mut out = Vec::with_capacity(GoLiveAsks::ALL.len());
        for asks in GoLiveAsks::ALL {
            let found = match asks {
                GoLiveAsks::Pause if may.is_empty() => None,
                GoLiveAsks::Pause => {
                    let names: Vec<&str> = may.iter().map(|(_, name)| name.as_str()).collect();
                    Some((names.join(", "), read.page("")))
                }
                GoLiveAsks::HiddenCosts if hidden.is_empty() => None,
                GoLiveAsks::HiddenCosts => {
                    let all: Vec<&str> = hidden.iter().map(|l| l.words.as_str()).collect();
                    Some((all.join("; "), read.page("/costs")))
                }
                other => recorded(*other, read),
            };
            out.push(filled(*asks, found, read));
        }
        Ok(out)
    }

    /// What the decision to go live keeps of the fifteen: how many are answered, which are blank, and what
    /// was answered.
    ///
    /// # Errors
    /// As [`Engine::pilot_pack`].
    pub(in crate::ops) async fn go_live_words(&self, name: &str) -> Result<String, Problem> {
        let read = Box::pin(self.pilot_read(name)).await?;
        let all = Box::pin(self.go_live_answers(&read)).await?;
        let blank: Vec<&str> = all
            .iter()
            .filter(|a| a.known == Known::NoEvidence)
            .map(|a| a.asks)
            .collect();
        let mut out = format!(
            "\nQuestions of going live: {} of {} answered",
            all.len() - blank.len(),
            all.len()
        );
        if !blank.is_empty() {
            out.push_str(&format!("; blank: {}", blank.join(", ")));
        }
        for a in all.iter().filter(|a| a.known != Known::NoEvidence) {
            out.push_str(&format!(
                "\n{} ({}): {}",
                a.asks,
                a.known.words(),
                brief(&a.words)
            ));
        }
        Ok(out)
    }
}

fn brief(words: &str) -> &str {
    let mut end = words.len().min(BRIEF);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.get(..end).unwrap_or_default()
}

fn filled(asks: GoLiveAsks, found: Option<(String, String)>, read: &Read) -> PilotAnswer {
    let said = read.said(Statement::GoLiveAnswer, asks.word());
    let (known, words, by, records) = match (found, said) {
        (Some((words, page)), _) => (Known::Evidence, words, None, Some(page)),
        (None, Some(f)) => (Known::Claim, f.value.clone(), Some(f.by.clone()), None),
        (None, None) => (Known::NoEvidence, "blank".to_owned(), None, None),
    };
    PilotAnswer {
        asks: asks.word(),
        group: asks.group(),
        title: asks.title(),
        known,
        words,
        by,
        records,
    }
}

/// The answer of a record, with its page.
fn recorded(asks: GoLiveAsks, read: &Read) -> Option<(String, String)> {
    let (g, f) = (&read.g, &read.figures);
    let def = &g.live.ready.def;
    let figure = |key: &str| read.card.figures.iter().find(|s| s.key == key);
    let told = |s: &Shown| {
        s.value
            .map(|n| format!("{}: {}; {}", s.title, amount(n, s), s.means))
    };
    let at = |path: &str| read.page(path);
    match asks {
        GoLiveAsks::Owner => proved(Topic::OperatorOwner, read),
        GoLiveAsks::Trained => proved(Topic::Training, read),
        GoLiveAsks::Monitored => proved(Topic::WeeklyReview, read),
        GoLiveAsks::Complaints => proved(Topic::SupportOwner, read),
        GoLiveAsks::OneTeam => {
            let scope = &g.row.rollout.scope;
            (!scope.is_empty()).then(|| (format!("it is: {}", scope.words()), at("")))
        }
        GoLiveAsks::DraftOnly => {
            let since = g.row.rollout.staged_at.map(|t| g.live.ready.zone.day(t));
            let since = since.map(|d| format!(" since {d}")).unwrap_or_default();
            Some((
                format!("it is at stage {}{since}", g.row.stage_in_force()),
                at(""),
            ))
        }
        GoLiveAsks::ReadOnly => {
            let words = format!("{} shadow runs wrote nothing", f.shadow);
            (f.shadow > 0).then(|| (words, at("")))
        }
        GoLiveAsks::TooRisky => {
            let risky = &def.rollout.scope.risky;
            (!risky.is_empty()).then(|| (risky.join(", "), at("")))
        }
        GoLiveAsks::Expansion => {
            let n = def.rollout.entry.len();
            (n > 0).then(|| {
                (
                    format!("{n} written entry conditions of later stages"),
                    at(""),
                )
            })
        }
        GoLiveAsks::TimeSaved => figure("net_saved")
            .and_then(told)
            .map(|w| (w, at("/scorecard"))),
        GoLiveAsks::Quality => {
            let (quality, speed) = (figure("error_change")?, figure("turnaround_p50")?);
            Some((
                format!("{}; {}", told(quality)?, told(speed)?),
                at("/scorecard"),
            ))
        }
        GoLiveAsks::Support if f.runs == 0 => None,
        GoLiveAsks::Support => figure("support_requests")
            .and_then(told)
            .map(|w| (w, at("/scorecard"))),
        GoLiveAsks::Continue => {
            // The decision that began the pilot does not answer whether to go on.
            let began = g.pilot().started_at;
            let d = g.decision.as_ref()?;
            let after = began.map_or(g.row.label == Label::Production, |b| d.decided_at > b);
            after.then(|| (format!("{}: {}", d.choice, d.reason), at("")))
        }
        GoLiveAsks::Pause | GoLiveAsks::HiddenCosts => None,
    }
}

fn proved(topic: Topic, read: &Read) -> Option<(String, String)> {
    let evidence = prove(topic, &read.g.picture());
    let shown = evidence.state == EvidenceState::Verified;
    shown.then(|| (evidence.words, read.page(topic.path())))
}
