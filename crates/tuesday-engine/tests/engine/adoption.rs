//! Whether delivered outputs are used: every number is its records, what nobody can see stays unknown, use of
//! the old way raises its rate and is told, and an answered notice is a visit.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::adoption::Adopted;
use tuesday_domain::id::RunId;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::ledger::report::By;
use tuesday_domain::record::{Choice, DayRow};
use tuesday_domain::workflow::Stage;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Adoption, Approval, NO_GROUP, PostedSignal, Refusal, WorkflowDecision};
use tuesday_store::{ANY_TIER, AuditFilter, DayState, RunFilter, RunKind};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const PLAN: &str = r#"[[shift]]
name = "morning"
from = "00:00"
[[shift]]
name = "afternoon"
from = "12:00"
[rollout.scope]
group = "input.id[:4]"
[rollout.plan]
metric = "used"
target_percent = 70
[[rollout.plan.group]]
name = "emea"
who = "Claims desk"
changes = "Opens the graded list and not the mailbox"
[rollout]
"#;

fn by() -> Actor {
    Actor::Person("rhea".into())
}

fn about(run: Option<RunId>, kind: &str) -> PostedSignal {
    PostedSignal {
        event: run.is_none().then(|| format!("{kind} loose")),
        kind: kind.into(),
        run,
        record: None,
        wrong: false,
        count: 1,
        at: None,
    }
}

impl Bench {
    /// A run of the event, graded so.
    async fn graded(&self, event: &str, grade: &str) -> RunId {
        self.fakes
            .then(Said::Text(json!({ "grade": grade }).to_string()));
        self.receive(event).await;
        self.rest(event).await.run.id
    }

    async fn posted(&self, signal: PostedSignal) {
        let posted = self.engine.post_signal("small", signal, &by()).await;
        posted.unwrap();
    }

    async fn adoption(&self) -> Adoption {
        self.engine.make_figures().await.unwrap();
        self.engine
            .adoption("small", self.days().await)
            .await
            .unwrap()
    }

    /// Two days, so that midnight changes nothing.
    async fn days(&self) -> Days {
        let e = &self.engine;
        e.asked_days(Some("small"), None, None, 2).await.unwrap()
    }

    async fn told(&self) -> usize {
        let all = self.engine.reader().notices_of("rhea", 100).await.unwrap();
        all.iter().filter(|n| n.kind == "old_path_used").count()
    }
}

/// Delivered, as it stood, edited, ignored, bypassed, unknown.
fn counts(a: &Adoption, group: &str) -> Vec<i64> {
    let found = a
        .groups
        .iter()
        .chain([&a.all])
        .find(|g| g.title == group)
        .unwrap();
    found.counts.iter().map(|s| s.value.unwrap()).collect()
}

/// What the address behind a figure lists.
async fn listed(bench: &Bench, page: &str) -> i64 {
    let (_, query) = page.split_once('?').unwrap();
    let said: BTreeMap<&str, &str> = query.split('&').filter_map(|p| p.split_once('=')).collect();
    let filter = RunFilter {
        workflow: Some(said["workflow"].to_owned()),
        days: Some((said["from"].to_owned(), said["to"].to_owned())),
        kind: Some(said["kind"].parse::<RunKind>().unwrap()),
        group: said
            .get("group")
            .map(|g| (*g != NO_GROUP).then(|| (*g).to_owned())),
        ..RunFilter::default()
    };
    let found = bench.engine.reader().run_page(&filter, None, 100).await;
    i64::try_from(found.unwrap().len()).unwrap()
}

async fn used(database: Option<&str>) {
    let bench = Bench::on(&[("[rollout]\n", PLAN)], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    bench.graded("emea-1", "low").await;
    let reported = bench.graded("emea-2", "low").await;
    bench.posted(about(Some(reported), "output_used")).await;
    // An older word that arrives later changes nothing.
    let late = PostedSignal {
        at: Some(e.now().minus(Duration::from_secs(60))),
        ..about(Some(reported), "output_ignored")
    };
    bench.posted(late).await;
    bench.graded("emea-3", "high").await;
    let task = bench.task("emea-3").await;
    e.approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    bench.rest("emea-3").await;
    let a = bench.adoption().await;
    assert_eq!(counts(&a, "emea"), [3, 2, 0, 0, 0, 1]);
    // Decided over the API: nobody had the page open, and the notice had to be followed all the same.
    assert_eq!(a.no_visit.value, Some(666_667), "{}", a.no_visit.means);
    assert_eq!(a.automatic.value, Some(1_000_000), "{}", a.automatic.means);
    assert_eq!(a.bypass.value, Some(0));
    assert_eq!((a.groups[0].met, bench.told().await), (Some(true), 0));
    assert_eq!(a.groups[0].who.as_deref(), Some("Claims desk"));

    bench.graded("emea-4", "high").await;
    let task = bench.task("emea-4").await;
    let edit = Approval {
        edit: Some(json!({"grade": "low"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    };
    e.approve(task.id, "rhea", edit).await.unwrap();
    bench.rest("emea-4").await;
    let ignored = bench.graded("apac-1", "low").await;
    bench.posted(about(Some(ignored), "output_ignored")).await;
    let bypassed = bench.graded("apac-2", "low").await;
    bench.posted(about(Some(bypassed), "old_path")).await;
    // Somebody looks at a run before it is delivered.
    bench.fakes.close_gate();
    bench.receive("apac-3").await;
    let waiting = until("the run is there", || async {
        let filter = RunFilter {
            text: Some("apac-3".into()),
            ..RunFilter::default()
        };
        let found = e.reader().run_page(&filter, None, 1).await.unwrap();
        found.into_iter().next()
    })
    .await;
    e.visited(waiting.id, "boris").await.unwrap();
    bench.fakes.open_gate(100);
    bench.rest("apac-3").await;
    // After its delivery a look is no visit.
    e.visited(ignored, "boris").await.unwrap();
    // What a person refused was never delivered.
    bench.graded("apac-4", "high").await;
    let task = bench.task("apac-4").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    e.reject(task.id, "rhea", refusal).await.unwrap();
    bench.rest("apac-4").await;
    let loose = PostedSignal {
        count: 3,
        ..about(None, "old_path")
    };
    bench.posted(loose).await;

    let a = bench.adoption().await;
    assert_eq!(counts(&a, "emea"), [4, 2, 1, 0, 0, 1]);
    assert_eq!(counts(&a, "apac"), [3, 0, 0, 1, 1, 1]);
    assert_eq!(counts(&a, "All"), [7, 2, 1, 1, 1, 2]);
    assert_eq!(a.bypass.value, Some(500_000), "{}", a.bypass.means);
    assert_eq!((a.loose, a.old_path.len()), (3, 2));
    assert_eq!(
        (a.no_visit.value, a.automatic.value),
        (Some(571_429), Some(800_000))
    );
    assert!(
        a.blanks.is_empty(),
        "no list of groups is declared: {:?}",
        a.blanks
    );
    assert_eq!(bench.told().await, 1, "once a day");
    let apac = a.groups.iter().find(|g| g.title == "apac").unwrap();
    assert_eq!((apac.met, apac.who.as_deref()), (Some(false), None));
    // The runs that a tier was asked about can be told from the others.
    for (tier, runs) in [("desk", 3), (ANY_TIER, 3), ("board", 0)] {
        let filter = RunFilter {
            workflow: Some("small".into()),
            tier: Some(tier.into()),
            ..RunFilter::default()
        };
        let found = e.reader().run_page(&filter, None, 100).await.unwrap();
        assert_eq!(found.len(), runs, "{tier}");
    }
    // What each group cost; nothing of it is lost, and a run that was refused cost as well.
    let made = e.cost_report(Some("small"), None, bench.days().await, By::Group);
    let made = made.await.unwrap();
    let runs: BTreeMap<&str, (u64, u64)> = made
        .groups
        .iter()
        .map(|g| (g.key.as_str(), (g.costs.runs, g.costs.resolved)))
        .collect();
    assert_eq!(runs, [("apac", (4, 3)), ("emea", (4, 4))].into());
    let each = made.groups.iter().filter_map(|g| g.costs.total.get("EUR"));
    let whole = made.total.total.get("EUR").copied().unwrap_or(0);
    assert_eq!(each.sum::<i64>(), whole);
    for g in a.groups.iter().chain([&a.all]) {
        let sum: i64 = g.counts[1..].iter().filter_map(|s| s.value).sum();
        assert_eq!(g.counts[0].value, Some(sum), "{}", g.title);
        for s in &g.counts {
            let page = s.records.as_deref().unwrap();
            assert_eq!(s.value, Some(listed(&bench, page).await), "{page}");
        }
    }
    let page = a.no_visit.records.as_deref().unwrap();
    assert_eq!(listed(&bench, page).await, 4);
    assert_eq!(
        listed(&bench, &page.replace("no_visit", "visited")).await,
        3
    );
    assert_eq!(listed(&bench, &format!("{page}&group={NO_GROUP}")).await, 0);
    assert!(
        a.csv().contains("apac,bypassed,count,1,measured,"),
        "{}",
        a.csv()
    );

    // The kept days are their records, in the declared shifts.
    let days = bench.days().await;
    let span = (days.from.to_string(), days.to.to_string());
    let kept = e
        .reader()
        .day_figures(Some("small"), None, (&span.0, &span.1));
    for day in kept.await.unwrap() {
        let again = e.figures_of("small", &day.day).await.unwrap();
        assert_eq!(day.rows, again.rows);
        for shift in day.rows.iter().flat_map(|r| r.figures.mix.keys()) {
            assert!(
                ["morning", "afternoon"].contains(&shift.as_str()),
                "{shift}"
            );
        }
    }
    // By declaration the old way is no bypass.
    e.manual_fallback("small", true, &by(), "the CRM is away")
        .await
        .unwrap();
    bench
        .posted(PostedSignal {
            event: Some("while away".into()),
            ..about(None, "old_path")
        })
        .await;
    assert_eq!(bench.adoption().await.loose, 3);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_is_counted_by_group_and_every_number_is_its_records() {
    Box::pin(used(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_is_counted_by_group_and_every_number_is_its_records_on_postgresql() {
    let database = Database::create().await;
    Box::pin(used(Some(&database.url()))).await;
    database.drop().await;
}

/// Two days with sixty groups each, none of them the same; each group has one output.
async fn many(database: Option<&str>) {
    let bench = Bench::on(&[("[rollout]\n", PLAN)], database).await;
    let e = &bench.engine;
    let days = bench.days().await;
    let live = e.reader().workflow("small").await.unwrap().unwrap();
    let one = Adopted {
        delivered: 1,
        as_is: 1,
        ..Adopted::default()
    };
    for (n, day) in [days.from, days.to].into_iter().enumerate() {
        let figures = DayFigures {
            runs: 60,
            resolved: 60,
            adopted: (0..60).map(|g| (format!("d{n}g{g:02}"), one)).collect(),
            ..DayFigures::new()
        };
        let day = day.to_string();
        let rows = vec![DayRow {
            workflow: "small".into(),
            day: day.clone(),
            release: live.live_release,
            tier: "desk".into(),
            figures,
        }];
        let state = DayState {
            workflow: "small".into(),
            rows,
            open: 0,
            made_at: e.now(),
            day,
        };
        bench.store.put_day(&state).await.unwrap();
    }
    let a = e.adoption("small", days).await.unwrap();
    let counted = |title: &str| counts(&a, title)[..2].to_vec();
    // Fifty apart, the one that the plan names, and the rest.
    assert_eq!(a.groups.len(), 52);
    assert_eq!(
        (counted("others"), counted("emea")),
        (vec![70, 70], vec![0, 0])
    );
    let each = a.groups.iter().filter_map(|g| g.counts[0].value);
    assert_eq!((each.sum::<i64>(), counted("All")), (120, vec![120, 120]));
    let words = a.others.clone().unwrap();
    assert!(words.contains("50 groups of a day"), "{words}");
    let others = a.groups.iter().find(|g| g.title == "others").unwrap();
    let page = others.counts[0].records.as_deref().unwrap();
    assert!(!page.contains("group="), "{page}");
    assert!(
        a.csv().contains("others,delivered,count,70,measured,"),
        "{}",
        a.csv()
    );
    let json = serde_json::to_value(&a).unwrap();
    assert_eq!(json["groups"].as_array().unwrap().len(), 52);
    assert_eq!(json["others"], words);
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_keeps_fifty_groups_apart_and_counts_the_rest() {
    Box::pin(many(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_keeps_fifty_groups_apart_and_counts_the_rest_on_postgresql() {
    let database = Database::create().await;
    Box::pin(many(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_plan_warns_when_the_stage_goes_up_and_stops_nothing() {
    let bench = Bench::on(
        &[(
            "[rollout]\n",
            "[rollout.scope]\ngroup = \"input.id\"\ngroups = [\"c1\"]\n[rollout]\n",
        )],
        None,
    )
    .await;
    let e = &bench.engine;
    let rhea = by();
    let down = e.set_stage("small", Stage::Shadow, None, &rhea, "compared first");
    let row = down.await.unwrap();
    let decision = WorkflowDecision {
        choice: Choice::Proceed,
        question: "Are the drafts good?".into(),
        evidence: "the shadow report".into(),
        links: vec!["/workflows/small/charter".into()],
        conditions: Vec::new(),
        reason: "they are".into(),
        supersedes: None,
    };
    e.decide_workflow("small", decision, "rhea").await.unwrap();
    let open = e.plan_blanks(&row, Stage::DraftOnly).await.unwrap();
    assert_eq!(
        open,
        [
            "the rollout plan names no figure that shows whether the change stuck",
            "the rollout plan does not say for c1: who changes what"
        ]
    );
    assert!(e.plan_blanks(&row, Stage::Off).await.unwrap().is_empty());
    let next = e.next_stage(&row).await.unwrap().unwrap();
    assert_eq!(next.blanks, open);
    let told = Some("Drafts from now on");
    let up = e.set_stage("small", Stage::DraftOnly, told, &rhea, "good");
    assert_eq!(up.await.unwrap().stage, Stage::DraftOnly);
    let entry = until("the entry is sealed", || async {
        e.seal().await.unwrap();
        let filter = AuditFilter {
            kind: Some("workflow.stage".into()),
            ..AuditFilter::default()
        };
        let page = e.reader().audit_page(&filter, None, 10).await.unwrap();
        page.into_iter()
            .map(|r| String::from_utf8(r.leaf).unwrap())
            .find(|leaf| leaf.contains("plan_blank"))
    })
    .await;
    assert!(entry.contains("for c1: who changes what"), "{entry}");
}
