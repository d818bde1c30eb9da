//! Installs a package: checked, compiled, stored as an immutable release with its decision table
//! and the persons it names. The same content again changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::texts::TextUse;
use tuesday_domain::definition::{Definition, Package, PackageFault, lint, with_artefact};
use tuesday_domain::drift::calibration::Trust;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, Grant, LabelMove, Person, Release, ReleaseState, RuleSetEvent,
    RuleSetRow, RuleSetState, Subject, Workflow,
};
use tuesday_domain::rules::{RuleSet, parse};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::{Label, Stage, Switch};

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// How a package is installed.
#[derive(Clone, Debug, Default)]
pub struct InstallOptions {
    /// Values laid over `[vars]`.
    pub vars: BTreeMap<String, String>,
    /// A test instance grants the label and stage that the package asks for; on a real one a workflow
    /// begins as research and places drafts at most, since labels are earned from evidence.
    pub test_instance: bool,
}

/// What an installation did.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Workflow name.
    pub workflow: String,
    /// The release in force now.
    pub release: ReleaseId,
    /// Its number.
    pub number: u32,
    /// False when the very same release was live already.
    pub changed: bool,
    /// The release is not live: it has to pass the gate and a second person.
    pub draft: bool,
    /// Label granted.
    pub label: Label,
    /// Stage granted.
    pub stage: Stage,
    /// What the built-in model reports about its training.
    pub model_report: Option<serde_json::Value>,
    /// Warnings.
    pub warnings: Vec<PackageFault>,
}

pub(super) struct Parts {
    pub(super) ready: Ready,
    rules: RuleSet,
    csv: String,
    warnings: Vec<PackageFault>,
}

/// What an installation brings beside release, rules and people.
#[derive(Default)]
struct Born {
    changes: Vec<Change>,
    /// Statements that came from the quiz, in words for the log.
    carried: Vec<String>,
}

/// The workflow stays what it was: the release is live already, or a draft.
fn as_it_was(
    w: &Workflow,
    (release, draft): (&Release, bool),
    warnings: Vec<PackageFault>,
) -> Installed {
    Installed {
        workflow: w.name.clone(),
        release: release.id,
        number: release.number,
        changed: draft,
        draft,
        label: w.label,
        stage: w.stage,
        model_report: None,
        warnings,
    }
}

impl Engine {
    /// What a built-in model needs of the package, and what it reports.
    pub(super) async fn compiled(
        &self,
        def: &Definition,
        package: &Package,
    ) -> Result<(Vec<u8>, Option<serde_json::Value>), Problem> {
        let (ports, spec, files) = (
            self.0.ports.clone(),
            def.model.clone(),
            package.files.clone(),
        );
        // Training takes seconds: it must not hold up the tasks of this node.
        let compiled = tokio::task::spawn_blocking(move || ports.model.compile(&spec, &files))
            .await
            .map_err(|e| Problem::new("internal", e.to_string()))?
            .map_err(|e| Problem::new("package_faulty", e).way_out("correct the examples"))?;
        Ok(compiled.map_or((Vec::new(), None), |c| (c.artifact, Some(c.report))))
    }

    /// Installs `package` in the name of `by`. On a real instance the first release goes live, with
    /// the label and stage that need no evidence; every later one becomes a draft.
    ///
    /// # Errors
    /// `package_faulty` with every fault; `plaintext_secret`.
    pub async fn install(
        &self,
        package: &Package,
        options: InstallOptions,
        by: &Actor,
    ) -> Result<Installed, Problem> {
        let parts = checked(package, &options.vars)?;
        let (vars, name) = (
            parts.ready.def.vars.clone(),
            parts.ready.def.workflow.name.clone(),
        );
        let hash = package.release_hash(&vars);
        let texts = &parts.ready.texts;
        let existing = self.0.reader.workflow(&name).await.map_err(read_problem)?;
        let releases = self.0.reader.releases(&name).await.map_err(read_problem)?;
        if let (Some(w), Some(live)) = (
            &existing,
            releases
                .iter()
                .find(|r| r.state == ReleaseState::Live && same_text(r, hash)),
        ) {
            return Ok(as_it_was(w, (live, false), parts.warnings));
        }
        if let Some(w) = existing.as_ref().filter(|_| !options.test_instance) {
            let draft = Box::pin(self.create_release(package, &options.vars, None, by)).await?;
            let loaded = self.loaded(draft.id).await?;
            let other = self.ships_other_rules(&name, &loaded).await?.map(|words| {
                let way_out =
                    "change the rules in force, or let the bound owner agree to the proposal";
                PackageFault {
                    warning: true,
                    ..PackageFault::new("rules.csv", "rules_not_in_force", words, way_out)
                }
            });
            let warnings = parts.warnings.into_iter().chain(other).collect();
            return Ok(as_it_was(w, (&draft, true), warnings));
        }
        texts_are_final(package, texts, &releases)?;
        let (artifact, model_report) = self.compiled(&parts.ready.def, package).await?;
        let release = Release {
            id: ids::release(),
            workflow: name.clone(),
            number: releases.iter().map(|r| r.number).max().unwrap_or(0) + 1,
            state: ReleaseState::Live,
            hash: with_artefact(hash, &artifact),
            bundle: package.to_bundle(&vars),
            artifact,
            created_at: self.now(),
            created_by: by.to_string(),
        };
        let superseded = releases
            .iter()
            .find(|r| r.state == ReleaseState::Live)
            .map(|r| r.id);
        let (warned, born) = match existing {
            None => {
                let how = (by, options.test_instance);
                self.born(&parts.ready.def, how, release.created_at).await?
            }
            Some(_) => Default::default(),
        };
        let workflow = self
            .put(&parts, &release, superseded, existing, &options, (by, born))
            .await?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(Installed {
            workflow: name,
            release: release.id,
            number: release.number,
            changed: true,
            draft: false,
            label: workflow.label,
            stage: workflow.stage,
            model_report,
            warnings: parts.warnings.into_iter().chain(warned).collect(),
        })
    }

    async fn put(
        &self,
        parts: &Parts,
        release: &Release,
        superseded: Option<ReleaseId>,
        existing: Option<Workflow>,
        options: &InstallOptions,
        (by, born): (&Actor, Born),
    ) -> Result<Workflow, Problem> {
        let def = &parts.ready.def;
        let now = self.now();
        let mut changes: Vec<Change> = Vec::new();
        if let Some(old) = superseded {
            changes.push(Change::SetReleaseState {
                id: old,
                from: ReleaseState::Live,
                to: ReleaseState::Superseded,
            });
        }
        changes.push(Change::InsertRelease(Box::new(release.clone())));
        changes.extend(self.named(def, by, now).await?);
        let rules_version = self
            .put_rules(parts, existing.as_ref(), &mut changes, by, now)
            .await?;
        let workflow = row(
            def,
            existing,
            release.id,
            rules_version,
            options.test_instance,
            now,
        );
        changes.push(Change::PutWorkflow(Box::new(workflow.clone())));
        changes.extend(born.changes);
        if options.test_instance && workflow.version == 0 {
            let granted = super::Told {
                workflow: &workflow.name,
                kind: LabelMove::Granted,
                label: workflow.label,
                reasons: "a test instance grants what the package asks for".to_owned(),
                until: None,
                decision: None,
                quarter: None,
                by: by.to_string(),
            };
            changes.push(granted.behind(0, now));
        }
        let mut entry = AuditEntry::new(
            now,
            by.clone(),
            "release.installed",
            Subject::Workflow(workflow.name.clone()),
        )
        .fact("release", release.id.to_string())
        .fact("number", release.number)
        .fact("hash", crate::catalog::hex(&release.hash))
        .fact("rules_version", rules_version)
        .fact("label", workflow.label.word())
        .fact("stage", workflow.stage.word());
        if !born.carried.is_empty() {
            entry = entry.fact("from_quiz", born.carried);
        }
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(workflow)
    }

    /// What a new workflow brings with it, and what is said about that.
    async fn born(
        &self,
        def: &Definition,
        (by, test_instance): (&Actor, bool),
        now: Timestamp,
    ) -> Result<(Option<PackageFault>, Born), Problem> {
        let (mut changes, carried) = self.carried_at_install(def, now).await?;
        let second = match test_instance {
            false => self.second_workflow(def, by, now).await?,
            true => None,
        };
        let warned = second.map(|s| {
            changes.extend(s.changes);
            s.warning
        });
        Ok((warned, Born { changes, carried }))
    }

    /// The persons a package names, and their roles on its workflow. Who was deactivated stays so.
    pub(super) async fn named(
        &self,
        def: &Definition,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Change>, Problem> {
        let known = self.0.reader.people().await.map_err(read_problem)?;
        let mut changes: Vec<Change> = Vec::new();
        for p in def.owners.people() {
            let old = known.iter().find(|k| k.handle == p.handle);
            if old.is_some_and(|k| !k.active) && has_work(def, &p.handle) {
                return Err(Problem::new(
                    "owner_not_a_person",
                    format!(
                        "{} is deactivated and would own work of this workflow",
                        p.handle
                    ),
                )
                .field("owners")
                .way_out("name somebody who is there, or activate the person"));
            }
            changes.push(Change::PutPerson(Person {
                handle: p.handle.clone(),
                name: p.name.clone(),
                email: p.email.clone(),
                active: old.is_none_or(|k| k.active),
            }));
        }
        let grants = roles(def).into_iter().map(|(person, role, tier)| {
            let workflow = Some(def.workflow.name.clone());
            let own = Grant::new(person, role, workflow);
            Change::PutGrant(Box::new(Grant {
                tier,
                may_pause: role == Role::EscalationOwner,
                granted_by: by.to_string(),
                granted_at: now,
                ..own
            }))
        });
        changes.extend(grants);
        Ok(changes)
    }

    /// A table that differs from the active one becomes the next version.
    async fn put_rules(
        &self,
        parts: &Parts,
        existing: Option<&Workflow>,
        changes: &mut Vec<Change>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, Problem> {
        let name = &parts.ready.def.workflow.name;
        let old = self.0.reader.rulesets(name).await.map_err(read_problem)?;
        let hash = parts.rules.hash();
        if let Some(w) = existing
            && let Some(active) = old.iter().find(|r| r.version == w.rules_version)
            && crate::catalog::hex(&active.hash) == hash
        {
            return Ok(w.rules_version);
        }
        if let Some(w) = existing {
            let active = old
                .iter()
                .find(|r| r.version == w.rules_version && r.state == RuleSetState::Active)
                .ok_or_else(|| Problem::new("record_damaged", "no rules version is in force"))?;
            changes.push(super::rules::replaced(active, RuleSetEvent::Supersede)?);
        }
        let version = old.iter().map(|r| r.version).max().unwrap_or(0) + 1;
        changes.push(Change::InsertRuleSet(Box::new(RuleSetRow {
            workflow: name.clone(),
            version,
            state: RuleSetState::Active,
            csv: parts.csv.clone(),
            hash: unhex(&hash),
            reason: "came with the package".to_owned(),
            created_at: now,
            created_by: by.to_string(),
            base: existing.map(|w| w.rules_version),
            restores: None,
            bound_owner: None,
            decided_at: None,
            decided_by: None,
            starts_at: None,
            ends_at: None,
        })));
        Ok(version)
    }
}

/// A release of exactly these texts. What was trained from them once stays what it is: the same package
/// again changes nothing, also where this program would train it otherwise.
pub(super) fn same_text(release: &Release, texts: [u8; 32]) -> bool {
    if release.artifact.is_empty() || release.hash == texts {
        return release.hash == texts;
    }
    // A bundle that cannot be read is the release watch's to tell.
    Package::from_bundle(&release.bundle)
        .is_ok_and(|(package, vars)| package.release_hash(&vars) == texts)
}

/// Which roles a package's owners hold on its workflow, each once.
pub(super) fn roles(def: &Definition) -> Vec<(String, Role, Option<String>)> {
    let o = &def.owners;
    let mut out = vec![
        (o.operator.handle.clone(), Role::OperatorOwner, None),
        (o.backup.handle.clone(), Role::OperatorOwner, None),
        (o.technical.handle.clone(), Role::TechnicalOwner, None),
        (o.escalation.handle.clone(), Role::EscalationOwner, None),
    ];
    let technical = o.technical_backup.iter();
    out.extend(technical.map(|p| (p.handle.clone(), Role::TechnicalOwner, None)));
    let sponsors = o.sponsor.iter().chain(&o.sponsor_backup);
    out.extend(sponsors.map(|p| (p.handle.clone(), Role::ExecutiveSponsor, None)));
    // The sponsor decides as well where no tier says who does; so it has been since the first package.
    out.extend(
        o.reviewers
            .iter()
            .chain(&o.sponsor)
            .map(|p| (p.handle.clone(), Role::Reviewer, None)),
    );
    for tier in &def.review.tier {
        let named = tier.people.iter().chain([&tier.owner, &tier.backup]);
        // An open tier is decided by whoever reviews; a closed one by its own.
        let named = named.filter(|_| !tier.people.is_empty()).cloned();
        out.extend(named.map(|h| (h, Role::SpecialistReviewer, Some(tier.name.clone()))));
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|row| seen.insert(row.clone()));
    out
}

/// The person would be given tasks, or stands in for those who are.
fn has_work(def: &tuesday_domain::definition::Definition, person: &str) -> bool {
    let owners = &def.owners;
    let named = [&owners.operator, &owners.backup, &owners.escalation];
    let tiers = def.review.tier.iter().flat_map(|t| [&t.owner, &t.backup]);
    named.iter().any(|p| p.handle == person)
        || tiers.chain([&def.manual.owner]).any(|h| h == person)
}

/// Refuses a text that says something else than the same version said in a release that was approved.
///
/// # Errors
/// `package_faulty` with each such text.
pub(super) fn texts_are_final(
    package: &Package,
    texts: &[TextUse],
    releases: &[Release],
) -> Result<(), Problem> {
    if texts.is_empty() {
        return Ok(());
    }
    let agreed = |r: &&Release| {
        matches!(
            r.state,
            ReleaseState::Approved
                | ReleaseState::Live
                | ReleaseState::Superseded
                | ReleaseState::RolledBack
        )
    };
    let mut faults = Vec::new();
    for release in releases.iter().filter(agreed) {
        // A bundle that cannot be read is the release watch's to tell.
        let Ok((old, _)) = Package::from_bundle(&release.bundle) else {
            continue;
        };
        for text in texts {
            let (file, number) = (text.file(), release.number);
            let was = old.text(&file);
            if was.is_some() && was != package.text(&file) {
                let words = format!("{text} is another text than in release {number}");
                faults.push(PackageFault::new(
                    &file,
                    "text_changed",
                    words,
                    "give the changed text the next version, and include that",
                ));
            }
        }
    }
    let Some(first) = faults.first() else {
        return Ok(());
    };
    Err(Problem::new(
        "package_faulty",
        format!("{}: {}", first.file, first.message),
    )
    .with("faults", serde_json::to_value(&faults).unwrap_or_default())
    .way_out(first.way_out.clone()))
}

/// A package as it would be installed, with its faults as the refusal.
///
/// # Errors
/// `plaintext_secret`, or `package_faulty` with the faults.
pub fn ready_of(package: &Package, vars: &BTreeMap<String, String>) -> Result<Ready, Problem> {
    checked(package, vars).map(|parts| parts.ready)
}

pub(super) fn checked(
    package: &Package,
    vars: &BTreeMap<String, String>,
) -> Result<Parts, Problem> {
    let faults = lint::check(package, vars);
    let (warnings, errors): (Vec<_>, Vec<_>) = faults.into_iter().partition(|f| f.warning);
    let faulty = |errors: Vec<PackageFault>| {
        let code = if errors.iter().any(|f| f.code == "plaintext_secret") {
            "plaintext_secret"
        } else {
            "package_faulty"
        };
        let first = errors
            .first()
            .map(|f| format!("{}: {}", f.file, f.message))
            .unwrap_or_default();
        Problem::new(code, first)
            .with("faults", serde_json::to_value(&errors).unwrap_or_default())
            .way_out("run `tuesday check` on the package")
    };
    if !errors.is_empty() {
        return Err(faulty(errors));
    }
    let def = package.definition(vars).map_err(|f| faulty(vec![f]))?;
    let ready = Ready::compile(package, def).map_err(faulty)?;
    let csv = package.text("rules.csv").unwrap_or_default().to_owned();
    let (rules, _) =
        parse(&csv).map_err(|_| Problem::new("package_faulty", "rules.csv cannot be read"))?;
    Ok(Parts {
        ready,
        rules,
        csv,
        warnings,
    })
}

fn row(
    def: &Definition,
    existing: Option<Workflow>,
    release: ReleaseId,
    rules_version: u64,
    test: bool,
    now: Timestamp,
) -> Workflow {
    let label = if test {
        def.rollout.label
    } else {
        // Every other label is earned from evidence, and a workflow begins with none.
        Label::Research
    };
    let stage = def.rollout.stage.capped_by(label);
    match existing {
        // What was decided about a workflow outlives its releases.
        Some(w) => Workflow {
            title: def.workflow.title.clone(),
            owner: def.owners.operator.handle.clone(),
            live_release: release,
            rules_version,
            version: w.version + 1,
            ..w
        },
        None => Workflow {
            name: def.workflow.name.clone(),
            title: def.workflow.title.clone(),
            owner: def.owners.operator.handle.clone(),
            label,
            stage,
            switch: Switch::Running,
            live_release: release,
            rules_version,
            installed_at: now,
            rollout: tuesday_domain::record::Rollout {
                trust: Arc::new(Trust {
                    granted: test,
                    ..Trust::default()
                }),
                ..tuesday_domain::record::Rollout::default()
            },
            version: 0,
        },
    }
}

pub(crate) fn unhex(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = text
            .get(i * 2..i * 2 + 2)
            .and_then(|h| u8::from_str_radix(h, 16).ok())
            .unwrap_or(0);
    }
    out
}
