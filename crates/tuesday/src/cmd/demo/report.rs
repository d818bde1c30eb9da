//! What the demo came to: counted from the instance, not from what was sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tuesday_domain::action::ActionState;
use tuesday_domain::problem::Problem;
use tuesday_store::QueueFilter;

use super::feed::Pushed;
use crate::out::{self, unavailable};
use crate::wiring::Node;

/// The figures of a demo.
pub(crate) struct Summary {
    accepted: u64,
    outcomes: BTreeMap<String, u64>,
    by_workflow: BTreeMap<String, BTreeMap<String, u64>>,
    reviews_open: u64,
    confirmed: u64,
    uncertain: u64,
    entries: u64,
    verified: Option<bool>,
    duration: Duration,
    dir: String,
    answers: BTreeMap<String, u64>,
}

/// Counts.
pub(crate) async fn collect(
    node: &Node,
    pushed: &Pushed,
    duration: Duration,
) -> Result<Summary, Problem> {
    let reader = node.engine.reader();
    let failed = |e: tuesday_store::ReadError| unavailable(e.to_string());
    let (mut outcomes, mut by_workflow) = (
        BTreeMap::new(),
        BTreeMap::<String, BTreeMap<String, u64>>::new(),
    );
    for c in reader.run_counts().await.map_err(failed)? {
        let end = c
            .outcome
            .map_or_else(|| c.status.to_string(), |o| o.to_string());
        *outcomes.entry(end.clone()).or_default() += c.runs;
        *by_workflow
            .entry(c.workflow)
            .or_default()
            .entry(end)
            .or_default() += c.runs;
    }
    let open = reader
        .review_counts(&QueueFilter::default())
        .await
        .map_err(failed)?;
    let actions = reader.action_counts().await.map_err(failed)?;
    let count = |state| {
        actions
            .iter()
            .filter(|(s, _)| *s == state)
            .map(|(_, n)| n)
            .sum()
    };
    Ok(Summary {
        accepted: pushed.answers.get("accepted").copied().unwrap_or(0),
        outcomes,
        by_workflow,
        reviews_open: open
            .iter()
            .filter(|c| !c.state.is_decided())
            .map(|c| c.tasks)
            .sum(),
        confirmed: count(ActionState::Confirmed),
        uncertain: count(ActionState::Uncertain),
        entries: reader.audit_size().await.map_err(failed)?,
        verified: None,
        duration,
        dir: node.home.dir.display().to_string(),
        answers: pushed.answers.clone(),
    })
}

impl Summary {
    /// Verifies the audit log and keeps the verdict.
    pub(crate) async fn verify(&mut self, node: &Node) -> Result<(), Problem> {
        match crate::cmd::audit::verify(node, &[]).await {
            Ok(done) => {
                // Every entry holds; the newest few may wait for the next checkpoint.
                self.entries = done.entries;
                self.verified = Some(true);
                Ok(())
            }
            Err(p) if p.code == "audit_broken" => {
                out::failure(false, &p);
                self.verified = Some(false);
                Ok(())
            }
            Err(p) => Err(p),
        }
    }

    fn settled(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Accepted equals the sum of the outcomes, and the log verifies.
    pub(crate) fn holds(&self) -> bool {
        self.settled() >= self.accepted && self.verified != Some(false)
    }

    /// Prints the table, or one JSON object.
    pub(crate) fn print(&self, as_json: bool, serving: Option<(&str, &str)>) {
        if as_json {
            let mut object = json!({
                "runs_accepted": self.settled(), "runs_by_outcome": self.outcomes, "reviews_open": self.reviews_open,
                "actions_confirmed": self.confirmed, "actions_uncertain": self.uncertain, "audit_entries": self.entries,
                "audit_verified": self.verified.unwrap_or(false), "duration_ms": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
                "dir": self.dir, "answers": self.answers, "by_workflow": self.by_workflow,
            });
            if let Some((url, _)) = serving {
                object["console"] = url.into();
            }
            out::json_line(&object);
        } else {
            self.print_table();
        }
        if let Some((url, link)) = serving {
            out::line(&format!("Console   {url}"));
            out::line(&format!("Sign in   {link}"));
            out::line("Ctrl-C stops it; the data stays.");
        }
    }

    fn print_table(&self) {
        let ends: Vec<&String> = self.outcomes.keys().collect();
        let mut headers = vec!["Workflow"];
        let words: Vec<String> = ends.iter().map(|e| e.replace('_', " ")).collect();
        headers.extend(words.iter().map(String::as_str));
        let mut table = out::table(&headers);
        for (workflow, counts) in &self.by_workflow {
            let mut row = vec![workflow.clone()];
            row.extend(
                ends.iter()
                    .map(|e| counts.get(*e).map_or_else(String::new, u64::to_string)),
            );
            table.add_row(row);
        }
        let mut row = vec!["all".to_owned()];
        row.extend(ends.iter().map(|e| self.outcomes[*e].to_string()));
        table.add_row(row);
        out::line(&table.to_string());
        let refused: u64 = self
            .answers
            .iter()
            .filter(|(k, _)| !["accepted", "repeated"].contains(&k.as_str()))
            .map(|(_, n)| n)
            .sum();
        out::line(&format!(
            "{} runs accepted; {} events repeated one, {refused} were refused and are kept at intake",
            self.settled(),
            self.answers.get("repeated").copied().unwrap_or(0)
        ));
        out::line(&format!(
            "{} cases wait for a person; {} write-backs confirmed, {} uncertain",
            self.reviews_open, self.confirmed, self.uncertain
        ));
        let verdict = match self.verified {
            Some(true) => "verified",
            Some(false) => "NOT verified",
            None => "recorded (tuesday audit verify)",
        };
        out::line(&format!(
            "{} audit entries, {verdict}; {:.1} s; data in {}",
            self.entries,
            self.duration.as_secs_f64(),
            self.dir
        ));
    }
}
