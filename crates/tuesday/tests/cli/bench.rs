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
