//! People: how they get in, how long they stay, what is left when they go.

use std::time::Duration;

use tuesday_domain::access::{Act, Role};
use tuesday_domain::actor::Actor;
use tuesday_domain::credential::totp;
use tuesday_domain::record::{Grant, Person, Scope, SignedInBy};
use tuesday_engine::ops::{ABSOLUTE, NewSession, NewToken, Proof};

use crate::bench::Bench;

const PASSWORD: &str = "seven grey herons";

fn admin() -> Actor {
    Actor::Person("ada".into())
}

fn proof(password: &str, code: &str) -> Proof {
    Proof {
        handle: "nils".into(),
        password: password.into(),
        code: code.into(),
        address: "192.0.2.7".into(),
    }
}

fn start(by: SignedInBy) -> NewSession {
    NewSession {
        person: "nils".into(),
        by,
        workflow: None,
        agent: "test".into(),
        life: ABSOLUTE,
    }
}

/// Nils: invited, link used, password and codes set up. Answers the secret and a recovery code.
async fn nils(bench: &Bench) -> (Vec<u8>, String) {
    let engine = &bench.engine;
    let person = Person {
        handle: "nils".into(),
        name: "Nils Berg".into(),
        email: "nils@example.com".into(),
        active: true,
    };
    let refused = engine.invite(person.clone(), " ", &admin()).await;
    assert_eq!(refused.unwrap_err().code, "reason_required");
    let code = engine.invite(person, "joins", &admin()).await.unwrap();
    assert_eq!(engine.redeem_invite(&code).await.unwrap(), "nils");
    let again = engine.redeem_invite(&code).await.unwrap_err();
    assert_eq!(again.code, "token_invalid", "a link works once");
    let weak = engine.set_password("nils", "nilsberg1234", None).await;
    assert_eq!(weak.unwrap_err().code, "weak_password");
    engine.set_password("nils", PASSWORD, None).await.unwrap();
    let offer = engine.offer_totp("nils").unwrap();
    let secret: Vec<u8> = (0..20)
        .map(|i| u8::from_str_radix(&offer.sealed[i * 2..i * 2 + 2], 16).unwrap())
        .collect();
    let now = u64::try_from(engine.now().micros() / 30_000_000).unwrap();
    let wrong = engine
        .confirm_totp("nils", &offer.sealed, "000000x", None)
        .await;
    assert!(wrong.is_err());
    let first = totp(&secret, now).unwrap();
    let codes = engine
        .confirm_totp("nils", &offer.sealed, &first, None)
        .await
        .unwrap();
    assert_eq!(codes.len(), 10);
    (secret, codes[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_factors_are_needed_and_each_code_works_once() {
    let bench = Bench::new().await;
    let (secret, recovery) = nils(&bench).await;
    let engine = &bench.engine;
    let next = u64::try_from(engine.now().micros() / 30_000_000).unwrap() + 1;
    let code = totp(&secret, next).unwrap();
    let alone = engine.prove(&proof(PASSWORD, "")).await.unwrap_err();
    let unknown = engine
        .prove(&Proof {
            handle: "nobody".into(),
            ..proof(PASSWORD, &code)
        })
        .await
        .unwrap_err();
    assert_eq!(alone, unknown, "the answer does not tell who exists");
    let by = engine.prove(&proof(PASSWORD, &code)).await.unwrap();
    assert_eq!(by, SignedInBy::PasswordAndCode);
    assert!(
        engine.prove(&proof(PASSWORD, &code)).await.is_err(),
        "spent"
    );
    engine.prove(&proof(PASSWORD, &recovery)).await.unwrap();
    assert!(engine.prove(&proof(PASSWORD, &recovery)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_gets_slower_even_for_the_right_password() {
    let bench = Bench::new().await;
    let (_, recovery) = nils(&bench).await;
    let engine = &bench.engine;
    for _ in 0..5 {
        let refused = engine.prove(&proof("wrong words here", "")).await;
        assert_eq!(refused.unwrap_err().code, "sign_in_refused");
    }
    let right = engine.prove(&proof(PASSWORD, &recovery)).await.unwrap_err();
    assert_eq!(right.code, "rate_limited");
    let wait = right.more["retry_after"].as_u64().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    // Half a minute passes.
    bench.raw("UPDATE guesses SET last_at = last_at - 31000000");
    engine.prove(&proof(PASSWORD, &recovery)).await.unwrap();
    let after = engine.prove(&proof("wrong words here", "")).await;
    assert_eq!(
        after.unwrap_err().code,
        "sign_in_refused",
        "counted from none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_time_by_hand_and_on_every_node() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let (engine, other) = (&bench.engine, bench.another("two").await);
    let by = Actor::Person("nils".into());
    let one = engine
        .start_session(start(SignedInBy::Passkey))
        .await
        .unwrap();
    let two = engine
        .start_session(start(SignedInBy::Passkey))
        .await
        .unwrap();
    assert_ne!(one, two);
    let found = other.session(&one).await.unwrap().unwrap();
    assert!(other.session("guess").await.unwrap().is_none());
    engine
        .end_sessions("nils", Some(found.0.hash), None, &by)
        .await
        .unwrap();
    assert!(
        other.session(&one).await.unwrap().is_none(),
        "ended everywhere"
    );
    assert!(other.session(&two).await.unwrap().is_some());
    bench.raw("UPDATE sessions SET seen_at = seen_at - 1800000000");
    assert!(engine.session(&two).await.unwrap().is_none(), "idle");
    let three = engine
        .start_session(NewSession {
            life: Duration::ZERO,
            ..start(SignedInBy::Token)
        })
        .await
        .unwrap();
    assert!(
        engine.session(&three).await.unwrap().is_none(),
        "no longer than its token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_loses_everything_but_the_name() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let engine = &bench.engine;
    let grant = Grant::new("nils", Role::Reviewer, Some("small".into()));
    engine
        .grant(grant.clone(), "covers", &admin())
        .await
        .unwrap();
    assert!(
        engine
            .rights("nils")
            .await
            .unwrap()
            .may(Act::DecideReview, "small")
    );
    let session = engine
        .start_session(start(SignedInBy::Passkey))
        .await
        .unwrap();
    let new = NewToken {
        scope: Scope::Review,
        workflow: None,
        person: Some("nils".into()),
        life: Duration::from_secs(3_600),
    };
    let (text, _) = engine.create_token(new, &admin()).await.unwrap();
    engine.token(&text).await.unwrap();
    let gone = engine
        .set_active("nils", false, "left", &admin())
        .await
        .unwrap();
    assert!(!gone.active);
    assert!(engine.session(&session).await.unwrap().is_none());
    assert_eq!(engine.token(&text).await.unwrap_err().code, "token_invalid");
    assert!(
        !engine
            .rights("nils")
            .await
            .unwrap()
            .may_anywhere(Act::ReadWork)
    );
    assert!(
        engine
            .start_session(start(SignedInBy::Passkey))
            .await
            .is_err()
    );
    let card = engine.person_card("nils").await.unwrap();
    assert_eq!(
        (card.person.name.as_str(), card.grants.len()),
        ("Nils Berg", 1)
    );
    let deleted = engine.delete_person("nils").await.unwrap_err();
    assert_eq!((deleted.code, deleted.status()), ("has_history", 409));
    let review = engine.access_review().await.unwrap();
    let row = review.iter().find(|r| r.person == "nils").unwrap();
    assert!(row.finding.as_deref().unwrap().contains("deactivated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_come_with_the_package_and_unused_ones_are_found() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let rhea = engine.rights("rhea").await.unwrap();
    assert!(rhea.may(Act::EditRules, "small") && !rhea.may(Act::EditRules, "other"));
    let tove = engine.rights("tove").await.unwrap();
    assert!(tove.may(Act::ProposeRelease, "small") && !tove.may(Act::DecideReview, "small"));
    let review = engine.access_review().await.unwrap();
    assert!(review.iter().all(|r| r.finding.is_none()), "all are new");
    bench.raw("UPDATE grants SET granted_at = granted_at - 91 * 86400000000");
    engine.note_use("rhea", Act::EditRules, "small").await;
    let review = engine.access_review().await.unwrap();
    let finding = |who: &str| {
        let row = review.iter().find(|r| r.person == who).unwrap();
        row.finding.clone()
    };
    assert_eq!(finding("rhea"), None);
    assert!(finding("tove").unwrap().contains("91 days"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_raises_their_own_rights_and_an_administrator_is_left() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let engine = &bench.engine;
    let administrator = Grant::new("nils", Role::Administrator, None);
    engine
        .grant(administrator.clone(), "first", &admin())
        .await
        .unwrap();
    let own = Grant::new("nils", Role::OperatorOwner, None);
    let by = Actor::Person("nils".into());
    let refused = engine.grant(own, "I would like to", &by).await.unwrap_err();
    assert_eq!(refused.code, "same_person_twice");
    let last = engine
        .revoke(&administrator, "tidy", &admin())
        .await
        .unwrap_err();
    assert_eq!(last.code, "illegal_state");
    let off = engine
        .set_active("nils", false, "tidy", &admin())
        .await
        .unwrap_err();
    assert_eq!(off.code, "illegal_state");
    let machine = Grant::new("nils", Role::MachineIdentity, None);
    let refused = engine.grant(machine, "robot", &admin()).await.unwrap_err();
    assert_eq!(refused.code, "not_allowed");
}
