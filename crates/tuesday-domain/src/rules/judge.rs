//! What a change of the rules needs before it is in force: nothing more, a second person, or it is
//! refused. Tightening never waits.

use super::change::{Change, compare};
use super::finding::{Finding, FindingCode, Severity};
use super::parse::parse;
use super::table::RuleSet;

/// A change that may be made.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The new table.
    pub rules: RuleSet,
    /// What the checks have to say about it.
    pub findings: Vec<Finding>,
    /// What it does differently.
    pub change: Change,
    /// Why a second person must agree; empty when nobody must.
    pub second_person: Vec<Finding>,
}

/// Why a change is refused.
#[derive(Clone, Debug)]
pub enum ChangeRefused {
    /// The table cannot be read or breaks its own rules.
    Invalid(Vec<Finding>),
    /// A value or an automatic row goes beyond a hard bound: the first such finding, and all.
    BeyondBound(Box<Finding>, Vec<Finding>),
    /// Types and bounds stand in the header and belong to their owner.
    HeaderChanged,
    /// These columns have no bounds, so nobody may move their values.
    NoBounds(Vec<String>),
    /// The new table is the one in force.
    Nothing,
}

/// Judges the new text of a table against the one in force.
///
/// # Errors
/// [`ChangeRefused`] with what is in the way.
pub fn judge(old: &RuleSet, text: &str) -> Result<Judged, ChangeRefused> {
    let (rules, findings) = parse(text).map_err(refused)?;
    let change = compare(old, &rules);
    if change.columns_changed {
        return Err(ChangeRefused::HeaderChanged);
    }
    if *old == rules {
        return Err(ChangeRefused::Nothing);
    }
    if !change.unbounded.is_empty() {
        return Err(ChangeRefused::NoBounds(change.unbounded));
    }
    let second_person = if change.only_tightens() {
        Vec::new()
    } else {
        newly_past(old, &findings)
    };
    Ok(Judged {
        rules,
        findings,
        change,
        second_person,
    })
}

fn refused(findings: Vec<Finding>) -> ChangeRefused {
    let beyond = findings
        .iter()
        .find(|finding| {
            matches!(
                finding.code,
                FindingCode::PastHardBound | FindingCode::AutoPastHardBound
            ) && finding.severity == Severity::Error
        })
        .cloned();
    // A table that cannot be read has no bounds to speak of; its faults come first.
    let unreadable = findings.iter().any(|finding| {
        finding.severity == Severity::Error
            && !matches!(
                finding.code,
                FindingCode::PastHardBound | FindingCode::AutoPastHardBound
            )
    });
    match beyond {
        Some(first) if !unreadable => ChangeRefused::BeyondBound(Box::new(first), findings),
        _ => ChangeRefused::Invalid(findings),
    }
}

/// What lies past a soft bound now and did not before; what was agreed to once stays agreed.
fn newly_past(old: &RuleSet, findings: &[Finding]) -> Vec<Finding> {
    let known = parse(&super::table::to_csv(old)).map_or_else(|f| f, |(_, f)| f);
    let counts = |finding: &Finding| {
        finding.severity == Severity::SecondPerson
            || matches!(
                finding.code,
                FindingCode::AutoUnlimited | FindingCode::CheckIncomplete
            )
    };
    findings
        .iter()
        .filter(|finding| counts(finding))
        .filter(|finding| {
            !known.iter().any(|before| {
                (before.code, &before.row, &before.column, &before.message)
                    == (
                        finding.code,
                        &finding.row,
                        &finding.column,
                        &finding.message,
                    )
            })
        })
        .cloned()
        .collect()
}
