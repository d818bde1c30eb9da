//! Each entry of a run leads to the signed checkpoint, and to no other.

use tuesday_domain::audit::{NoteSigner, TlogProof};
use tuesday_engine::Worker;
use tuesday_testkit::Database;

use crate::bench::Bench;

async fn proven(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    for n in 0..5 {
        bench.receive(&format!("case-{n}")).await;
        bench.rest(&format!("case-{n}")).await;
    }
    engine.seal().await.unwrap();
    let size = engine.reader().audit_size().await.unwrap();
    let indexes: Vec<u64> = (0..size).collect();
    let found = engine.inclusions(&indexes).await.unwrap();
    assert_eq!(found.len(), indexes.len());
    let key = engine.log_key().unwrap();
    let leaves = engine.reader().leaves(0, 1_000).await.unwrap();
    for (i, leaf) in found.iter().zip(&leaves) {
        let text = i.proof.to_string();
        let read: TlogProof = text.parse().unwrap();
        let head = read.verify(leaf, &key).unwrap();
        assert_eq!((head.size, head.root), (i.size, i.root));
        let mut changed = leaf.clone();
        changed[3] ^= 1;
        assert!(read.verify(&changed, &key).is_err(), "a changed entry");
        let other = &leaves[(usize::try_from(i.index).unwrap() + 1) % leaves.len()];
        assert!(read.verify(other, &key).is_err(), "another entry");
        let stranger = NoteSigner::from_seed("tuesday.local/test", &[8; 32]).unwrap();
        assert!(
            read.verify(leaf, stranger.verifier()).is_err(),
            "another key"
        );
    }
    // What no checkpoint covers is left out.
    let later = size + 1_000_000;
    let some = engine.inclusions(&[size - 1, later]).await.unwrap();
    assert_eq!(some.iter().map(|i| i.index).collect::<Vec<_>>(), [size - 1]);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_leads_to_the_signed_root() {
    Box::pin(proven(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_leads_to_the_signed_root_on_postgresql() {
    let database = Database::create().await;
    Box::pin(proven(Some(&database.url()))).await;
    database.drop().await;
}
