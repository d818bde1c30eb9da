//! Who may do what: roles, scopes, suspended and closed rights.

use super::*;

fn grant(role: Role, workflow: Option<&str>) -> Grant {
    Grant::new("dana", role, workflow.map(str::to_owned))
}

/// The matrix in full, written down a second time: a change of either is a decision.
const PRINTED: &[(&str, &[&str])] = &[
    (
        "decide_review",
        &[
            "operator_owner",
            "reviewer",
            "specialist_reviewer",
            "escalation_owner",
        ],
    ),
    ("manage_people", &["administrator"]),
    ("manage_tokens", &["administrator"]),
    ("bind_vault", &["administrator"]),
    ("edit_rules", &["operator_owner"]),
    ("seed_review", &["operator_owner"]),
    ("approve_bounds", &["executive_sponsor"]),
    ("approve_release", &["release_approver"]),
    ("propose_release", &["technical_owner"]),
    ("approve_security", &["security_approver"]),
    ("send_event", &["machine_identity"]),
    ("export_audit", &["operator_owner", "auditor"]),
    (
        "pause_workflow",
        &[
            "operator_owner",
            "technical_owner",
            "executive_sponsor",
            "on_call",
        ],
    ),
    (
        "keep_ledger",
        &["operator_owner", "technical_owner", "executive_sponsor"],
    ),
    (
        "kill_workflow",
        &["operator_owner", "technical_owner", "executive_sponsor"],
    ),
];

#[test]
fn sensitive_acts_belong_to_exactly_the_named_roles() {
    for (act, roles) in PRINTED {
        let act: Act = act.parse().unwrap_or(Act::OwnAccount);
        let found: Vec<_> = Role::ALL
            .iter()
            .filter(|r| may(**r, act))
            .map(|r| r.word())
            .collect();
        assert_eq!(&found, roles, "{act}");
    }
}

#[test]
fn nobody_who_runs_people_or_machines_decides_content() {
    for role in [
        Role::Administrator,
        Role::MachineIdentity,
        Role::TechnicalOwner,
        Role::Auditor,
    ] {
        assert!(!may(role, Act::DecideReview), "{role}");
    }
    for act in Act::ALL {
        assert!(Role::ALL.iter().any(|r| may(*r, *act)), "{act} is dead");
    }
}

#[test]
fn a_grant_reaches_its_own_workflow_only() {
    let rights = Rights::new(vec![grant(Role::Reviewer, Some("a"))]);
    assert!(rights.may(Act::DecideReview, "a") && !rights.may(Act::DecideReview, "b"));
    assert!(rights.may_anywhere(Act::DecideReview) && !rights.may_anywhere(Act::EditRules));
    assert_eq!(rights.clearance("a"), Class::Confidential);
    assert_eq!(rights.clearance("b"), Class::Public);
    assert!(!Rights::default().may_anywhere(Act::OwnAccount));
}

#[test]
fn a_closed_tier_is_decided_by_its_specialists() {
    let mut legal = grant(Role::SpecialistReviewer, Some("a"));
    legal.tier = Some("legal".into());
    let legal = Rights::new(vec![legal]);
    assert!(legal.decides("a", "legal", true) && legal.decides("a", "legal", false));
    assert!(!legal.decides("a", "desk", false) && !legal.decides("b", "legal", true));
    let owner = Rights::new(vec![grant(Role::OperatorOwner, Some("a"))]);
    assert!(owner.decides("a", "desk", false) && !owner.decides("a", "legal", true));
    let auditor = Rights::new(vec![grant(Role::Auditor, None)]);
    assert!(!auditor.decides("a", "desk", false));
    let read = owner.within(Scope::Read, None);
    assert!(
        !read.decides("a", "desk", false),
        "a token's scope bounds it"
    );
}

#[test]
fn a_token_takes_away_and_never_adds() {
    let person = Rights::new(vec![grant(Role::OperatorOwner, None)]);
    let read = person.clone().within(Scope::Read, Some("a".into()));
    assert!(read.may(Act::ReadWork, "a") && !read.may(Act::ReadWork, "b"));
    assert!(!read.may(Act::DecideReview, "a"));
    let review = person.clone().within(Scope::Review, None);
    assert!(review.may(Act::DecideReview, "a") && !review.may(Act::EditRules, "a"));
    let admin = Rights::new(vec![grant(Role::Reviewer, None)]).within(Scope::Admin, None);
    assert!(!admin.may_anywhere(Act::ManagePeople));
}

#[test]
fn what_is_suspended_holds_nowhere_else_less() {
    let own = Rights::new(vec![
        grant(Role::OperatorOwner, Some("a")),
        grant(Role::Reviewer, Some("b")),
    ]);
    let gone = own.clone().without(vec!["a".into()]);
    assert!(own.may(Act::EditRules, "a") && !gone.may(Act::EditRules, "a"));
    assert!(!gone.may_anywhere(Act::EditRules) && gone.may(Act::DecideReview, "b"));
    assert_eq!(gone.places(Act::ReadWork), Some(vec!["b".to_owned()]));
    assert!(!gone.decides("a", "desk", false) && gone.decides("b", "desk", false));
    let wide = Rights::new(vec![grant(Role::OperatorOwner, None)]).without(vec!["a".into()]);
    assert!(!wide.may(Act::ReadWork, "a") && wide.may(Act::ReadWork, "c"));
}

#[test]
fn a_reviewer_pauses_only_when_that_was_granted() {
    let mut g = grant(Role::Reviewer, Some("a"));
    assert!(!Rights::new(vec![g.clone()]).may(Act::PauseWorkflow, "a"));
    g.may_pause = true;
    assert!(Rights::new(vec![g.clone()]).may(Act::PauseWorkflow, "a"));
    assert!(!Rights::new(vec![g]).may(Act::ResumeWorkflow, "a"));
}

#[test]
fn rights_cut_to_one_workflow_keep_what_the_instance_gives() {
    let rights = Rights::new(vec![
        grant(Role::OperatorOwner, None),
        grant(Role::Reviewer, Some("b")),
    ])
    .only("a");
    assert!(rights.may(Act::EditRules, "a") && !rights.may(Act::ReadWork, "b"));
}

#[test]
fn the_places_of_an_act_are_those_where_it_is_allowed() {
    let read = |r: &Rights| r.places(Act::ReadWork);
    let of = |places: &[&str]| Some(places.iter().map(|&p| p.to_owned()).collect::<Vec<_>>());
    let two = Rights::new(vec![
        grant(Role::Reviewer, Some("b")),
        grant(Role::Auditor, Some("a")),
        grant(Role::Administrator, Some("c")),
    ]);
    assert_eq!(read(&two), of(&["a", "b"]));
    assert_eq!(two.places(Act::DecideReview), of(&["b"]));
    assert_eq!(read(&Rights::default()), of(&[]));
    let all = Rights::new(vec![grant(Role::Auditor, None)]);
    assert_eq!(read(&all), None);
    assert_eq!(read(&all.clone().within(Scope::Read, None)), None);
    assert_eq!(read(&all.clone().within(Scope::Trigger, None)), of(&[]));
    assert_eq!(read(&all.within(Scope::Read, Some("b".into()))), of(&["b"]));
    assert_eq!(read(&two.within(Scope::Read, Some("d".into()))), of(&[]));
}

#[test]
fn what_belongs_to_no_workflow_yet_is_for_whoever_put_it_forward_and_for_the_instance() {
    let on = |role, workflow: Option<&str>| {
        Rights::new(vec![Grant::new("p", role, workflow.map(str::to_owned))])
    };
    let one = on(Role::OperatorOwner, Some("support"));
    assert!(
        one.may_propose(Act::SignCharter, "invoices", true),
        "their own"
    );
    assert!(
        !one.may_propose(Act::ReadWork, "invoices", false),
        "of others"
    );
    assert!(
        one.may_propose(Act::ReadWork, "support", false),
        "of their workflow"
    );
    let whole = on(Role::ExecutiveSponsor, None);
    assert!(whole.may_propose(Act::SignCharter, "invoices", false));
    let reader = on(Role::Reviewer, None);
    assert!(reader.may_propose(Act::ReadWork, "invoices", false));
    assert!(!reader.may_propose(Act::SignCharter, "invoices", true));
    // A session or a token of one workflow puts nothing else forward.
    assert!(
        !whole
            .clone()
            .only("support")
            .may_propose(Act::SignCharter, "invoices", true)
    );
    let token = whole.within(Scope::Admin, Some("support".into()));
    assert!(!token.may_propose(Act::SignCharter, "invoices", true));
    assert!(!Rights::default().may_propose(Act::ReadWork, "invoices", true));
}
