//! Templates have owners, a policy that changes leaves duties, and a release goes live only when those who
//! decide could be told.

use std::time::Duration;

use tuesday_domain::access::Role;
use tuesday_domain::eval::GateReason;
use tuesday_domain::id::DutyId;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::record::{Duty, DutyState, Grant, Release, ReleaseState};
use tuesday_domain::workflow::{Stage, Switch};
use tuesday_engine::ops::release::Emergency;
use tuesday_engine::ops::{Answered, RulesChange, RulesEdit, Scorecard};
use tuesday_engine::{Engine, Worker};
use tuesday_store::{AuditFilter, DutyFilter};
use tuesday_testkit::{Database, until};

use crate::bench::{Bench, FREE};
use crate::releases::{FACTS, approver, by, changed, code, create, evaluate, pack};
use crate::trouble::later;

/// The prompt and a rule cite a policy; the prompt is kept by the technical owner.
const CITED: (&str, &str) = (
    "[prompt]\nowner = \"rhea\"\n",
    "[prompt]\nowner = \"tove\"\npolicies = [\"return-policy-3\", \"tone-1\"]\n[rule.r2]\n\
     policies = [\"return-policy-3\"]\n",
);

async fn approved(e: &Engine, words: &str) -> Release {
    let prompt = format!("Grade case{words}");
    let package = changed(e, &pack(0), &[("prompt.md", "Grade case", &prompt)]).await;
    let row = create(e, &package).await;
    let done = evaluate(e, row.id).await;
    assert!(done.record.verdict.passed, "{:?}", done.record.verdict);
    e.approve_release(row.id, "boris", "reads better")
        .await
        .unwrap()
}

async fn open(e: &Engine) -> Vec<Duty> {
    let filter = DutyFilter {
        open: true,
        ..DutyFilter::default()
    };
    e.reader().duties(&filter, None, 99).await.unwrap()
}

async fn policy(database: Option<&str>) {
    let bench = Bench::on(&[FACTS, CITED], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let kept = e.upkeep(None).await.unwrap();
    let told: Vec<_> = kept
        .iter()
        .map(|k| (k.item.as_str(), k.owner.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("prompt prompt.md", Some("tove")),
            ("rule r2", Some("rhea"))
        ]
    );
    assert!(kept.iter().all(|k| k.finding.is_none()), "{kept:?}");

    // Somebody who answers for it says so, with words, about a policy that is cited.
    let change = |name: &'static str, reason: &'static str, who: &'static str| async move {
        e.policy_changed(name, None, reason, &by(who)).await
    };
    assert_eq!(
        code(change("return-policy-3", " ", "rhea").await),
        "reason_required"
    );
    assert_eq!(
        code(change("return-policy-3", "30 days", "edda").await),
        "not_allowed"
    );
    let unknown = change("return-policy-4", "30 days", "rhea")
        .await
        .unwrap_err();
    assert_eq!(unknown.code, "not_found");
    assert!(
        unknown.more["policies"]
            .to_string()
            .contains("return-policy-3")
    );
    let made = change("return-policy-3", "30 days instead of 14", "rhea")
        .await
        .unwrap();
    let owed: Vec<_> = made
        .iter()
        .map(|d| (d.item.as_str(), d.owner.as_str()))
        .collect();
    assert_eq!(owed, [("prompt prompt.md", "tove"), ("rule r2", "rhea")]);
    assert_eq!(open(e).await.len(), 2);
    let notices = e.reader().notices_of("tove", 99).await.unwrap();
    assert!(notices.iter().any(|n| n.kind == "duty_owed"), "{notices:?}");

    // What was there before answers nothing, and neither do no words.
    let answer = |id: DutyId, with: Answered, words: &'static str, who: &'static str| async move {
        e.answer_duty(id, with, words, who).await
    };
    let (prompt, rule) = (made[0].id, made[1].id);
    let before = answer(prompt, Answered::Release(1), "", "tove").await;
    assert_eq!(
        code(before),
        "bad_request",
        "live before the policy changed"
    );
    assert_eq!(
        code(answer(prompt, Answered::Release(9), "", "tove").await),
        "bad_request"
    );
    assert_eq!(
        code(answer(prompt, Answered::Reason, " ", "tove").await),
        "reason_required"
    );
    assert_eq!(
        code(answer(prompt, Answered::Reason, "x", "edda").await),
        "not_allowed"
    );
    assert_eq!(
        code(answer(rule, Answered::Rules(1), "", "rhea").await),
        "bad_request"
    );

    // A release that went live since, and a version of the rules in force since, do.
    let r2 = approved(e, " by the new policy").await;
    assert_eq!(
        code(answer(prompt, Answered::Release(2), "", "tove").await),
        "bad_request",
        "approved is not live"
    );
    e.promote_release(r2.id, &by("tove")).await.unwrap();
    let done = answer(prompt, Answered::Release(2), "", "tove")
        .await
        .unwrap();
    assert_eq!((done.state, done.number), (DutyState::Done, Some(2)));
    assert_eq!(
        code(answer(prompt, Answered::Release(2), "", "tove").await),
        "illegal_state"
    );
    let draft = RulesChange {
        edit: RulesEdit::Text("row,grade:one of low|high,route,review_tier,reason,note\nr1,low,auto,,It matters little,\n\
               r2,any,review,desk,It matters by the new policy,\n"
            .into()),
        base: None,
        reason: "the policy changed".into(),
        starts_at: None,
        ends_at: None,
    };
    let version = e.change_rules("small", "rhea", draft).await.unwrap();
    let done = answer(
        rule,
        Answered::Rules(version.row.version),
        "as the policy says",
        "rhea",
    )
    .await;
    assert_eq!(done.unwrap().words.as_deref(), Some("as the policy says"));
    assert!(open(e).await.is_empty());
    let kinds = entries(e, "policy.changed").await;
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    bench.end(worker).await;
}

/// The leaves of the sealed entries of a kind.
async fn entries(e: &Engine, kind: &str) -> Vec<String> {
    until(&format!("{kind} is sealed"), || async {
        let filter = AuditFilter {
            kind: Some(kind.to_owned()),
            changes: true,
            ..AuditFilter::default()
        };
        let found = e.reader().audit_page(&filter, None, 99).await.unwrap();
        let leaf = |r: &tuesday_store::AuditRow| String::from_utf8_lossy(&r.leaf).into_owned();
        (!found.is_empty()).then(|| found.iter().map(leaf).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_is_followed_to_the_end() {
    Box::pin(policy(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_is_followed_to_the_end_on_postgresql() {
    let database = Database::create().await;
    Box::pin(policy(Some(&database.url()))).await;
    database.drop().await;
}

async fn left(database: Option<&str>) {
    let bench = Bench::on(&[FACTS, CITED], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let r2 = approved(e, " well").await;
    let made = e
        .policy_changed("tone-1", None, "warmer", &by("rhea"))
        .await
        .unwrap();
    assert_eq!(made.len(), 1, "only the prompt cites it");

    // Overdue: told once, to those who answer for the workflow.
    later(&bench, 8 * 24 * 60).await;
    until("rhea hears that it is overdue", || async {
        let told = e.reader().notices_of("rhea", 99).await.unwrap();
        told.iter().any(|n| n.kind == "duty_overdue").then_some(())
    })
    .await;
    let late = e.duty(made[0].id).await.unwrap();
    assert!(late.late_at.is_some());

    // The owner leaves: what was owed goes on to the operator, the template is flagged, nothing of it is
    // released, though it was approved before.
    e.set_active("tove", false, "left", &by("ada"))
        .await
        .unwrap();
    until("the duty has another owner", || async {
        let duty = e.duty(made[0].id).await.unwrap();
        (duty.owner == "rhea").then_some(())
    })
    .await;
    let kept = e.upkeep(Some("small")).await.unwrap();
    let finding = kept[0].finding.clone().unwrap();
    assert!(
        finding.contains("tove") && finding.contains("deactivated"),
        "{finding}"
    );
    let refused = e
        .promote_release(r2.id, &by("administrator"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, "gate_not_passed");
    assert!(
        refused.detail.contains("template_without_owner"),
        "{refused}"
    );
    let package = changed(e, &pack(0), &[("prompt.md", "Grade case", "Grade a case")]).await;
    let row = e
        .create_release(&package, &Default::default(), None, &by("administrator"))
        .await;
    let how = tuesday_engine::ops::release::Evaluation {
        repeats: 1,
        at_once: 4,
        progress: &|_, _| {},
    };
    let done = e
        .evaluate_release(row.unwrap().id, how, &by("administrator"))
        .await
        .unwrap();
    let reasons: Vec<_> = done
        .record
        .verdict
        .reasons
        .iter()
        .map(|r| r.reason)
        .collect();
    assert_eq!(reasons, [GateReason::TemplateWithoutOwner]);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_left_stops_the_next_release() {
    Box::pin(left(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_left_stops_the_next_release_on_postgresql() {
    let database = Database::create().await;
    Box::pin(left(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_keeps_it_and_nobody_knows_its_price() {
    let bench = Bench::changed(&[
        FACTS,
        ("label = \"production\"", "label = \"pilot\""),
        ("stage = \"auto\"", "stage = \"approval_first\""),
    ])
    .await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    let pairs = [
        ("workflow.toml", "[prompt]\nowner = \"rhea\"\n", ""),
        ("workflow.toml", FREE, ""),
    ];
    let package = changed(e, &pack(0), &pairs).await;
    let row = create(e, &package).await;
    let done = evaluate(e, row.id).await;
    assert_eq!(done.release.state, ReleaseState::Blocked);
    let reasons: Vec<_> = done
        .record
        .verdict
        .reasons
        .iter()
        .map(|r| r.reason)
        .collect();
    assert_eq!(
        reasons,
        [GateReason::TemplateWithoutOwner, GateReason::ModelUnpriced]
    );
    bench.end(worker).await;
}

async fn told(database: Option<&str>) {
    let bench = Bench::on(&[FACTS], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let r2 = approved(e, " well").await;
    bench.fakes.channels_are_up(false);
    let refused = e.promote_release(r2.id, &by("tove")).await.unwrap_err();
    assert_eq!(refused.code, "reviewers_not_told");
    assert!(
        refused.more["people"]
            .to_string()
            .contains("nobody listens")
    );
    let state = e.reader().release(r2.id).await.unwrap().unwrap().state;
    assert_eq!(state, ReleaseState::Approved);
    let notices = e.reader().notices_of("rhea", 99).await.unwrap();
    assert!(
        notices.iter().any(|n| n.kind == "release_not_told"),
        "{notices:?}"
    );
    assert_eq!(entries(e, "release.not_told").await.len(), 1);

    // Somebody listens again: everybody who decides hears of it, and then it is live.
    bench.fakes.channels_are_up(true);
    e.promote_release(r2.id, &by("tove")).await.unwrap();
    let heard = bench.fakes.told();
    let heard: Vec<_> = heard
        .iter()
        .filter(|m| m.title.contains("release 2 goes live"))
        .collect();
    for email in [
        "rhea.lind@example.com",
        "boris.amari@example.com",
        "edda.moreau@example.com",
    ] {
        assert!(
            heard.iter().any(|m| m.email == email),
            "{email} in {heard:?}"
        );
    }
    assert!(heard[0].title.contains("prompt"), "{}", heard[0].title);
    let state = e.reader().release(r2.id).await.unwrap().unwrap().state;
    assert_eq!(state, ReleaseState::Live);

    // Nobody may decide: there is nobody to tell.
    let r3 = approved(e, " better").await;
    let roles = [
        ("rhea", Role::OperatorOwner),
        ("boris", Role::Reviewer),
        ("boris", Role::OperatorOwner),
        ("edda", Role::EscalationOwner),
        ("rhea", Role::Reviewer),
    ];
    for (person, role) in roles {
        let grant = Grant::new(person, role, Some("small".into()));
        let _ = e.revoke(&grant, "reorganised", &by("ada")).await;
    }
    let refused = e.promote_release(r3.id, &by("tove")).await.unwrap_err();
    assert_eq!(refused.code, "reviewers_not_told");
    assert!(refused.detail.contains("nobody may decide"), "{refused}");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_until_its_reviewers_could_be_told() {
    Box::pin(told(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_until_its_reviewers_could_be_told_on_postgresql() {
    let database = Database::create().await;
    Box::pin(told(Some(&database.url()))).await;
    database.drop().await;
}

async fn until_friday(database: Option<&str>) {
    let bench = Bench::on(&[FACTS], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    let other = bench.another("two").await;
    let now = e.now();
    let past = Grant {
        until: Some(now),
        ..Grant::new("edda", Role::OperatorOwner, Some("small".into()))
    };
    assert_eq!(
        code(e.grant(past.clone(), "covers", &by("ada")).await),
        "bad_request"
    );
    let friday = Grant {
        until: Some(now.plus(Duration::from_secs(5 * 86_400))),
        ..past
    };
    e.grant(friday, "covers the owner until Friday", &by("ada"))
        .await
        .unwrap();
    let may = |e: Engine| async move {
        e.allowed(tuesday_domain::access::Act::EditRules, "small", "edda")
            .await
    };
    assert_eq!(code(may(e.clone()).await), "accepted");
    assert_eq!(code(may(other.clone()).await), "accepted");
    later(&bench, 5 * 24 * 60 + 1).await;
    let instance = e.reader().instance().await.unwrap().unwrap();
    other.clock().set_offset(instance.clock_offset);
    assert_eq!(code(may(e.clone()).await), "not_allowed");
    assert_eq!(code(may(other).await), "not_allowed");
    let rights = e.rights("edda").await.unwrap();
    assert!(!rights.may(tuesday_domain::access::Act::EditRules, "small"));
    let granted = entries(e, "right.granted").await;
    assert!(
        granted.iter().any(|g| g.contains("\"until\"")),
        "{granted:?}"
    );
    let expired = entries(e, "right.expired").await;
    assert_eq!(expired.len(), 1);
    assert!(
        expired[0].contains("person:ada") && expired[0].contains("edda"),
        "{expired:?}"
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_until_friday_ends_on_every_node() {
    Box::pin(until_friday(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_until_friday_ends_on_every_node_on_postgresql() {
    let database = Database::create().await;
    Box::pin(until_friday(Some(&database.url()))).await;
    database.drop().await;
}

async fn emergency(database: Option<&str>) {
    let bench = Bench::on(&[FACTS], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let r2 = approved(e, " well").await;
    let never = approved(e, " better").await;
    e.promote_release(r2.id, &by("tove")).await.unwrap();
    let act = |what: Emergency, reviewer: &'static str, who: &'static str| async move {
        e.emergency("small", what, reviewer, who, "it insults people")
            .await
    };
    let back = Emergency::Release(None);
    assert_eq!(code(act(back, "tove", "tove").await), "same_person_twice");
    assert_eq!(
        code(act(back, "edda", "tove").await),
        "not_allowed",
        "edda answers for nothing"
    );
    assert_eq!(code(act(back, "boris", "edda").await), "not_allowed");
    let other = Emergency::Release(Some(never.id));
    assert_eq!(
        code(act(other, "boris", "tove").await),
        "illegal_state",
        "never live"
    );
    let duty = act(back, "boris", "tove").await.unwrap();
    assert_eq!(duty.item, "release 1 in place of release 2");
    assert_eq!(
        duty.due_at,
        duty.opened_at.plus(Duration::from_secs(86_400))
    );
    let row = e.reader().workflow("small").await.unwrap().unwrap();
    let live = e.reader().release(row.live_release).await.unwrap().unwrap();
    assert_eq!(live.number, 1);
    let own = e
        .answer_duty(duty.id, Answered::Reason, "was right", "tove")
        .await;
    assert_eq!(code(own), "same_person_twice");
    let done = e
        .answer_duty(duty.id, Answered::Reason, "was right", "boris")
        .await;
    assert_eq!(done.unwrap().state, DutyState::Done);

    // Down only; and what nobody looks back at does not become the usual.
    let up = act(Emergency::Stage(Stage::Auto), "boris", "tove").await;
    assert_eq!(code(up), "bad_request");
    act(Emergency::Stage(Stage::ApprovalFirst), "boris", "tove")
        .await
        .unwrap();
    let row = e.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!(
        (row.stage, row.switch),
        (Stage::ApprovalFirst, Switch::Running)
    );
    later(&bench, 25 * 60).await;
    until("nobody looked back: it is paused", || async {
        let row = e.reader().workflow("small").await.unwrap().unwrap();
        (row.switch == Switch::Paused).then_some(())
    })
    .await;
    assert_eq!(entries(e, "workflow.emergency").await.len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_goes_down_and_is_looked_back_at() {
    Box::pin(emergency(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_goes_down_and_is_looked_back_at_on_postgresql() {
    let database = Database::create().await;
    Box::pin(emergency(Some(&database.url()))).await;
    database.drop().await;
}

async fn lead(database: Option<&str>) {
    let bench = Bench::on(&[FACTS], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let today = |e: &Engine| Day::parse(&e.now().rfc3339()[..10]).unwrap();
    let days = |e: &Engine| Days {
        from: today(e).plus(-9),
        to: today(e).plus(1),
    };
    let figure = |card: &Scorecard, key: &str| {
        let all = card.figures.iter();
        all.clone().find(|f| f.key == key).and_then(|f| f.value)
    };
    let none = e.scorecard("small", days(e)).await.unwrap();
    assert_eq!(
        (figure(&none, "lead_p50"), figure(&none, "released")),
        (None, Some(0))
    );
    // Live 10, and 60 minutes after its approval.
    for (n, minutes) in [(2, 10), (3, 60)] {
        let row = approved(e, &format!(" {n}")).await;
        later(&bench, minutes).await;
        e.promote_release(row.id, &by("tove")).await.unwrap();
    }
    let card = e.scorecard("small", days(e)).await.unwrap();
    let minutes = |key: &str| figure(&card, key).unwrap() / 60_000;
    assert_eq!((minutes("lead_p50"), minutes("lead_p95")), (10, 60));
    assert_eq!(figure(&card, "released"), Some(2));
    let shown = card.figures.iter().find(|f| f.key == "released").unwrap();
    assert!(shown.means.contains("0.18 a day"), "{}", shown.means);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scorecard_says_how_long_an_approved_change_waits() {
    Box::pin(lead(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scorecard_says_how_long_an_approved_change_waits_on_postgresql() {
    let database = Database::create().await;
    Box::pin(lead(Some(&database.url()))).await;
    database.drop().await;
}
