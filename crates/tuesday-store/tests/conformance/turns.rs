//! Turns at a record: what another process has, this one waits for.

use std::time::Duration;

use tuesday_store::Store;

use crate::bed::each;

/// Long against a question to the server, short for whoever waits for the suite.
const MOMENT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_turn_is_one_process_at_a_time_and_ends_with_it() {
    each(|bed| async move {
        if bed.name != "postgres" {
            // Nobody to wait for, or nobody who could tell: granted at once.
            let _one = bed.store.turn("CRM/1").await.unwrap();
            let two = tokio::time::timeout(MOMENT, bed.store.turn("CRM/1")).await;
            return assert!(two.is_ok());
        }
        let other = Store::open(&bed.config).await.unwrap();
        let mine = bed.store.turn("CRM/1").await.unwrap();
        let elsewhere = tokio::time::timeout(MOMENT, other.turn("CRM/2")).await;
        assert!(elsewhere.is_ok(), "another record is free");
        let waits = tokio::time::timeout(MOMENT, other.turn("CRM/1")).await;
        assert!(waits.is_err(), "the record is taken");
        drop(mine);
        let theirs = other.turn("CRM/1").await.unwrap();
        let waits = tokio::time::timeout(MOMENT, bed.store.turn("CRM/1")).await;
        assert!(waits.is_err(), "the record is taken the other way round");
        // The process dies: its session ends, and nothing gives the turn back but the server.
        let killed = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        bed.raw(killed).await.unwrap();
        let free = tokio::time::timeout(Duration::from_secs(10), bed.store.turn("CRM/1")).await;
        assert!(free.expect("the turn of the dead is free").is_ok());
        drop(theirs);
    })
    .await;
}
