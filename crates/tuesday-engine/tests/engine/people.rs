//! People: how they get in, how long they stay, what is left when they go.

use std::time::Duration;

use tuesday_domain::access::{Act, Role};
use tuesday_domain::actor::Actor;
use tuesday_domain::credential::totp;
use tuesday_domain::record::{CeremonyKind, Grant, Person, Scope, SignedInBy};
use tuesday_engine::ops::{ABSOLUTE, Identity, NewSession, NewToken, Proof};

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

fn identity(subject: &str, email: Option<&str>) -> Identity {
    Identity {
        issuer: "https://id.example".into(),
        subject: subject.into(),
        verified_email: email.map(str::to_owned),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_leads_to_somebody_who_was_invited_and_to_nobody_else() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let engine = &bench.engine;
    let unknown = |result: Result<Person, tuesday_domain::problem::Problem>| {
        let e = result.unwrap_err();
        assert_eq!((e.code, e.status()), ("identity_unknown", 403));
        e.detail
    };
    unknown(engine.person_of(&identity("s1", None)).await);
    unknown(
        engine
            .person_of(&identity("s1", Some("eve@example.com")))
            .await,
    );
    let first = identity("s1", Some("NILS@example.com"));
    assert_eq!(engine.person_of(&first).await.unwrap().handle, "nils");
    let later = identity("s1", Some("other@example.com"));
    assert_eq!(engine.person_of(&later).await.unwrap().handle, "nils");
    let heir = identity("s2", Some("nils@example.com"));
    assert!(unknown(engine.person_of(&heir).await).contains("bound to another"));
    assert!(
        engine.rights("nils").await.unwrap().grants().is_empty(),
        "no right comes with it"
    );
    let twin = Person {
        handle: "nils2".into(),
        name: "Nils Two".into(),
        email: "nils@example.com".into(),
        active: true,
    };
    engine.invite(twin, "twin", &admin()).await.unwrap();
    let third = identity("s3", Some("nils@example.com"));
    assert!(unknown(engine.person_of(&third).await).contains("more than one"));
    engine
        .set_active("nils", false, "left", &admin())
        .await
        .unwrap();
    assert!(unknown(engine.person_of(&first).await).contains("not active"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_once_in_time_for_its_purpose() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let (engine, other) = (&bench.engine, bench.another("two").await);
    let kind = CeremonyKind::PasskeyConfirm;
    let begin = || engine.begin_ceremony(kind, Some("nils"), "192.0.2.7", "state".into());
    let handle = begin().await.unwrap();
    for (kind, person) in [
        (CeremonyKind::PasskeyNew, Some("nils")),
        (kind, Some("ada")),
        (CeremonyKind::PasskeyEnter, None),
    ] {
        let wrong = other.take_ceremony(kind, person, &handle).await;
        assert_eq!(wrong.unwrap_err().code, "sign_in_expired");
    }
    let taken = other.take_ceremony(kind, Some("nils"), &handle).await;
    assert_eq!(taken.unwrap().data, "state", "on any node");
    let again = engine.take_ceremony(kind, Some("nils"), &handle).await;
    assert_eq!(again.unwrap_err().code, "sign_in_expired");
    let late = begin().await.unwrap();
    bench.raw("UPDATE ceremonies SET expires_at = expires_at - 600000000");
    let over = engine.take_ceremony(kind, Some("nils"), &late).await;
    assert_eq!(over.unwrap_err().code, "sign_in_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let guesses = (0..24).map(|_| {
        let engine = bench.engine.clone();
        tokio::spawn(async move { engine.prove(&proof("wrong words here", "")).await })
    });
    let mut judged = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.unwrap().unwrap_err().code {
            "sign_in_refused" => judged += 1,
            code => assert_eq!(code, "rate_limited"),
        }
    }
    assert!((1..=5).contains(&judged), "{judged} were judged");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_guesses_slower_over_all_accounts_and_is_forgiven_what_is_right() {
    let bench = Bench::new().await;
    let (secret, _) = nils(&bench).await;
    let engine = &bench.engine;
    let next = u64::try_from(engine.now().micros() / 30_000_000).unwrap() + 1;
    let code = totp(&secret, next).unwrap();
    engine.prove(&proof(PASSWORD, &code)).await.unwrap();
    let spray = |n: u32| Proof {
        handle: format!("person{n}"),
        ..proof("wrong words here", "")
    };
    for n in 0..20 {
        let e = engine.prove(&spray(n)).await.unwrap_err();
        assert_eq!(e.code, "sign_in_refused", "{n}");
    }
    let e = engine.prove(&spray(20)).await.unwrap_err();
    assert_eq!(e.code, "rate_limited");
    let elsewhere = Proof {
        address: "198.51.100.1".into(),
        ..spray(21)
    };
    let e = engine.prove(&elsewhere).await.unwrap_err();
    assert_eq!(e.code, "sign_in_refused", "another address is not held up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_password_ends_every_other_session_and_a_reset_ends_all() {
    let bench = Bench::new().await;
    nils(&bench).await;
    let engine = &bench.engine;
    let (here, there) = (
        engine
            .start_session(start(SignedInBy::Passkey))
            .await
            .unwrap(),
        engine
            .start_session(start(SignedInBy::Passkey))
            .await
            .unwrap(),
    );
    let (session, _) = engine.session(&here).await.unwrap().unwrap();
    let new = "nine red lanterns";
    engine
        .set_password("nils", new, Some(&session))
        .await
        .unwrap();
    assert!(engine.session(&here).await.unwrap().is_some());
    assert!(engine.session(&there).await.unwrap().is_none());
    let (renewed, next) = engine
        .renew_session(&session, SignedInBy::Passkey)
        .await
        .unwrap();
    assert!(
        engine.session(&here).await.unwrap().is_none(),
        "a new proof is a new token"
    );
    let (found, _) = engine.session(&renewed).await.unwrap().unwrap();
    assert_eq!(
        (found.ends_at, found.csrf),
        (session.ends_at, next.csrf.clone())
    );
    assert_ne!(next.csrf, session.csrf);
    bench.raw("UPDATE sessions SET ends_at = started_at, seen_at = seen_at");
    assert!(
        engine.session(&renewed).await.unwrap().is_none(),
        "however busy"
    );
    let last = engine
        .start_session(start(SignedInBy::Passkey))
        .await
        .unwrap();
    engine
        .reset_sign_in("nils", "lost", &admin())
        .await
        .unwrap();
    assert!(engine.session(&last).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_know_the_person_and_the_place() {
    let bench = Bench::new().await;
    nils(&bench).await;
    for bad in ["Nils-Berg-2026!", "tuesday-2026-11", "qwertyuiop12"] {
        let weak = bench.engine.set_password("nils", bad, None).await;
        assert_eq!(weak.unwrap_err().code, "weak_password", "{bad}");
    }
}
