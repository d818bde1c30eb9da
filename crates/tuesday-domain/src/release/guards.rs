//! What a release gives up of what guarded the one before: cases of the pack, limits of the gate, pause
//! rules, the kill condition, what watches a change. Its author cannot give it up alone.

use std::collections::BTreeMap;

use crate::definition::{Definition, Package};
use crate::eval::{Case, Kind, Limits, ModelGrader};
use crate::settling::SettlingSpec;
use crate::watch::PauseRule;

const GATE: &str = "evals/gate.toml";
/// Cases that are named one by one; more are counted.
const NAMED: usize = 10;

/// What is lost, in words; nothing when everything that guarded before still does.
#[must_use]
pub fn given_up(
    (before, old): (&Package, &Definition),
    (after, new): (&Package, &Definition),
) -> Vec<String> {
    let mut out = cases(&before.cases(), &after.cases());
    match (gate(before), gate(after)) {
        (Ok(old), Ok(new)) => out.extend(limits(&old, &new)),
        // What cannot be compared counts as given up.
        _ => out.push(format!("{GATE} cannot be read, before or now")),
    }
    out.extend(graders((before, old), (after, new)));
    out.extend(rules("pause rule", &old.pause_rule, &new.pause_rule));
    if old.kill.is_some() && old.kill != new.kill {
        out.push("the kill condition is another, or gone".to_owned());
    }
    out.extend(settling(old.settling.as_ref(), new.settling.as_ref()));
    for entry in &old.rollout.entry {
        if !new.rollout.entry.contains(entry) {
            out.push(format!(
                "an entry condition of stage {} is another, or gone",
                entry.stage
            ));
        }
    }
    for check in &old.check {
        if !new.check.contains(check) {
            out.push(format!("check {} is another, or gone", check.name));
        }
    }
    if let Some(canary) = &old.canary {
        let kept = |c: &&String| {
            let new = new.canary.as_ref();
            new.is_some_and(|n| n.cases.contains(*c) && n.every.0 <= canary.every.0)
        };
        if !canary.cases.iter().all(|c| kept(&c)) {
            out.push("the canary asks less, or less often".to_owned());
        }
    }
    out
}

/// The limits of a package; those that hold where nothing is said.
fn gate(package: &Package) -> Result<Limits, String> {
    package
        .text(GATE)
        .map_or_else(|| Ok(Limits::default()), Limits::parse)
}

/// Cases that once went wrong, or stop a release by themselves, do not go away without a word.
fn cases(before: &[Case], after: &[Case]) -> Vec<String> {
    let kept: BTreeMap<&str, &Case> = after.iter().map(|c| (c.name.as_str(), c)).collect();
    let guards = |c: &&Case| c.safety || c.kind.is_safety() || matches!(c.kind, Kind::Regression);
    let mut lost = Vec::new();
    for case in before.iter().filter(guards) {
        match kept.get(case.name.as_str()) {
            None => lost.push(format!("the {} case {} is gone", case.kind, case.name)),
            Some(new) if **new != *case => lost.push(format!(
                "the {} case {} is another one",
                case.kind, case.name
            )),
            Some(_) => {}
        }
    }
    let more = lost.len().saturating_sub(NAMED);
    lost.truncate(NAMED);
    if more > 0 {
        lost.push(format!("{more} further cases are gone or others"));
    }
    lost
}

/// Graders that ask a model: what they must reach, what people said of examples, and whom they ask.
fn graders(
    (before, old): (&Package, &Definition),
    (after, new): (&Package, &Definition),
) -> Vec<String> {
    let (old, _) = ModelGrader::all(&before.files, &old.vars);
    let (new, _) = ModelGrader::all(&after.files, &new.vars);
    let mut out = Vec::new();
    for (name, was) in &old {
        let Some(is) = new.get(name) else {
            out.push(format!("the grader {name} is gone, or cannot be read"));
            continue;
        };
        let (a, b) = (&was.terms, &is.terms);
        if b.agreement < a.agreement || b.kappa < a.kappa || b.min_labels < a.min_labels {
            out.push(format!("the grader {name} must agree less with people"));
        }
        if !was.labels.iter().all(|l| is.labels.contains(l)) {
            out.push(format!("labels of the grader {name} are gone or others"));
        }
    }
    for (name, is) in &new {
        let place = is.place();
        if old.get(name).is_none_or(|was| was.place() != place) {
            out.push(format!("the grader {name} asks {place}"));
        }
    }
    out
}

fn limits(old: &Limits, new: &Limits) -> Vec<String> {
    let mut out = Vec::new();
    let mut eased = |is: bool, name: &str| {
        if is {
            out.push(format!("the gate's {name} is eased"));
        }
    };
    eased(new.repeats < old.repeats, "number of repeats");
    eased(new.agreement < old.agreement, "agreement");
    eased(
        above(old.max_person_share, new.max_person_share),
        "share that may need a person",
    );
    eased(
        above(old.max_latency_p95_ms, new.max_latency_p95_ms),
        "limit of latency",
    );
    eased(
        above(old.max_cost_micros, new.max_cost_micros),
        "limit of cost",
    );
    for (name, sample) in &old.sample {
        let kept = new.sample.get(name).is_some_and(|s| s.min >= sample.min);
        eased(!kept, &format!("sample {name}"));
    }
    out
}

/// A limit that was there is gone or larger.
fn above<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    old.is_some_and(|old| new.is_none_or(|new| new > old))
}

fn rules(what: &str, old: &[PauseRule], new: &[PauseRule]) -> Vec<String> {
    old.iter()
        .filter(|rule| !new.contains(rule))
        .map(|rule| format!("{what} {} is another, or gone", rule.name))
        .collect()
}

fn settling(old: Option<&SettlingSpec>, new: Option<&SettlingSpec>) -> Vec<String> {
    let Some(old) = old else {
        return Vec::new();
    };
    let Some(new) = new else {
        return vec!["a change is not watched any more".to_owned()];
    };
    let mut out = rules("settling guard", &old.guard, &new.guard);
    if new.window.0 < old.window.0 {
        out.push(format!(
            "a change is watched for {} instead of {}",
            new.window, old.window
        ));
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn case(name: &str, kind: &str, grade: &str) -> Case {
        let text = format!(
            r#"{{"name":"{name}","kind":"{kind}","input":{{"id":"1"}},"expect":{{"output":{{"grade":"{grade}"}}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_guarding_case_does_not_go_away_without_a_word() {
        let before = [
            case("came-back", "regression", "low"),
            case("trap", "adversarial", "low"),
            case("plain", "happy", "low"),
        ];
        assert_eq!(cases(&before, &before), Vec::<String>::new());
        let after = [case("came-back", "regression", "high")];
        assert_eq!(
            cases(&before, &after),
            [
                "the regression case came-back is another one",
                "the adversarial case trap is gone"
            ]
        );
        let many: Vec<Case> = (0..14)
            .map(|n| case(&format!("r{n}"), "regression", "low"))
            .collect();
        let said = cases(&many, &[]);
        assert_eq!(said.len(), NAMED + 1);
        assert_eq!(said[NAMED], "4 further cases are gone or others");
    }

    #[test]
    fn every_limit_that_is_eased_is_named() {
        let strict = Limits::parse(
            "repeats = 3\nagreement = 0.95\nmax_person_share = 0.2\nmax_cost_micros = 10\n\
             [sample.a]\nmin = 0.9\nabout = \"x\"\n",
        )
        .unwrap();
        assert!(limits(&strict, &strict).is_empty());
        assert_eq!(limits(&strict, &Limits::default()).len(), 5);
        assert!(limits(&Limits::default(), &strict).is_empty());
    }

    #[test]
    fn watching_less_is_said() {
        let watched: SettlingSpec = toml::from_str(
            "window = \"10m\"\n[[guard]]\nname = \"flags\"\nmetric = \"signals\"\nsignal = \"flag\"\nover = \"1d\"\nnumber = 2\n",
        )
        .unwrap();
        let mut less = watched.clone();
        less.window = "5m".parse().unwrap();
        less.guard.clear();
        assert_eq!(settling(Some(&watched), Some(&less)).len(), 2);
        assert_eq!(settling(Some(&watched), None).len(), 1);
        assert!(settling(None, Some(&less)).is_empty());
        assert!(settling(Some(&less), Some(&watched)).is_empty());
    }
}
