//! Grants, credentials, one-time links, sessions: what is put is read, and what may happen once does.

use tuesday_domain::access::Role;
use tuesday_domain::actor::Class;
use tuesday_domain::record::{
    Away, Ceremony, CeremonyKind, Change, Credential, CredentialKind, Grant, Guesses, Invite,
    Person, RightUse, Session, SignedInBy, Subject,
};
use tuesday_store::ApplyError;

use crate::bed::each;
use crate::rows::{at, decide, person};

fn session(hash: u8, who: &str) -> Session {
    Session {
        hash: [hash; 32],
        person: who.into(),
        by: SignedInBy::PasswordAndCode,
        workflow: None,
        csrf: "c".into(),
        agent: "browser".into(),
        started_at: at(10),
        seen_at: at(10),
        fresh_at: at(10),
        ends_at: at(100),
    }
}

fn passkey(who: &str, name: &str) -> Credential {
    Credential {
        person: who.into(),
        kind: CredentialKind::Passkey,
        name: name.into(),
        label: "Laptop".into(),
        data: "{}".into(),
        created_at: at(1),
        used_at: None,
    }
}

fn people() -> Vec<Change> {
    vec![
        Change::PutPerson(person("dana")),
        Change::PutPerson(person("idris")),
    ]
}

fn now(changes: Vec<Change>) -> tuesday_domain::record::Decision {
    decide(Subject::Instance, "person.test", changes)
}

#[tokio::test]
async fn a_grant_is_kept_once_for_each_place_and_can_be_taken_away_once() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let all = Grant::new("dana", Role::Auditor, None);
        let mut one = Grant::new("dana", Role::Reviewer, Some("a".into()));
        one.may_pause = true;
        for g in [&all, &one, &one] {
            let change = Change::PutGrant(Box::new(g.clone()));
            bed.store.apply(now(vec![change])).await.unwrap();
        }
        one.clearance = Class::Restricted;
        let change = Change::PutGrant(Box::new(one.clone()));
        bed.store.apply(now(vec![change])).await.unwrap();
        assert_eq!(
            bed.read.grants_of("dana").await.unwrap(),
            [all.clone(), one.clone()]
        );
        assert!(bed.read.grants_of("idris").await.unwrap().is_empty());
        let drop = || now(vec![Change::DropGrant(Box::new(one.clone()))]);
        bed.store.apply(drop()).await.unwrap();
        assert_eq!(bed.read.grants().await.unwrap(), [all]);
        let again = bed.store.apply(drop()).await;
        assert!(
            matches!(again, Err(ApplyError::Conflict { .. })),
            "{again:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_passkey_belongs_to_one_person_and_a_machine_role_to_none() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let mine = passkey("dana", "key1");
        let change = Change::PutCredential(Box::new(mine.clone()));
        bed.store.apply(now(vec![change])).await.unwrap();
        let theirs = Change::PutCredential(Box::new(passkey("idris", "key1")));
        assert!(bed.store.apply(now(vec![theirs])).await.is_err());
        let found = bed.read.credential_named("passkey", "key1").await.unwrap();
        assert_eq!(found, Some(mine.clone()));
        assert_eq!(
            bed.read.credentials("dana").await.unwrap(),
            std::slice::from_ref(&mine)
        );
        let nameless = Change::PutCredential(Box::new(passkey("dana", "")));
        assert!(bed.store.apply(now(vec![nameless])).await.is_err());
        let machine = Grant::new("dana", Role::MachineIdentity, None);
        let machine = Change::PutGrant(Box::new(machine));
        assert!(bed.store.apply(now(vec![machine])).await.is_err());
        let drop = now(vec![Change::DropCredential(Box::new(mine))]);
        bed.store.apply(drop).await.unwrap();
        assert!(bed.read.credentials("dana").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_link_is_used_once() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let link = Invite {
            hash: [7; 32],
            person: "dana".into(),
            created_at: at(1),
            expires_at: at(99),
            used_at: None,
        };
        let change = Change::InsertInvite(Box::new(link.clone()));
        bed.store.apply(now(vec![change])).await.unwrap();
        assert_eq!(bed.read.invite(&[7; 32]).await.unwrap(), Some(link));
        assert_eq!(bed.read.invite(&[8; 32]).await.unwrap(), None);
        let with = |h: u8, t| {
            now(vec![Change::UseInvite {
                hash: [h; 32],
                at: at(t),
            }])
        };
        bed.store.apply(with(7, 5)).await.unwrap();
        let again = bed.store.apply(with(7, 6)).await;
        assert!(
            matches!(again, Err(ApplyError::Conflict { .. })),
            "{again:?}"
        );
        let used = bed.read.invite(&[7; 32]).await.unwrap().unwrap();
        assert_eq!(used.used_at, Some(at(5)));
    })
    .await;
}

#[tokio::test]
async fn a_session_is_touched_and_ended() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let (a, b) = (session(1, "dana"), session(2, "dana"));
        let both = [&a, &b].map(|s| Change::InsertSession(Box::new(s.clone())));
        bed.store.apply(now(both.into())).await.unwrap();
        bed.store.session_seen(&[1; 32], at(40)).await.unwrap();
        let found = bed.read.session(&[1; 32]).await.unwrap().unwrap();
        assert_eq!((found.seen_at, found.fresh_at), (at(40), a.fresh_at));
        assert_eq!(bed.read.sessions_of("dana").await.unwrap().len(), 2);
        let end = || now(vec![Change::DropSession { hash: [1; 32] }]);
        bed.store.apply(end()).await.unwrap();
        bed.store.apply(end()).await.expect("ending twice is fine");
        assert_eq!(bed.read.sessions_of("dana").await.unwrap(), [b]);
    })
    .await;
}

#[tokio::test]
async fn a_challenge_is_taken_once_and_a_door_holds_only_so_many() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let challenge = |n: u8, person: Option<&str>, until: u64| Ceremony {
            hash: [n; 32],
            kind: if person.is_some() {
                CeremonyKind::PasskeyNew
            } else {
                CeremonyKind::OidcEnter
            },
            person: person.map(str::to_owned),
            door: "address:x".into(),
            data: "{}".into(),
            expires_at: at(until),
        };
        let begin = |c: Ceremony, when: u64| {
            let store = bed.store.clone();
            async move { store.begin_ceremony(&c, 2, at(when)).await }
        };
        let (one, two) = (challenge(1, Some("dana"), 60), challenge(2, None, 60));
        assert!(begin(one.clone(), 1).await.unwrap());
        assert!(begin(two.clone(), 1).await.unwrap());
        assert!(!begin(challenge(3, None, 60), 1).await.unwrap(), "full");
        let elsewhere = Ceremony {
            door: "address:y".into(),
            ..challenge(4, None, 60)
        };
        assert!(begin(elsewhere, 1).await.unwrap(), "another door");
        assert_eq!(bed.read.ceremony(&[1; 32]).await.unwrap(), Some(one));
        assert_eq!(bed.read.ceremony(&[2; 32]).await.unwrap(), Some(two));
        let (a, b) = tokio::join!(
            bed.store.end_ceremony(&[1; 32]),
            bed.store.end_ceremony(&[1; 32])
        );
        assert!(a.unwrap() != b.unwrap(), "one of two takers gets it");
        assert!(!bed.store.end_ceremony(&[9; 32]).await.unwrap());
        assert!(begin(challenge(5, None, 90), 61).await.unwrap());
        assert_eq!(bed.read.ceremony(&[2; 32]).await.unwrap(), None, "tidied");
        let nobody = Ceremony {
            person: None,
            ..challenge(6, Some("dana"), 90)
        };
        assert!(begin(nobody, 61).await.is_err(), "adding names a person");
    })
    .await;
}

#[tokio::test]
async fn a_guess_is_counted_before_it_is_judged_and_never_lost() {
    each(|bed| async move {
        let guess = |failures: u32| Guesses {
            door: "account:x".into(),
            failures,
            last_at: at(u64::from(failures)),
        };
        assert!(bed.store.count_guess(&guess(1), 0).await.unwrap());
        let (a, b) = (guess(2), guess(2));
        let (a, b) = tokio::join!(bed.store.count_guess(&a, 1), bed.store.count_guess(&b, 1));
        assert!(a.unwrap() != b.unwrap(), "two at once are not one");
        bed.store.forgive_guess("account:x").await.unwrap();
        let left = bed.read.guesses("account:x").await.unwrap().unwrap();
        assert_eq!(left.failures, 1);
    })
    .await;
}

#[tokio::test]
async fn a_credential_is_used_only_as_it_was_read() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        let c = Credential {
            person: "dana".into(),
            kind: CredentialKind::Totp,
            name: String::new(),
            label: String::new(),
            data: "1".into(),
            created_at: at(1),
            used_at: None,
        };
        let put = Change::PutCredential(Box::new(c.clone()));
        bed.store.apply(now(vec![put])).await.unwrap();
        let using = |data: &str| {
            now(vec![Change::UseCredential {
                was: Box::new(c.clone()),
                data: data.into(),
                used_at: Some(at(2)),
            }])
        };
        bed.store.apply(using("2")).await.unwrap();
        let again = bed.store.apply(using("3")).await;
        assert!(
            matches!(again, Err(ApplyError::Conflict { .. })),
            "{again:?}"
        );
        let kept = bed.read.credentials("dana").await.unwrap();
        assert_eq!((kept[0].data.as_str(), kept[0].used_at), ("2", Some(at(2))));
    })
    .await;
}

#[tokio::test]
async fn a_mail_address_is_found_in_any_case_among_the_active() {
    each(|bed| async move {
        let known = Person {
            email: "Dana@example.org".into(),
            ..person("dana")
        };
        let put = vec![
            Change::PutPerson(known.clone()),
            Change::PutPerson(person("idris")),
        ];
        bed.store.apply(now(put)).await.unwrap();
        let asked = "DANA@example.ORG";
        let found = bed.read.people_with_email(asked).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&known));
        let off = Person {
            active: false,
            ..known
        };
        bed.store
            .apply(now(vec![Change::PutPerson(off)]))
            .await
            .unwrap();
        assert_eq!(bed.read.people_with_email(asked).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn guesses_absences_and_uses_are_counted_over() {
    each(|bed| async move {
        bed.store.apply(now(people())).await.unwrap();
        for n in [1, 2] {
            let g = Guesses {
                door: "account:x".into(),
                failures: n,
                last_at: at(u64::from(n)),
            };
            bed.store
                .apply(now(vec![Change::PutGuesses(g)]))
                .await
                .unwrap();
            let used = RightUse {
                person: "dana".into(),
                act: "edit_rules".into(),
                workflow: "a".into(),
                used_at: at(u64::from(n)),
            };
            bed.store.right_used(&used).await.unwrap();
        }
        let found = bed.read.guesses("account:x").await.unwrap().unwrap();
        assert_eq!((found.failures, found.last_at), (2, at(2)));
        assert!(bed.read.guesses("account:y").await.unwrap().is_none());
        let uses = bed.read.right_uses().await.unwrap();
        assert_eq!((uses.len(), uses[0].used_at), (1, at(2)));
        let away = Away {
            person: "dana".into(),
            until: at(50),
            to: Some("idris".into()),
        };
        bed.store
            .apply(now(vec![Change::PutAway(away.clone())]))
            .await
            .unwrap();
        assert_eq!(
            bed.read.absences().await.unwrap(),
            std::slice::from_ref(&away)
        );
        let own = Away {
            to: Some("dana".into()),
            ..away
        };
        assert!(
            bed.store
                .apply(now(vec![Change::PutAway(own)]))
                .await
                .is_err()
        );
    })
    .await;
}
