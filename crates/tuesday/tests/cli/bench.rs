//! The bench proves what it says, small: clicks and open tasks on both databases.

use serde_json::Value;
use tuesday_testkit::Database;

use crate::Desk;

/// Runs the bench without W1 and W2; answers its report.
fn bench(more: &[&str]) -> Value {
    let desk = Desk::new();
    let mut args = vec![
        "--json",
        "bench",
        "--workload",
        "clicks",
        "--tasks",
        "25",
        "--clicks-per-task",
        "3",
        "--open-tasks",
        "400",
        "--runs",
        "5",
        "--alone",
        "1",
    ];
    args.extend(more);
    desk.run(&args).ok().json()
}

fn proves(report: &Value) {
    let clicks = &report["clicks"];
    let figure = |name: &str| clicks[name].as_u64().unwrap();
    assert_eq!(
        (
            figure("accepted"),
            figure("told_winner"),
            figure("errors"),
            figure("left_open")
        ),
        (25, 50, 0, 0),
        "{clicks}"
    );
    let open = &report["open_tasks"];
    // Six were parked by the server to be copied.
    assert_eq!(open["counted"], 406, "{open}");
    for page in [
        "queue_page",
        "queue_middle",
        "counts",
        "filter",
        "search",
        "next_task",
        "review_page",
        "run_page",
    ] {
        assert_eq!(open[page]["count"], 100, "{page}: {open}");
    }
}

/// The back-test alone.
fn tried(more: &[&str]) {
    let desk = Desk::new();
    let mut args = vec![
        "--json",
        "bench",
        "--workload",
        "backtest",
        "--history",
        "900",
    ];
    args.extend(["--runs", "5", "--alone", "1"]);
    args.extend(more);
    let report = desk.run(&args).ok().json();
    let b = &report["backtest"];
    let figure = |name: &str| b[name].as_u64().unwrap();
    // By hand: 900 runs, of which 86 lie over 500 and up to 750 dollars, sure enough and a yes.
    let told = (
        figure("runs"),
        figure("moved"),
        figure("moved_by_hand"),
        figure("missed"),
    );
    assert_eq!(told, (900, 86, 86, 0), "{b}");
    assert_eq!(b["runs_per_second"].as_array().unwrap().len(), 3, "{b}");
}

#[test]
fn back_test_on_sqlite() {
    tried(&[]);
    Desk::new()
        .run(&["bench", "--workload", "backtest"])
        .with(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn back_test_on_postgres() {
    let database = Database::create().await;
    let url = database.url();
    tokio::task::spawn_blocking(move || tried(&["--store", "postgres", "--database", &url]))
        .await
        .unwrap();
    database.drop().await;
}

#[test]
fn clicks_and_open_tasks_on_sqlite() {
    proves(&bench(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_and_open_tasks_on_postgres() {
    let database = Database::create().await;
    let url = database.url();
    let report =
        tokio::task::spawn_blocking(move || bench(&["--store", "postgres", "--database", &url]))
            .await
            .unwrap();
    proves(&report);
    database.drop().await;
}
