//! The floor program and the load generator against the stub world, which judges.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::net::TcpListener;
use tuesday_bench::{
    BenchError, Completion, CountEndpoint, DriveOptions, FloorOptions, drive, drive_alone,
    floor_sqlite,
};
use tuesday_stub::{Script, World};

async fn serve(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(tuesday_stub::serve(
        listener,
        world.clone(),
        std::future::pending(),
    ));
    format!("http://{at}")
}

fn options(stub: &str, dir: &Path) -> FloorOptions {
    FloorOptions {
        runs: 200,
        runs_alone: 10,
        concurrency: 8,
        workers: 4,
        ..FloorOptions::new(
            &format!("{stub}/v1/chat/completions"),
            &format!("{stub}/desk/results"),
            dir.to_owned(),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_floor_makes_every_call_once_and_leaves_nothing() {
    let (world, dir) = (World::new(), tempfile::tempdir().unwrap());
    let report = floor_sqlite(options(&serve(&world).await, dir.path()))
        .await
        .unwrap();
    let counts = world.ledger_counts();
    assert_eq!(
        (
            counts.total.applied,
            counts.total.distinct_keys,
            counts.total.duplicates
        ),
        (210, 210, 0)
    );
    assert_eq!(counts.model["openai"].calls, 210);
    assert!(
        counts.model["openai"].in_flight_max <= 4,
        "no more than the workers"
    );
    assert_eq!(
        (report.saturated.runs, report.saturated.acceptance.count),
        (200, 200)
    );
    assert_eq!(report.alone.result.count, 9, "the first tenth warms up");
    assert!(report.alone.result.p50_us > report.alone.acceptance.p50_us);
    assert!(
        report.bytes_per_run.unwrap() > 4_000,
        "event and snapshot are both kept"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_fails_leaves_no_figure() {
    let (world, dir) = (World::new(), tempfile::tempdir().unwrap());
    world
        .script(Script {
            system: Some("desk".to_owned()),
            status: Some(500),
            ..Script::default()
        })
        .unwrap();
    let fault = floor_sqlite(options(&serve(&world).await, dir.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(&fault, BenchError::Run(why) if why.contains("500")),
        "{fault}"
    );
}

/// A server that finishes each event as it takes it, answers `status`, and counts at `/count`.
async fn door(status: StatusCode, finishes: bool) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let finished = Arc::new(AtomicU64::new(3));
    let (here, told) = (Arc::clone(&finished), Arc::clone(&finished));
    let take = async move |headers: HeaderMap, event: Bytes| {
        assert_eq!(headers["authorization"], "Bearer secret");
        assert!(
            headers["idempotency-key"]
                .to_str()
                .unwrap()
                .starts_with("bench-")
        );
        assert!(
            (2_000..2_100).contains(&event.len()),
            "{} bytes",
            event.len()
        );
        serde_json::from_slice::<serde_json::Value>(&event).expect("an event is JSON");
        here.fetch_add(u64::from(finishes), Ordering::AcqRel);
        status
    };
    let count = async move || {
        format!(
            "{{\"runs\":{{\"finished\":{}}}}}",
            told.load(Ordering::Acquire)
        )
    };
    let router = Router::new()
        .route("/api/v1/triggers/w", post(take))
        .route("/count", get(count));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{at}"), finished)
}

fn events(base: &str) -> DriveOptions {
    DriveOptions {
        token: Some("secret".to_owned()),
        runs: 50,
        concurrency: 4,
        patience: Duration::from_millis(200),
        ..DriveOptions::new(base, "w")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drive_sends_every_event_and_counts_from_where_it_began() {
    let (base, finished) = door(StatusCode::ACCEPTED, true).await;
    let count = CountEndpoint::new(&format!("{base}/count"), "/runs/finished").unwrap();
    let report = drive(events(&base), &count).await.unwrap();
    assert_eq!((report.runs, report.acceptance.count), (50, 50));
    assert_eq!(finished.load(Ordering::Acquire), 53);
    assert!(report.runs_per_second > 0.0 && report.finished_seconds >= report.accepted_seconds);
    let closure = || async { finished.load(Ordering::Acquire) };
    let alone = drive_alone(events(&base), &closure).await.unwrap();
    assert_eq!(alone.result.count, 45);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept() {
    let (base, finished) = door(StatusCode::ACCEPTED, true).await;
    let closure = || async { finished.load(Ordering::Acquire) };
    let options = DriveOptions {
        rate: Some(250.0),
        ..events(&base)
    };
    let report = drive(options, &closure).await.unwrap();
    assert!(report.accepted_seconds >= 49.0 / 250.0, "{report:?}");
    assert_eq!(report.rate, Some(250.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_standstill_give_no_figure() {
    let (base, finished) = door(StatusCode::TOO_MANY_REQUESTS, true).await;
    let closure = || async { finished.load(Ordering::Acquire) };
    let fault = drive(events(&base), &closure).await.unwrap_err();
    assert!(
        matches!(fault, BenchError::Refused { refused: 50, .. }),
        "{fault}"
    );

    let (base, finished) = door(StatusCode::ACCEPTED, false).await;
    let closure = || async { finished.load(Ordering::Acquire) };
    let fault = drive(events(&base), &closure).await.unwrap_err();
    assert!(
        matches!(
            fault,
            BenchError::Stalled {
                finished: 0,
                wanted: 50,
                ..
            }
        ),
        "{fault}"
    );

    for bad in ["https://h:1/", "h:1", "http://h/"] {
        let fault = drive(events(bad), &closure).await.unwrap_err();
        assert!(matches!(fault, BenchError::Address(_)), "{bad}: {fault}");
    }
    let fault = drive(
        DriveOptions {
            runs: 0,
            ..events(&base)
        },
        &closure,
    )
    .await
    .unwrap_err();
    assert!(matches!(fault, BenchError::Nothing("runs")), "{fault}");
    let count = CountEndpoint::new(&format!("{base}/count"), "/runs/other").unwrap();
    assert!(matches!(
        count.finished().await,
        Err(BenchError::Answer { status: 200, .. })
    ));
}
