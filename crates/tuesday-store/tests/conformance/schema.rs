//! Opening: migrations, refusals, what the database says about itself.

use std::time::Duration;

use tuesday_store::{ApplyError, Instance, InstanceKind, Migrate, OpenError, Store};

use crate::bed::{Bed, each};
use crate::rows::*;

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_is_migrating_once() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let (a, b) = tokio::join!(Store::open(&bed.config), Store::open(&bed.config));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(
            a.reader().run(new.id).await.unwrap().unwrap(),
            new,
            "{}",
            bed.name
        );
        drop((a, b));
        let health = bed.read.health().await.unwrap();
        assert_eq!(
            health.schema,
            bed.number("SELECT max(number) FROM schema_migrations")
                .await
        );
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(
            bed.number("SELECT count(*) FROM schema_migrations").await,
            i64::try_from(files).unwrap(),
            "{}: every file of the folder is applied",
            bed.name
        );
        assert!(health.bytes > 0);
        assert_eq!(
            health.durability,
            if bed.is_sqlite() { "wal" } else { "on" }
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_or_changed_schema_is_refused_and_an_older_one_on_request() {
    each(|bed: Bed| async move {
        let blob = if bed.is_sqlite() { "x'00'" } else { "'\\x00'" };
        let newer = format!("INSERT INTO schema_migrations VALUES (999, '0999_future', {blob}, 0)");
        bed.raw(&newer).await.unwrap();
        let refused = Store::open(&bed.config)
            .await
            .err()
            .expect("a newer schema is refused");
        assert!(
            matches!(refused, OpenError::NewerSchema { found: 999, .. }),
            "{}: {refused}",
            bed.name
        );
        bed.raw("DELETE FROM schema_migrations WHERE number = 999")
            .await
            .unwrap();
        bed.raw(&format!(
            "UPDATE schema_migrations SET checksum = {blob} WHERE number = 1"
        ))
        .await
        .unwrap();
        let refused = Store::open(&bed.config)
            .await
            .err()
            .expect("a changed migration is refused");
        assert!(
            matches!(refused, OpenError::ChangedMigration { number: 1 }),
            "{}: {refused}",
            bed.name
        );
        bed.raw("DELETE FROM schema_migrations").await.unwrap();
        let mut config = bed.config.clone();
        config.migrate = Migrate::Refuse;
        let refused = Store::open(&config)
            .await
            .err()
            .expect("a database that is behind is refused");
        assert!(
            matches!(refused, OpenError::OlderSchema { found: 0, .. }),
            "{}: {refused}",
            bed.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_statement_is_understood() {
    each(|bed: Bed| async move {
        assert!(
            bed.store.check_statements().await.unwrap() > 40,
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_named_once_and_only_a_test_has_a_clock() {
    each(|bed: Bed| async move {
        assert_eq!(bed.read.instance().await.unwrap(), None);
        let wanted = Instance {
            id: "i-1".into(),
            origin: "example.org/log".into(),
            kind: InstanceKind::Test,
            created_at: at(0),
            clock_offset: 0,
            restored_at: None,
        };
        assert_eq!(bed.store.init_instance(&wanted).await.unwrap(), wanted);
        let other = Instance {
            id: "i-2".into(),
            kind: InstanceKind::Real,
            ..wanted.clone()
        };
        assert_eq!(
            bed.store.init_instance(&other).await.unwrap(),
            wanted,
            "{}",
            bed.name
        );
        bed.store.set_clock(5_000_000).await.unwrap();
        assert_eq!(
            bed.read.instance().await.unwrap().unwrap().clock_offset,
            5_000_000
        );
        bed.raw("UPDATE instance SET clock_offset = 0, kind = 'real'")
            .await
            .unwrap();
        assert!(matches!(
            bed.store.set_clock(1).await,
            Err(ApplyError::Conflict { .. })
        ));
        assert!(
            bed.raw("UPDATE instance SET clock_offset = 9")
                .await
                .is_err()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_others_are_noticed() {
    each(|bed: Bed| async move {
        if bed.name == "postgres portable" {
            return;
        }
        let other = Store::open(&bed.config).await.unwrap();
        let mut seen = bed.store.watch();
        seen.borrow_and_update();
        // Hints are lossy by design, so work is made until one is seen.
        let noticed = async {
            for i in 0.. {
                let new = run("support", &format!("e{i}"));
                other.apply(accept(&new, job(&new, at(0)))).await.unwrap();
                if tokio::time::timeout(Duration::from_millis(300), seen.changed())
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), noticed)
            .await
            .expect("another process's writes are noticed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_write_the_same_database() {
    each(|bed: Bed| async move {
        let other = Store::open(&bed.config).await.unwrap();
        let tasks: Vec<_> = (0..60)
            .map(|i| {
                let store = if i % 2 == 0 {
                    bed.store.clone()
                } else {
                    other.clone()
                };
                tokio::spawn(async move {
                    let new = run("support", &format!("e{i}"));
                    store.apply(accept(&new, job(&new, at(0)))).await.unwrap();
                })
            })
            .collect();
        for t in tasks {
            t.await.unwrap();
        }
        assert_eq!(
            bed.number("SELECT count(*) FROM audit").await,
            60,
            "{}",
            bed.name
        );
        if bed.is_sqlite() {
            assert_eq!(
                bed.number("SELECT max(idx) FROM audit").await,
                59,
                "no gap, no double"
            );
        }
    })
    .await;
}
