//! The plans of the queue's statements: open tasks only, through the partial indexes.

use tuesday_domain::record::{PriorityClass, WorkflowPriority};
use tuesday_domain::time::Timestamp;

use super::counts::statement;
use super::page::{QueueFilter, QueueTimes, classes, ids_of_class};
use crate::migrate::ALL;
use crate::value::Value;

fn plan(sql: &str, params: &[Value]) -> Vec<String> {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    for step in ALL {
        conn.execute_batch(step.sqlite).unwrap();
    }
    let mut stmt = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    stmt.query_map(rusqlite::params_from_iter(params), |r| r.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn times() -> QueueTimes {
    QueueTimes {
        now: Timestamp::from_micros(10),
        day_end: Timestamp::from_micros(9_000_000_000),
    }
}

fn filters() -> Vec<QueueFilter> {
    let text = || Some("x".to_owned());
    vec![
        QueueFilter::default(),
        QueueFilter {
            owner: text(),
            ..QueueFilter::default()
        },
        QueueFilter {
            workflow: text(),
            tier: text(),
            unclaimed: true,
            ..QueueFilter::default()
        },
        QueueFilter {
            among: Some(vec!["w".into(), "x".into()]),
            ..QueueFilter::default()
        },
        QueueFilter {
            mine: text(),
            due: Some(super::DueGroup::Overdue),
            ..QueueFilter::default()
        },
    ]
}

#[test]
fn a_page_finds_its_ids_in_the_index_of_open_tasks_alone() {
    let high = WorkflowPriority {
        workflow: "w".into(),
        class: PriorityClass::High,
        set_by: "s".into(),
        reason: "r".into(),
        set_at: Timestamp::from_micros(0),
    };
    for priorities in [vec![], vec![high]] {
        for class in classes(&priorities) {
            for filter in filters() {
                let (sql, params) = ids_of_class(&filter, &times(), &class, None, 50);
                let plan = plan(&sql, &params);
                assert!(
                    plan.iter()
                        .any(|l| l.contains("USING COVERING INDEX reviews_")),
                    "{plan:#?}"
                );
                assert!(
                    !plan.iter().any(|l| l.trim_end() == "SCAN reviews"),
                    "{plan:#?}"
                );
            }
        }
    }
}

#[test]
fn counts_are_one_pass_over_an_index_in_its_own_order() {
    let (sql, params) = statement(&QueueFilter::default(), &times());
    let plan = plan(&sql, &params);
    assert_eq!(
        plan,
        ["SCAN reviews USING COVERING INDEX reviews_facets"],
        "no table is read and nothing is sorted"
    );
}

#[test]
fn searching_reads_indexes_of_open_tasks_and_no_row_of_another() {
    let filter = QueueFilter {
        text: Some("refund".into()),
        ..QueueFilter::default()
    };
    let (counts, params) = statement(&filter, &times());
    assert_eq!(
        plan(&counts, &params),
        ["SCAN reviews USING COVERING INDEX reviews_facets"]
    );
    let normal = (PriorityClass::Normal, vec![]);
    for among in [None, Some(vec!["w".to_owned(), "v".to_owned()])] {
        let filter = QueueFilter {
            among,
            ..filter.clone()
        };
        let (sql, params) = ids_of_class(&filter, &times(), &normal, None, 50);
        let plan = plan(&sql, &params);
        assert!(
            plan.iter()
                .any(|l| l.contains("USING COVERING INDEX reviews_")),
            "{plan:#?}"
        );
    }
}
