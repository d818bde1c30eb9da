//! Proofs that are about people: owners, tiers, rotation, training.

use sha2::{Digest, Sha256};

use super::evidence::Evidence;
use super::is_blank;
use super::prove::Picture;
use super::statement::Statement;
use crate::definition::{PersonSpec, ReviewSpec};
use crate::rules::Route;
use crate::trouble::rotation;

/// An owner and the person who stands in.
pub(super) fn operator(p: &Picture<'_>) -> Evidence {
    let owners = &p.ready.def.owners;
    let (owner, backup) = (&owners.operator, &owners.backup);
    if p.active(&owner.handle).is_none() {
        return Evidence::lapsed(format!("vacant: {} is not active any more", owner.name));
    }
    if owner.handle == backup.handle {
        return Evidence::claimed(format!("{} stands in for nobody else", owner.name));
    }
    match p.active(&backup.handle) {
        None => Evidence::lapsed(format!("the backup {} is not active any more", backup.name)),
        Some(_) => Evidence::verified(format!("{}, backup {}", owner.name, backup.name)),
    }
}

/// Not the same person as the operator, unless somebody recorded why, and somebody stands in.
pub(super) fn technical(p: &Picture<'_>) -> Evidence {
    let owners = &p.ready.def.owners;
    let owner = &owners.technical;
    if p.active(&owner.handle).is_none() {
        return Evidence::lapsed(format!("vacant: {} is not active any more", owner.name));
    }
    let also = if owner.handle == owners.operator.handle {
        let Some(why) = p.facts.get(Statement::OwnerException) else {
            return Evidence::claimed(format!(
                "{} is operator owner as well and no exception is recorded",
                owner.name
            ));
        };
        format!(", also operator owner: {}", why.value)
    } else {
        String::new()
    };
    let key = "technical_backup";
    stands_in(p, (owner, owners.technical_backup.as_ref(), key), &also)
}

/// The place with who stands in for it. Without anybody a person is named, and no more than that.
fn stands_in(
    p: &Picture<'_>,
    (owner, backup, key): (&PersonSpec, Option<&PersonSpec>, &str),
    also: &str,
) -> Evidence {
    let name = &owner.name;
    let Some(backup) = backup else {
        return Evidence::claimed(format!(
            "{name}{also}; nobody stands in: [owners] {key} is not named"
        ));
    };
    if backup.handle == owner.handle {
        return Evidence::claimed(format!("{name} stands in for nobody else"));
    }
    if p.active(&backup.handle).is_none() {
        return Evidence::lapsed(format!("the backup {} is not active any more", backup.name));
    }
    Evidence::verified(format!("{name}, backup {}{also}", backup.name))
}

pub(super) fn sponsor(p: &Picture<'_>) -> Evidence {
    let owners = &p.ready.def.owners;
    match &owners.sponsor {
        None => Evidence::missing("no executive sponsor is named"),
        Some(s) if p.active(&s.handle).is_none() => {
            Evidence::lapsed(format!("vacant: {} is not active any more", s.name))
        }
        Some(s) => stands_in(p, (s, owners.sponsor_backup.as_ref(), "sponsor_backup"), ""),
    }
}

pub(super) fn escalation(p: &Picture<'_>) -> Evidence {
    let owner = &p.ready.def.owners.escalation;
    match p.active(&owner.handle) {
        Some(name) => Evidence::verified(format!("to {name}")),
        None => Evidence::lapsed(format!("{} is not active any more", owner.name)),
    }
}

/// A rotation that covers the week; one person who is always there is no rotation.
pub(super) fn on_call(p: &Picture<'_>) -> Evidence {
    let spec = &p.ready.def.on_call;
    if spec.shift.is_empty() {
        let name = &p.ready.def.owners.operator.name;
        return Evidence::claimed(format!("no rotation: {name} is always on call"));
    }
    let gone: Vec<&str> = spec
        .shift
        .iter()
        .filter(|s| p.active(&s.person).is_none())
        .map(|s| s.person.as_str())
        .collect();
    if let [first, ..] = gone.as_slice() {
        return Evidence::lapsed(format!("{first} has a shift and is not active any more"));
    }
    match rotation::gaps(&spec.shift).first() {
        Some(gap) => Evidence::claimed(format!("nobody is on call {gap}")),
        None => Evidence::verified(format!("{} shifts cover the week", spec.shift.len())),
    }
}

/// Every tier that a person's decision comes from goes through the same points each time.
pub(super) fn checklists(p: &Picture<'_>) -> Evidence {
    let tiers = &p.ready.def.review.tier;
    if tiers.is_empty() {
        return Evidence::missing("no tier is declared");
    }
    let without = tiers.iter().find(|t| t.checklist.is_empty());
    if let Some(tier) = without {
        return Evidence::missing(format!("tier {} has no checklist", tier.name));
    }
    let points: usize = tiers.iter().map(|t| t.checklist.len()).sum();
    Evidence::verified(format!("{points} points in {} tiers", tiers.len())).since(p.release.made_at)
}

/// Every row that goes to a person goes to a tier with an owner, a backup, guidance and a due time.
pub(super) fn tiers(p: &Picture<'_>) -> Evidence {
    let review = &p.ready.def.review;
    for row in p.rules.rows() {
        let Some(name) = &row.review_tier else {
            if row.route == Route::Review {
                return Evidence::claimed(format!("rule {} names no tier", row.id));
            }
            continue;
        };
        if !review.tier.iter().any(|t| t.name == *name) {
            return Evidence::claimed(format!(
                "rule {} sends to `{name}`, which is no tier",
                row.id
            ));
        }
    }
    for tier in &review.tier {
        for person in [&tier.owner, &tier.backup] {
            if p.active(person).is_none() {
                let words = format!("tier {}: {person} is not active any more", tier.name);
                return Evidence::lapsed(words);
            }
        }
        if is_blank(&tier.guidance) {
            let words = format!(
                "tier {} does not say when to trust and when to escalate",
                tier.name
            );
            return Evidence::claimed(words);
        }
    }
    if review.tier.is_empty() {
        return Evidence::missing("no tier is declared");
    }
    let names: Vec<&str> = review.tier.iter().map(|t| t.name.as_str()).collect();
    Evidence::verified(format!(
        "{}, rules version {}",
        names.join(", "),
        p.rules_version
    ))
    .since(p.release.made_at)
}

/// What has to be learnt: changes with tiers, their questions and their guidance.
#[must_use]
pub fn curriculum(review: &ReviewSpec) -> String {
    let mut hash = Sha256::new();
    for tier in &review.tier {
        for part in [&tier.name, &tier.guidance]
            .into_iter()
            .chain(&tier.checklist)
        {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize()[..8]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Everybody who can claim tasks finished the training of the tiers in force. How their first shift went is
/// told beside it and changes nothing: where nobody took one, nothing is said.
pub(super) fn training(p: &Picture<'_>) -> Evidence {
    let mut out = trained(p);
    let shifts = p.deciders.iter().filter_map(|person| {
        let fact = p.facts.about(Statement::FirstShift, person)?;
        Some(format!("{person} {}", fact.value))
    });
    let shifts: Vec<String> = shifts.collect();
    if !shifts.is_empty() {
        out.words = format!("{}; first shift: {}", out.words, shifts.join("; "));
    }
    out
}

fn trained(p: &Picture<'_>) -> Evidence {
    let wanted = curriculum(&p.ready.def.review);
    let (mut fresh, mut old, mut none, mut since) = (0_usize, Vec::new(), Vec::new(), None);
    let mut told = Vec::new();
    for person in &p.deciders {
        match p.facts.about(Statement::Training, person) {
            // Somebody says so; a practice that was passed is in the person's own name.
            Some(f) if f.value == wanted && f.by != *person => {
                fresh += 1;
                told.push(person.as_str());
            }
            Some(f) if f.value == wanted => {
                fresh += 1;
                since = since.max(Some(f.at));
            }
            Some(_) => old.push(person.as_str()),
            None => none.push(person.as_str()),
        }
    }
    if p.deciders.is_empty() {
        return Evidence::missing("nobody may decide tasks");
    }
    if !none.is_empty() {
        let words = format!("not trained: {}", none.join(", "));
        return if fresh + old.len() > 0 {
            Evidence::claimed(words)
        } else {
            Evidence::missing(words)
        };
    }
    if !old.is_empty() {
        return Evidence::lapsed(format!(
            "tiers changed since the training of {}",
            old.join(", ")
        ));
    }
    if !told.is_empty() {
        return Evidence::claimed(format!(
            "trained by somebody's word alone, without the practice: {}",
            told.join(", ")
        ));
    }
    let words = format!("all {fresh} who may decide");
    match since {
        Some(at) => Evidence::verified(words).since(at),
        None => Evidence::verified(words),
    }
}

pub(super) fn support(p: &Picture<'_>) -> Evidence {
    let path = &p.ready.def.workflow.support;
    if is_blank(path) {
        return Evidence::missing("nobody says where to get help");
    }
    Evidence::verified(path.clone())
}

/// Somebody is asked who did not build it: what only its builder can answer stops with them.
pub(super) fn support_owner(p: &Picture<'_>) -> Evidence {
    let owners = &p.ready.def.owners;
    let path = support(p);
    let Some(owner) = &owners.support else {
        return Evidence::missing("no support owner is named");
    };
    if p.active(&owner.handle).is_none() {
        return Evidence::lapsed(format!("vacant: {} is not active any more", owner.name));
    }
    if owner.handle == owners.technical.handle {
        return Evidence::missing(format!(
            "{} builds it, and nobody else is asked",
            owner.name
        ));
    }
    if path.state != super::EvidenceState::Verified {
        return path;
    }
    Evidence::verified(format!("{}; {}", owner.name, p.ready.def.workflow.support))
}
