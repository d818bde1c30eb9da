//! What the demo's JSON must say before the demo step passes.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The fields of `tuesday demo --exit --json` that are checked here.
#[derive(Debug, Deserialize)]
struct Report {
    runs_accepted: u64,
    runs_by_outcome: BTreeMap<String, u64>,
    audit_verified: bool,
}

/// Checks the printed report: something was accepted, all of it has an outcome, the log verifies.
pub(super) fn check(stdout: &str) -> Result<()> {
    let json = stdout
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with('{') && line.trim_end().ends_with('}'))
        .unwrap_or(stdout);
    let report: Report =
        serde_json::from_str(json).with_context(|| format!("the demo printed {stdout:?}"))?;
    let ended: u64 = report.runs_by_outcome.values().sum();
    if report.runs_accepted == 0 {
        bail!("the demo accepted no run");
    }
    if report.runs_accepted != ended {
        bail!(
            "the demo accepted {} runs, its outcomes add up to {ended}: {:?}",
            report.runs_accepted,
            report.runs_by_outcome
        );
    }
    if !report.audit_verified {
        bail!("the demo's audit log does not verify");
    }
    println!(
        "{} runs accepted, all accounted for: {:?}",
        ended, report.runs_by_outcome
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"runs_accepted":5,"runs_by_outcome":{"completed":3,"waiting_review":2},"audit_verified":true,"dir":"d"}"#;

    #[test]
    fn every_run_accounted_for_passes() {
        assert!(check(GOOD).is_ok());
        assert!(check(&format!("a line before\n{GOOD}\n")).is_ok());
        let pretty = GOOD.replace(',', ",\n").replace("{\"runs_a", "{\n\"runs_a");
        assert!(check(&pretty).is_ok(), "{pretty}");
    }

    #[test]
    fn a_lost_run_a_broken_log_an_empty_demo_and_silence_fail() {
        assert!(check(&GOOD.replace(":5", ":6")).is_err());
        assert!(check(&GOOD.replace("true", "false")).is_err());
        assert!(
            check(r#"{"runs_accepted":0,"runs_by_outcome":{},"audit_verified":true}"#).is_err()
        );
        assert!(check("").is_err());
        assert!(check(r#"{"runs_accepted":1}"#).is_err());
    }
}
