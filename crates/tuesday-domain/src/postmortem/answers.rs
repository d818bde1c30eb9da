//! What records say to the seven questions, and which root cause they point to.

use super::{Answer, Question, RootCause};

/// What records know about a workflow at the moment it stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Name of the person whom the first release named as its owner, if that was an active person.
    pub first_owner: Option<String>,
    /// Number of the first release.
    pub first_release: u32,
    /// Results that were confirmed in a system that people use: where, and whether there were any.
    pub written_back: Asked,
    /// Whether load fitted, with what it rests on; nobody can tell without declared hours.
    pub load_fit: Asked,
    /// Whether the saved time was measured.
    pub time_saved: Asked,
    /// Runs of the span that was looked at.
    pub runs: u64,
    /// Of those, put before a person because of what they read.
    pub input_faults: u64,
    /// Incidents whose fix was made in the inputs.
    pub input_fixes: u64,
    /// Whether those who decide were trained.
    pub trained: Asked,
    /// Decisions that cite an output.
    pub cited: u64,
}

/// What one kind of record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Yes or no, if it can tell.
    pub yes: Option<bool>,
    /// What is there.
    pub words: String,
}

/// One run in twenty with faulty inputs is where they are called faulty.
const FAULTY: u64 = 20;

/// The seven answers as far as records give them.
#[must_use]
pub fn prefill(workflow: &str, known: &Known) -> Vec<Answer> {
    let answer = |question: Question| {
        let (asked, place) = match question {
            Question::OwnerOnDayOne => (owner(known), "#people"),
            Question::Integrated => (known.written_back.clone(), "/batches"),
            Question::LoadFit => (known.load_fit.clone(), "/capacity"),
            Question::TimeSaved => (known.time_saved.clone(), "/scorecard"),
            Question::InputsFixed => (inputs(known), "/scorecard"),
            Question::Trained => (known.trained.clone(), "/practice"),
            Question::OutputUsed => (used(known), "#decisions"),
        };
        Answer {
            question,
            yes: asked.yes,
            evidence: asked.words,
            path: format!("/workflows/{workflow}{place}"),
            by: None,
        }
    };
    Question::ALL.iter().map(|q| answer(*q)).collect()
}

fn owner(known: &Known) -> Asked {
    let release = known.first_release;
    match &known.first_owner {
        Some(name) => Asked {
            yes: Some(true),
            words: format!("release {release} named {name}"),
        },
        None => Asked {
            yes: Some(false),
            words: format!("release {release} named nobody who was there"),
        },
    }
}

fn inputs(known: &Known) -> Asked {
    let (runs, faults, fixes) = (known.runs, known.input_faults, known.input_fixes);
    if runs == 0 {
        return Asked {
            yes: None,
            words: "no run in the 30 days before".to_owned(),
        };
    }
    let words = format!(
        "{faults} of {runs} runs met inputs that were stale, missing or in conflict; {fixes} fixes were made in the inputs"
    );
    Asked {
        yes: Some(faults * FAULTY <= runs),
        words,
    }
}

fn used(known: &Known) -> Asked {
    let words = match known.cited {
        0 => "no decision record cites an output".to_owned(),
        n => format!("{n} decision records cite an output"),
    };
    Asked {
        yes: Some(known.cited > 0),
        words,
    }
}

/// The root causes that records point to, the likeliest first. `unnoticed` is what changed around it
/// without the right people knowing, when something did.
#[must_use]
pub fn offered(answers: &[Answer], unnoticed: Option<&str>) -> Vec<(RootCause, String)> {
    let mut out: Vec<(RootCause, String)> = unnoticed
        .map(|what| (RootCause::Governance, what.to_owned()))
        .into_iter()
        .collect();
    let no = answers.iter().filter(|a| a.yes == Some(false));
    out.extend(no.map(|a| (points_to(a.question), a.evidence.clone())));
    out
}

const fn points_to(question: Question) -> RootCause {
    match question {
        Question::OwnerOnDayOne => RootCause::Ownership,
        Question::Integrated => RootCause::Integration,
        Question::LoadFit => RootCause::Review,
        Question::TimeSaved => RootCause::Metric,
        Question::InputsFixed => RootCause::Inputs,
        Question::Trained | Question::OutputUsed => RootCause::ChangeManagement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(known: &Known, question: Question) -> Option<bool> {
        let answers = prefill("desk", known);
        assert_eq!(answers.len(), 7);
        let found = answers.iter().find(|a| a.question == question);
        found.and_then(|a| a.yes)
    }

    #[test]
    fn what_no_record_can_tell_stays_blank() {
        let known = Known::default();
        assert_eq!(yes(&known, Question::LoadFit), None);
        assert_eq!(yes(&known, Question::InputsFixed), None);
        assert_eq!(yes(&known, Question::OwnerOnDayOne), Some(false));
        assert_eq!(yes(&known, Question::OutputUsed), Some(false));
    }

    #[test]
    fn inputs_are_fixed_up_to_one_fault_in_twenty() {
        let mut known = Known {
            runs: 100,
            input_faults: 5,
            ..Known::default()
        };
        assert_eq!(yes(&known, Question::InputsFixed), Some(true));
        known.input_faults = 6;
        assert_eq!(yes(&known, Question::InputsFixed), Some(false));
    }

    #[test]
    fn a_change_that_nobody_noticed_is_offered_first() {
        let known = Known {
            first_owner: Some("Olga".to_owned()),
            cited: 1,
            ..Known::default()
        };
        let answers = prefill("desk", &known);
        assert!(offered(&answers, None).is_empty());
        let offers = offered(&answers, Some("style text v3 to v4"));
        assert_eq!(offers[0].0, RootCause::Governance);
    }
}
