//! What must be declared: people, limits, files, the decision table, and no secret in clear.

use std::collections::BTreeSet;

use super::super::package::fault;
use super::super::{Definition, FailurePlan, PackageFault};
use super::Lint;
use crate::eval::ModelGrader;
use crate::rules::{RuleSet, Severity, parse};

impl Lint<'_> {
    /// A secret stands in the file itself when a value is no reference.
    pub(super) fn secrets(&mut self, def: &Definition) {
        let auths = def
            .source
            .iter()
            .filter_map(|s| s.auth.as_ref())
            .chain(def.model.auth.as_ref());
        let all = auths
            .chain(def.action.iter().filter_map(|a| a.auth.as_ref()))
            .map(|h| h.secret.as_str());
        let all: Vec<&str> = all
            .chain(def.trigger.iter().filter_map(|t| t.secret.as_deref()))
            .collect();
        for (i, secret) in all.iter().enumerate() {
            if !["env:", "file:", "vault:"]
                .iter()
                .any(|p| secret.starts_with(p))
            {
                // The value itself is never repeated.
                self.add(
                    "secret",
                    "plaintext_secret",
                    &format!("secret number {} is written in clear", i + 1),
                    "write a reference: env:NAME or file:PATH",
                );
            }
        }
        for url in def
            .trigger
            .iter()
            .filter_map(|t| t.database.as_deref())
            .chain(def.source.iter().filter_map(|s| s.database.as_deref()))
            .chain(def.action.iter().filter_map(|a| a.database.as_deref()))
        {
            if url.contains("://") && url.contains('@') {
                self.add(
                    "database",
                    "plaintext_secret",
                    "a database address with credentials is written in clear",
                    "write env:NAME or file:PATH",
                );
            }
        }
    }

    pub(super) fn owners(&mut self, def: &Definition) {
        for p in def.owners.people() {
            let person = p.email.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') || host == "localhost"
            });
            if p.name.trim().is_empty() || p.handle.trim().is_empty() || !person {
                self.add(
                    &p.handle,
                    "owner_not_a_person",
                    &format!(
                        "`{}` needs a handle, a name and an e-mail address",
                        p.handle
                    ),
                    "name a person",
                );
            }
            if p.handle.contains(|c: char| {
                !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' || c == '.')
            }) {
                self.add(
                    &p.handle,
                    "owner_not_a_person",
                    &format!(
                        "the handle `{}` has other than lower-case letters, digits, - _ .",
                        p.handle
                    ),
                    "shorten it",
                );
            }
        }
        self.named(def);
        if def.review.tier.is_empty() {
            self.add(
                "[review]",
                "no_tier",
                "there is no review tier",
                "declare one under [[review.tier]]",
            );
        }
        for tier in &def.review.tier {
            if !(1..=2).contains(&tier.approvals) {
                self.add(
                    &tier.name,
                    "bad_tier",
                    &format!("tier `{}` asks for {} approvals", tier.name, tier.approvals),
                    "1 or 2",
                );
            }
        }
        if def.review.reasons.is_empty() {
            self.add(
                "[review]",
                "no_reasons",
                "reviewers need reason codes to reject and edit with",
                "list them under review.reasons",
            );
        }
    }

    /// Tiers and manual work name persons of the workflow, who may decide.
    fn named(&mut self, def: &Definition) {
        let o = &def.owners;
        let known: BTreeSet<&str> = o.people().iter().map(|p| p.handle.as_str()).collect();
        let deciding: BTreeSet<&str> = [&o.operator, &o.backup, &o.escalation]
            .into_iter()
            .chain(&o.sponsor)
            .chain(&o.reviewers)
            .map(|p| p.handle.as_str())
            .collect();
        let named = def
            .review
            .tier
            .iter()
            .flat_map(|t| [&t.owner, &t.backup].into_iter().chain(&t.people))
            .chain([&def.manual.owner]);
        for handle in named {
            if !known.contains(handle.as_str()) {
                self.add(
                    handle,
                    "unknown_person",
                    &format!("`{handle}` is not among the [owners]"),
                    "add the person there",
                );
            } else if !deciding.contains(handle.as_str()) {
                self.add(
                    handle,
                    "technical_decides",
                    &format!("`{handle}` is the technical owner, who decides no content"),
                    "name somebody else for tiers and manual work",
                );
            }
        }
    }

    /// Nobody's work is owned by a group or a mailing list.
    pub(super) fn people_of_their_own(&mut self, def: &Definition) {
        for p in def.owners.people() {
            if let Some(sign) = shared_box(p) {
                self.add(
                    &p.handle,
                    "owner_not_a_person",
                    &format!(
                        "`{}` looks like a group or a mailing list: {sign}",
                        p.handle
                    ),
                    "name one person with an address of their own",
                );
            }
        }
    }

    pub(super) fn limits(&mut self, def: &Definition) {
        let l = &def.limits;
        for (name, n) in [
            ("concurrency", l.concurrency),
            ("model_concurrency", l.model_concurrency),
            ("destination_concurrency", l.destination_concurrency),
            ("max_attempts", l.max_attempts),
        ] {
            if n == 0 {
                self.add(
                    name,
                    "zero_limit",
                    &format!("limits.{name} is 0"),
                    "at least 1",
                );
            }
        }
        for (name, n) in [
            ("model_per_second", l.model_per_second),
            ("destination_per_second", l.destination_per_second),
        ] {
            if n == Some(0) {
                self.add(
                    name,
                    "zero_limit",
                    &format!("limits.{name} is 0"),
                    "leave it out for no limit",
                );
            }
        }
        for (name, d) in [
            ("model_timeout", l.model_timeout),
            ("connector_timeout", l.connector_timeout),
        ] {
            if d.0.is_zero() || d > l.deadline {
                self.add(
                    name,
                    "bad_timeout",
                    &format!("limits.{name} is {d}, the deadline {}", l.deadline),
                    "between 1ms and the deadline",
                );
            }
        }
        let tiers = def.review.tier.iter().filter_map(|t| {
            t.due
                .map(|due| (format!("the due time of tier `{}`", t.name), due))
        });
        for (name, due) in [
            ("review.due".to_owned(), def.review.due),
            ("manual.due".to_owned(), def.manual.due),
            ("input.due".to_owned(), def.input.due),
            ("review.claim".to_owned(), def.review.claim),
        ]
        .into_iter()
        .chain(tiers)
        {
            if due.0.is_zero() {
                self.add(
                    "due",
                    "zero_limit",
                    &format!("{name} is 0"),
                    "say how long a person has",
                );
            }
        }
        if def.on_failure.route != FailurePlan::Person {
            self.add(
                "route",
                "bad_failure_plan",
                "on_failure.route can only be person",
                "write route = \"person\"",
            );
        }
    }

    /// Graders of the pack that ask a model.
    pub(super) fn graders(&mut self, def: &Definition) {
        let (_, faults) = ModelGrader::all(&self.package.files, &def.vars);
        self.faults.extend(faults);
    }

    pub(super) fn files(&mut self) {
        if self
            .package
            .text("runbook.md")
            .is_none_or(|t| t.trim().is_empty())
        {
            self.warn(
                "runbook.md",
                "no_runbook",
                "there is no runbook",
                "write what a named person does for each reason code",
            );
        }
        if !self.package.files.keys().any(|n| n.starts_with("evals/")) {
            self.warn(
                "evals/",
                "no_evals",
                "there is no eval pack",
                "add evals/golden.jsonl at least",
            );
        }
    }

    pub(super) fn rules(&mut self, def: &Definition) -> Option<RuleSet> {
        let Some(text) = self.package.text("rules.csv") else {
            self.faults.push(fault(
                "rules.csv",
                None,
                "file_missing",
                "there is no decision table",
                "add rules.csv; its last row goes to a person",
            ));
            return None;
        };
        let (rules, findings) = match parse(text) {
            Ok((rules, findings)) => (Some(rules), findings),
            Err(findings) => (None, findings),
        };
        // What is only worth knowing is told by `tuesday rules check`; it is no fault.
        for f in findings.into_iter().filter(|f| f.severity > Severity::Info) {
            self.faults.push(PackageFault {
                file: "rules.csv".to_owned(),
                line: usize::try_from(f.line).ok(),
                code: "rules",
                message: f.message.clone(),
                way_out: f.way_out.clone(),
                warning: f.severity < Severity::Error,
            });
        }
        if let Some(rules) = &rules {
            for tier in rules.review_tiers() {
                if !def.review.tier.iter().any(|t| t.name == tier) {
                    self.faults.push(fault(
                        "rules.csv",
                        None,
                        "unknown_tier",
                        &format!("`{tier}` is not a declared review tier"),
                        "add it under [[review.tier]]",
                    ));
                }
            }
        }
        rules
    }
}

/// Local parts that stand for a group at most companies (RFC 2142 names several of them).
const SHARED: [&str; 22] = [
    "all",
    "team",
    "info",
    "support",
    "sales",
    "ops",
    "operations",
    "office",
    "help",
    "helpdesk",
    "desk",
    "admin",
    "hostmaster",
    "postmaster",
    "webmaster",
    "abuse",
    "noc",
    "security",
    "billing",
    "noreply",
    "no-reply",
    "everyone",
];

/// What makes an address look shared, when something does.
fn shared_box(person: &super::super::PersonSpec) -> Option<String> {
    let local = person.email.split_once('@').map_or("", |(local, _)| local);
    let local = local.to_ascii_lowercase();
    let ends = ["-team", "-list", "-all", "-group", ".team", "_team", "-l"];
    if SHARED.contains(&local.as_str()) || ends.iter().any(|e| local.ends_with(e)) {
        return Some(format!("the address begins with `{local}`"));
    }
    (person.email.contains(',') || person.email.contains(';'))
        .then(|| "it has several addresses".to_owned())
}
