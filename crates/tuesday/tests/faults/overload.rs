//! Story 6: there is more to review than people have hours for. The same day it is said with its inputs,
//! and answered in the declared order on whichever node looks first; no threshold moves, and only a
//! person eases off. The figures are those of the story with a tenth of the tasks and ten times the minutes.

use serde_json::{Value, json};
use tuesday_domain::capacity::Step;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::{DayFigures, Mix};
use tuesday_domain::record::{DayRow, Workflow};
use tuesday_domain::run::Status;
use tuesday_domain::time::Zone;
use tuesday_domain::workflow::Switch;
use tuesday_store::DayState;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each};
use crate::stopped::nodes;

/// Two people of four hours on every day, twelve minutes a task: forty tasks a day.
const CAPACITY: &str = r#"
[capacity]
minutes_per_task = 12
[[capacity.person]]
person = "pia"
days = "mon-sun"
hours = 4
[[capacity.person]]
person = "quentin"
days = "mon-sun"
hours = 4
[capacity.response]
groups = ["auto", "review"]
pause_at_days = 3
step_after = "2s"

[rollout.scope]
group = "input.lane"
groups = ["auto", "review", "two"]
"#;

async fn row(bed: &Bed) -> Workflow {
    bed.reader().workflow("faults").await.unwrap().unwrap()
}

async fn shown(bed: &Bed) -> Value {
    bed.home.json(&["capacity", "show", "faults"]).await
}

async fn said(bed: &Bed, args: &[&str]) -> (i32, String) {
    let (code, out, err) = bed.home.run(args).await;
    (code, format!("{out}{err}"))
}

/// Four weeks on which as many runs came each day, all of them before a person.
pub(crate) async fn history(bed: &Bed, release: ReleaseId, runs: u64) {
    let instance = bed.reader().instance().await.unwrap().unwrap();
    let now = tuesday_engine::Clock::offset(instance.clock_offset).now();
    let today = Day::parse(&Zone::named("Europe/Berlin").unwrap().day(now)).unwrap();
    for back in 1..=28 {
        let day = today.plus(-back).to_string();
        let figures = DayFigures {
            runs,
            resolved: runs,
            approved: runs,
            exceptions: [("rule".to_owned(), runs)].into(),
            mix: [("day".to_owned(), Mix::default())].into(),
            ..DayFigures::new()
        };
        let state = DayState {
            workflow: "faults".into(),
            rows: vec![DayRow {
                workflow: "faults".into(),
                day: day.clone(),
                release,
                tier: "desk".into(),
                figures,
            }],
            open: 0,
            made_at: now,
            day,
        };
        bed.store.put_day(&state).await.unwrap();
    }
}

async fn send(bed: &Bed, url: &str, ids: std::ops::Range<u32>) {
    let cases: Vec<Case> = ids.map(|i| Case::new(format!("c{i}"), "review")).collect();
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(url, case).await, Some(202));
    }
}

async fn took(bed: &Bed, step: Step) -> Workflow {
    until(&format!("the step {step} was taken"), || async {
        let row = row(bed).await;
        row.rollout.load.took(step).then_some(row)
    })
    .await
}

async fn story(database: Option<Database>) {
    let owners = "reviewers = [";
    let sponsor = "sponsor = { handle = \"sia\", name = \"Sia Berg\", email = \"sia.berg@example.com\" }\nreviewers = [";
    let asked = "[rollout]\nlabel = \"production\"\nstage = \"auto\"";
    let approval =
        format!("[rollout]\nlabel = \"production\"\nstage = \"approval_first\"\n{CAPACITY}");
    let bed = Bed::changed(database, &[(owners, sponsor), (asked, &approval)]).await;
    let all = nodes(&bed).await;
    let url = all[all.len() - 1].url.clone();
    let before = row(&bed).await;
    history(&bed, before.live_release, 35).await;

    // 35 a day of 12 min are 420 of 480 min.
    send(&bed, &url, 0..35).await;
    let calm = until("today is counted", || async {
        let c = shown(&bed).await;
        (c["forecast"]["today"]["arrivals"]["point"] == 35).then_some(c)
    })
    .await;
    assert_eq!(
        calm["forecast"]["today"]["utilisation_ppm"]["point"], 875_000,
        "{calm}"
    );
    assert_eq!(calm["over"], Value::Null);
    assert!(
        row(&bed).await.rollout.load.steps.is_empty(),
        "nothing is done about it"
    );

    // Twice as many: the same day it is said, with what it rests on.
    send(&bed, &url, 35..70).await;
    let narrowed = took(&bed, Step::Narrow).await;
    let words = &narrowed.rollout.load.steps[0].words;
    assert!(
        words.contains("utilisation 175 % today (840 of 480 min: 70 runs, 100 % put before people, 720 s each), limit 100 %"),
        "{words}"
    );
    assert_eq!(narrowed.rollout.scope.words(), "groups auto, review");
    assert_eq!(narrowed.switch, Switch::Restricted);
    for person in ["rhea", "sia"] {
        let told = bed.reader().notices_of(person, 100).await.unwrap();
        let alarms = told.iter().filter(|n| n.kind == "capacity_alarm").count();
        assert_eq!(alarms, 1, "{person} hears of it once");
        assert!(
            told.iter().any(|n| n.kind == "workflow.restricted"),
            "{person}"
        );
    }
    let slowed = took(&bed, Step::Slow).await;
    assert_eq!(
        slowed.rollout.load.slow,
        Some(40),
        "a working day of review"
    );
    // A node acts by a picture that is at most 0.8 s old.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    send(&bed, &url, 70..71).await;
    let held = read_all(&bed.reader()).await.remove("c70").unwrap();
    assert_eq!(
        held.run.state.status,
        Status::Held,
        "accepted, and waits its turn"
    );
    let kinds: Vec<Step> = slowed.rollout.load.steps.iter().map(|t| t.step).collect();
    assert_eq!(kinds, [Step::Narrow, Step::Slow], "in order, each once");

    // What waits is three working days when a task takes twice as long: 70 tasks of 24 min.
    let file = bed.home.dir.join("capacity.toml");
    let slow_hands = "minutes_per_task = 24\n[[person]]\nperson = \"pia\"\ndays = \"mon-sun\"\nhours = 4\n\
        [[person]]\nperson = \"quentin\"\ndays = \"mon-sun\"\nhours = 4\n\
        [response]\ngroups = [\"auto\", \"review\"]\npause_at_days = 3\nstep_after = \"2s\"\n";
    std::fs::write(&file, slow_hands).unwrap();
    let path = file.display().to_string();
    let set = [
        "capacity", "set", "faults", "--file", &path, "--reason", "a test",
    ];
    let (code, words) = said(&bed, &[&set[..], &["--as", "pia"]].concat()).await;
    assert!(code == 3 && words.contains("not_allowed"), "{words}");
    let (code, words) = said(&bed, &[&set[..], &["--as", "rhea"]].concat()).await;
    assert_eq!(code, 0, "{words}");
    let paused = took(&bed, Step::Pause).await;
    assert_eq!(paused.switch, Switch::Paused);
    assert_eq!(
        paused.rules_version, before.rules_version,
        "no threshold was loosened"
    );
    assert_eq!(bed.reader().rulesets("faults").await.unwrap().len(), 1);

    // More cannot be served, and how much is lacking is said.
    let wider = [
        "workflow", "restrict", "faults", "--yes", "--as", "rhea", "--reason", "a test",
    ];
    let (code, words) = said(&bed, &wider).await;
    assert!(
        code == 1
            && words.contains("capacity_exceeded")
            && words.contains("reviewer hours a week are lacking"),
        "{code} {words}"
    );
    let asked = ["capacity", "whatif", "faults", "--group", "two"];
    let what_if = bed.home.json(&asked).await;
    assert!(what_if["lacking_hours"].is_string(), "{what_if}");
    assert!(
        what_if["tasks_then"]["high"].as_i64() > what_if["tasks_now"]["high"].as_i64(),
        "{what_if}"
    );

    // Only a person eases off, and is left in peace for the day.
    let ease = [
        "capacity",
        "ease",
        "faults",
        "--reason",
        "three people more from tomorrow",
    ];
    let (code, words) = said(&bed, &[&ease[..], &["--as", "rhea"]].concat()).await;
    assert!(code == 1 && words.contains("capacity_exceeded"), "{words}");
    for step in ["slow", "pause"] {
        let eased = [&ease[..], &["--only", step, "--as", "rhea"]].concat();
        let (code, words) = said(&bed, &eased).await;
        assert_eq!(code, 0, "{words}");
    }
    let eased = row(&bed).await;
    assert_eq!(
        (eased.switch, eased.rollout.load.slow),
        (Switch::Restricted, None)
    );
    bed.settle(&all[all.len() - 1]).await;
    let end = row(&bed).await;
    let left: Vec<Step> = end.rollout.load.steps.iter().map(|t| t.step).collect();
    assert_eq!(
        left,
        [Step::Narrow],
        "nothing follows on the day of easing off"
    );
    // No task was decided by anybody but people.
    for task in bed.tasks().await {
        let by = task.decided_by.unwrap_or_default();
        assert!(by == "pia" || by == "quentin", "{by}");
    }
    let log = bed
        .home
        .run(&["changes", "--workflow", "faults", "--json"])
        .await
        .1;
    let log: Vec<Value> = log
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let steps = log.iter().filter(|e| e["facts"]["step"].is_string());
    let steps: Vec<&Value> = steps.collect();
    assert_eq!(steps.len(), 3, "each step is in the log once: {steps:?}");
    assert!(
        steps.iter().all(
            |s| s["facts"]["rules_version"] == json!(before.rules_version)
                && s["facts"]["forecast"]["method"].is_string()
        ),
        "with its figures"
    );
    // With hours for it the same act is allowed.
    let many = slow_hands
        .replace("minutes_per_task = 24", "minutes_per_task = 1")
        .replace("hours = 4", "hours = 24");
    std::fs::write(&file, many).unwrap();
    let (code, words) = said(&bed, &[&set[..], &["--as", "rhea"]].concat()).await;
    assert_eq!(code, 0, "{words}");
    // Room alone is not enough: somebody looks at what the stage showed.
    let (code, words) = said(&bed, &wider).await;
    assert!(code == 1 && words.contains("review_required"), "{words}");
    let decide = ["workflow", "decide", "faults", "--decision", "proceed"];
    let why = [
        "--question",
        "May all come in again?",
        "--evidence",
        "the hours of the coming weeks",
        "--link",
        "/workflows/faults/capacity",
        "--reason",
        "a test",
        "--as",
        "rhea",
    ];
    let (code, words) = said(&bed, &[&decide[..], &why[..]].concat()).await;
    assert_eq!(code, 0, "{words}");
    let (code, words) = said(&bed, &wider).await;
    assert_eq!(code, 0, "{words}");
    for node in all {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_review_is_said_the_same_day_and_answered_in_order() {
    each("story 6", |database| Box::pin(story(database))).await;
}
