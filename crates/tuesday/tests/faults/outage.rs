//! Story 4: a model provider is away on a Friday afternoon. One incident, nothing lost, nothing done
//! twice; one workflow waits and goes to people, the other goes on with the release that was approved
//! for it, and with no other. Judged by what the models and the desk were sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tuesday_domain::record::{Incident, Run};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Outcome, Reason, Status};
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_store::{IncidentFilter, RunFilter};
use tuesday_stub::{ModelRule, Script};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, Found, Node, until};

use crate::bed::{Bed, Case, each, now};
use crate::stopped::nodes;

/// Model calls at once on one node.
const AT_ONCE: usize = 4;
/// How long the model takes when it works, milliseconds.
const TAKES_MS: i64 = 60;
/// Three hundred events: before and during the outage, and of the second workflow.
const FIRST: usize = 200;
const SECOND: usize = 60;
const SUMMARIES: usize = 40;

const PATIENT: [(&str, &str); 4] = [
    (
        "[limits]",
        "[degraded]\nmodel = \"people\"\npeople_after = \"60m\"\n\n[limits]\nmodel_concurrency = 4",
    ),
    ("max_attempts = 4", "max_attempts = 9"),
    ("max_delay = \"200ms\"", "max_delay = \"1s\""),
    ("model_timeout = \"2s\"", "model_timeout = \"500ms\""),
];

/// The second workflow: the same work under another name, which may go on with another model.
pub(crate) const SUMMARY: [(&str, &str); 4] = [
    ("name = \"faults\"", "name = \"summary\""),
    // A lane that only the last row of the table takes, so that a case can reach it.
    ("search|mail,tier", "search|mail|other,tier"),
    ("\"search\", \"mail\"]", "\"search\", \"mail\", \"other\"]"),
    (
        "[limits]",
        "[degraded]\nmodel = \"alternative\"\n\n[limits]",
    ),
];
const OTHER_MODEL: [(&str, &str); 3] = [
    ("model/grader", "model/other"),
    ("provider = \"grader\"", "provider = \"other\""),
    ("pin = \"stub-1\"", "pin = \"stub-2\""),
];

/// Cases for the gate: one of each kind, and each row that a case can reach.
pub(crate) fn pack() -> String {
    let crm = |tier: &str, at: &str| json!({"crm": {"id": "AC-1", "tier": tier, "owner": "ann", "updated_at": at}});
    let good = crm("gold", "@-1h");
    let auto = json!({"route": "auto", "output": {"grade": "low"}});
    let desk = json!({"route": "review", "tier": "desk", "row": "r1"});
    let rest = json!({"route": "review", "tier": "desk", "row": "r4"});
    let two = json!({"route": "review", "tier": "two_persons", "row": "r2"});
    let case = |name: &str, kind: &str, input: Value, sources: &Value, expect: &Value| {
        json!({"name": name, "kind": kind, "input": input, "sources": sources, "expect": expect})
            .to_string()
    };
    let of =
        |id: &str, lane: &str| json!({"id": id, "lane": lane, "account": "AC-1", "text": "a case"});
    let silver = crm("silver", "@-1h");
    let none = json!({});
    [
        case("plain", "happy", of("p1", "auto"), &good, &auto),
        case("silver", "edge", of("p2", "mail"), &silver, &auto),
        case("search", "edge", of("p3", "search"), &good, &auto),
        case(
            "no-id",
            "adversarial",
            of("no id!", "auto"),
            &good,
            &json!({"intake": "refused"}),
        ),
        case("came-back", "regression", of("p4", "version"), &good, &auto),
        case("not-ours", "refusal", of("p5", "review"), &good, &desk),
        case("important", "escalation", of("p6", "two"), &good, &two),
        case("unclear", "uncertainty", of("p7", "review"), &good, &desk),
        case("no-lane", "uncertainty", of("p12", "other"), &good, &rest),
        case(
            "old",
            "stale",
            of("p8", "auto"),
            &crm("gold", "@-100d"),
            &json!({"reason": "stale_source"}),
        ),
        case(
            "odd-tier",
            "conflicting",
            of("p9", "auto"),
            &crm("bronze", "@-1h"),
            &json!({"status": "in_review"}),
        ),
        case(
            "gone",
            "missing",
            of("p10", "auto"),
            &none,
            &json!({"status": "waiting_input"}),
        ),
        case(
            "hidden",
            "restricted",
            of("p11", "auto"),
            &good,
            &json!({"route": "auto", "unseen": ["SECRET"]}),
        ),
    ]
    .join("\n")
}

/// The running instance with what the story tells about it.
struct Friday {
    bed: Bed,
    nodes: Vec<Node>,
}

impl Friday {
    async fn new(database: Option<Database>) -> Self {
        let bed = Bed::changed(database, &PATIENT).await;
        // The first channel is down; the second is a file.
        let chat = format!("{}/chat/alerts", bed.vars()[0].1);
        bed.home.settings(&format!("[[notify]]\nkind = \"webhook\"\nurl = \"{chat}\"\n[[notify]]\nkind = \"file\"\npath = \"told.jsonl\"\n"));
        bed.world.script(broken("/chat", 503)).unwrap();
        let path = summary_package(&bed, "summary", &SUMMARY);
        bed.home.install(&path, &bed.vars()).await;
        for role in ["release_approver", "security_approver"] {
            let grant = [
                "user",
                "grant",
                "edda",
                "--role",
                role,
                "--workflow",
                "summary",
                "--reason",
                "a test",
            ];
            let (code, out, err) = bed.home.run(&grant).await;
            assert_eq!(code, 0, "{out}\n{err}");
        }
        let nodes = Vec::new();
        Self { bed, nodes }
    }

    fn url(&self, i: usize) -> &str {
        &self.nodes[i % self.nodes.len()].url
    }

    /// Sends cases, each to the next node, until they are acknowledged.
    async fn send(&self, workflow: &str, cases: &[Case]) {
        self.bed.accounts(cases);
        let one = |(i, case): (usize, &Case)| {
            let address = format!("{}/api/v1/triggers/{workflow}", self.url(i));
            let event = case.event();
            async move {
                until("the case is acknowledged", || async {
                    let answer = self.bed.client.post(&address, &event).await?;
                    (answer.status == 202).then_some(())
                })
                .await;
            }
        };
        let all = cases.iter().enumerate().map(one);
        futures::stream::iter(all)
            .buffer_unordered(4)
            .collect::<Vec<()>>()
            .await;
    }

    async fn of(&self, workflow: &str) -> BTreeMap<String, Found> {
        let mut all = read_all(&self.bed.reader()).await;
        all.retain(|_, f| f.run.workflow == workflow);
        all
    }

    async fn count(&self, workflow: &str, which: impl Fn(&Run) -> bool) -> usize {
        let filter = RunFilter {
            workflow: Some(workflow.to_owned()),
            ..RunFilter::default()
        };
        let all = self.bed.reader().run_page(&filter, None, 1_000).await;
        all.unwrap().iter().filter(|r| which(r)).count()
    }

    /// The one incident about the provider, when it is in this state.
    async fn incident(&self, state: IncidentState) -> Incident {
        until(&format!("the outage is {state}"), || async {
            let filter = IncidentFilter {
                category: Some(Category::ProviderOutage),
                ..IncidentFilter::default()
            };
            let found = self.bed.reader().incidents(&filter, None, 9).await.unwrap();
            assert!(found.len() < 2, "one cause is one incident: {found:#?}");
            found.into_iter().find(|i| i.state == state)
        })
        .await
    }

    /// Lines of the second channel for a person about the outage.
    fn told(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(self.bed.home.dir.join("told.jsonl"));
        let text = text.unwrap_or_default();
        let is = |l: &&str| l.contains(name) && l.contains("Model provider does not answer");
        text.lines().filter(is).count()
    }

    async fn later(&self, minutes: i64) {
        let instance = self.bed.reader().instance().await.unwrap().unwrap();
        let offset = instance.clock_offset + minutes * 60_000_000;
        self.bed.store.set_clock(offset).await.unwrap();
    }

    /// Calls of a provider that a model answered or refused.
    fn asked(&self, provider: &str) -> usize {
        let all = self.bed.world.entries("model");
        all.iter().filter(|e| e.collection == provider).count()
    }

    /// A release with another model, drafted by the technical owner; answers its id.
    async fn drafted(&self) -> String {
        let pairs = [&SUMMARY[..], &OTHER_MODEL[..]].concat();
        let path = summary_package(&self.bed, "alternative", &pairs);
        let vars: Vec<String> = self
            .bed
            .vars()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let path = path.to_string_lossy().into_owned();
        let mut args = vec!["release", "create", path.as_str(), "--as", "tove"];
        for var in &vars {
            args.extend(["--set", var.as_str()]);
        }
        let made = self.bed.home.json(&args).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn release(&self, verb: &str, id: &str, by: &str) -> (i32, String) {
        let mut args = vec!["release", verb, id, "--as", by];
        if verb != "eval" {
            args.extend(["--reason", "a test"]);
        }
        let (code, out, err) = self.bed.home.run(&args).await;
        (code, format!("{out}{err}"))
    }

    /// Kills a node and starts another in its place.
    async fn replace(&mut self, i: usize) {
        let node = self.nodes.remove(i);
        node.kill().await;
        let fresh = self.bed.home.ready(&[]).await;
        self.nodes.insert(i, fresh);
    }
}

fn summary_package(bed: &Bed, folder: &str, pairs: &[(&str, &str)]) -> PathBuf {
    let to = bed.variant(folder, &[&PATIENT[1..], pairs].concat());
    std::fs::create_dir(to.join("evals")).unwrap();
    std::fs::write(to.join("evals/golden.jsonl"), pack()).unwrap();
    to
}

fn broken(path: &str, status: u16) -> Script {
    Script {
        path_prefix: Some(path.into()),
        status: Some(status),
        times: 1_000_000,
        ..Script::default()
    }
}

/// The grader says this from now on; the other model always works.
fn grader(bed: &Bed, rule: ModelRule) {
    // The newest rule that fits answers.
    let grader = ModelRule {
        provider: Some("grader".into()),
        model: Some("stub-1".into()),
        ..rule
    };
    let other = ModelRule {
        provider: Some("other".into()),
        answer: Some(json!({"grade": "low", "summary": "nothing that matters"})),
        model: Some("stub-2".into()),
        ..ModelRule::default()
    };
    bed.world.answer(grader).unwrap();
    bed.world.answer(other).unwrap();
}

fn good() -> ModelRule {
    ModelRule {
        answer: Some(json!({"grade": "low", "summary": "nothing that matters"})),
        delay_ms: TAKES_MS.unsigned_abs(),
        ..ModelRule::default()
    }
}

fn cases(prefix: &str, many: usize) -> Vec<Case> {
    (0..many)
        .map(|i| Case::new(format!("{prefix}{i:03}"), "auto"))
        .collect()
}

fn held(run: &Run) -> bool {
    run.state.status == Status::Held && run.reason == Some(Reason::DependencyDown)
}

/// A run that came to its end or to a person.
fn rests(run: &Run) -> bool {
    run.state.status.is_terminal() || run.state.status == Status::InReview
}

async fn story(database: Option<Database>) {
    let mut friday = Box::pin(Friday::new(database)).await;
    grader(&friday.bed, good());
    let release = friday.drafted().await;
    let early = friday.release("stand-by", &release, "edda").await;
    assert!(early.1.contains("gate_not_passed"), "{}", early.1);
    let gate = friday.release("eval", &release, "tove").await;
    assert_eq!(gate.0, 0, "{}", gate.1);
    let judged = friday.asked("other");
    friday.nodes = nodes(&friday.bed).await;

    // Some slow time-outs first, then nothing but refusals.
    let slow = Script {
        path_prefix: Some("/model/grader".into()),
        delay_ms: 1_500,
        times: 20,
        ..Script::default()
    };
    friday.bed.world.script(slow).unwrap();
    friday
        .bed
        .world
        .script(broken("/model/grader", 503))
        .unwrap();
    let first = cases("f", FIRST);
    friday.send("faults", &first).await;
    friday.send("summary", &cases("s", SUMMARIES)).await;
    let incident = friday.incident(IncidentState::Triggered).await;
    assert_eq!(incident.key, "provider_outage:grader");
    told_over_the_second_channel(&friday, &incident).await;
    let waiting = friday.nodes.len();
    until("all but the runs that find out wait", || async {
        let (f, s) = (
            friday.count("faults", held).await,
            friday.count("summary", held).await,
        );
        (f + s + waiting >= FIRST + SUMMARIES).then_some(())
    })
    .await;

    Box::pin(alternative(&friday, &release, judged)).await;
    Box::pin(to_people(&friday)).await;

    // New events are still accepted and wait; nodes die meanwhile.
    let second = cases("g", SECOND);
    friday.send("faults", &second).await;
    // What one of them has read is out of date when it goes on.
    let moved = &second[SECOND - 1];
    until("it waits with what it has read", || async {
        let all = friday.of("faults").await;
        let run = &all.get(&moved.id)?.run;
        (held(run) && run.snapshot_ref.is_some()).then_some(())
    })
    .await;
    friday.bed.tier(moved, "gold");
    friday.replace(0).await;
    let last = friday.nodes.len() - 1;
    friday.replace(last).await;
    Box::pin(comes_back(&friday)).await;
    let ticket = friday.bed.world.record("desk", "tickets", &moved.id);
    assert_eq!(ticket.unwrap()["tier"], "gold", "it was read again");
    Box::pin(all_adds_up(friday)).await;
}

/// Rhea is on call: she is told within the minute, over the channel that works; that the other one
/// does not is kept.
async fn told_over_the_second_channel(friday: &Friday, incident: &Incident) {
    until("the person on call is told", || async {
        (friday.told("Rhea Lind") == 1).then_some(())
    })
    .await;
    let reader = friday.bed.reader();
    let kept = until("the delivery is kept", || async {
        let alert = reader.alert_of(incident.id).await.unwrap()?;
        let kept = reader.deliveries_of(alert.id).await.unwrap();
        kept.into_iter().next()
    })
    .await;
    assert!(
        kept.ok && kept.channel.as_deref() == Some("file"),
        "{kept:?}"
    );
    let failed = kept.detail.unwrap_or_default();
    assert!(failed.contains("webhook failed"), "{failed}");
}

/// What a machine reads about it: the alert with its deliveries, the releases page by page.
/// The behaviour in force for a workflow while the model is away, with its words.
fn in_force(degraded: &Value, name: &str) -> (String, String) {
    let all = degraded[0]["workflows"].as_array().unwrap();
    let one = all.iter().find(|w| w["workflow"] == name);
    let one = one.unwrap_or_else(|| panic!("{name} is not told: {degraded}"));
    let text = |field: &str| one[field].as_str().unwrap().to_owned();
    (text("behaviour"), text("words"))
}

async fn shown_to_machines(friday: &Friday, release: &str) {
    let reader = &friday.bed.reviewers[2].1;
    let get = |path: String| async move {
        let answer = reader
            .get(&format!("{}/api/v1/{path}", friday.url(0)))
            .await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    };
    let away = get("incidents?category=provider_outage&open=true".to_owned()).await;
    let one = &away["items"][0];
    assert_eq!(
        (&one["cause"], &one["state"], &away["items"][1]),
        (
            &json!("provider_outage:grader"),
            &json!("triggered"),
            &Value::Null
        ),
        "three hundred events, one incident"
    );
    // The other node hears of the approval with its next look.
    let degraded = until("the alternative is in force", || async {
        let degraded = get("degraded".to_owned()).await;
        (in_force(&degraded, "summary").0 == "alternative").then_some(degraded)
    })
    .await;
    let (_, words) = in_force(&degraded, "summary");
    assert!(
        words.contains("release 2, which stands in until grader answers"),
        "{words}"
    );
    let (behaviour, words) = in_force(&degraded, "faults");
    assert_eq!(behaviour, "people", "{words}");
    let page = one["runbook"].as_str().unwrap();
    assert!(page.ends_with("/runbooks/provider-outage"), "{page}");
    let alerts = get("alerts?open=true".to_owned()).await;
    let alert = alerts["items"][0].clone();
    assert_eq!(
        (&alert["person"], &alerts["items"][1]),
        (&json!("rhea"), &Value::Null)
    );
    let one = get(format!("alerts/{}", alert["id"].as_str().unwrap())).await;
    let detail = one["deliveries"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("webhook failed"), "{one}");
    let first = get("releases?workflow=summary&limit=1".to_owned()).await;
    assert_eq!(
        (&first["items"][0]["number"], &first["items"][0]["state"]),
        (&json!(2), &json!("approved"))
    );
    let next = first["next"].as_str().unwrap();
    let second = get(format!("releases?workflow=summary&limit=1&after={next}")).await;
    assert_eq!(second["items"][0]["state"], "live");
    let whole = get(format!("releases/{release}")).await;
    assert_eq!(
        (&whole["stands_by"], &whole["gate"]["valid"]),
        (&json!(true), &json!(true)),
        "{whole}"
    );
    assert_eq!(whole["gate"]["decided_by"], "edda");
}

/// Nothing goes on with a release that is not approved to; once it is, all of it does.
async fn alternative(friday: &Friday, release: &str, judged: usize) {
    assert_eq!(friday.asked("other"), judged, "never used unapproved");
    let passed = friday.release("stand-by", release, "edda").await;
    assert!(passed.1.contains("gate_not_passed"), "{}", passed.1);
    for verb in ["clear", "approve"] {
        let done = friday.release(verb, release, "edda").await;
        assert_eq!(done.0, 0, "{verb}: {}", done.1);
    }
    assert_eq!(friday.asked("other"), judged, "approved is not standing by");
    let maker = friday.release("stand-by", release, "tove").await;
    assert!(maker.1.contains("not_allowed"), "{}", maker.1);
    let done = friday.release("stand-by", release, "edda").await;
    assert_eq!(done.0, 0, "{}", done.1);
    shown_to_machines(friday, release).await;
    until("the summaries go on with the other model", || async {
        let by = |r: &Run| r.state.status == Status::Completed && r.release.to_string() == release;
        (friday.count("summary", by).await == SUMMARIES).then_some(())
    })
    .await;
    assert_eq!(friday.asked("other"), judged + SUMMARIES, "once each");
    let done = |r: &Run| r.state.outcome == Some(Outcome::WrittenBack);
    assert_eq!(
        friday.count("faults", done).await,
        0,
        "the other workflow has no alternative"
    );
}

/// Nobody acknowledges: the next one is told. After an hour people have what waits, with its inputs.
async fn to_people(friday: &Friday) {
    friday.later(16).await;
    until("the backup is told", || async {
        (friday.told("Boris Amari") == 1).then_some(())
    })
    .await;
    assert_eq!(friday.told("Rhea Lind"), 1, "nobody is told twice");
    friday.later(61).await;
    let finds_out = friday.nodes.len();
    until("people have what waits", || async {
        let by_hand = |r: &Run| r.state.outcome == Some(Outcome::HandedOff);
        (friday.count("faults", by_hand).await + finds_out >= FIRST).then_some(())
    })
    .await;
    let all = friday.of("faults").await;
    for found in all
        .values()
        .filter(|f| f.run.state.outcome == Some(Outcome::HandedOff))
    {
        let task = found.reviews.first().expect("a task");
        assert_eq!(
            (task.kind, task.owner.as_str()),
            (ReviewKind::Manual, "rhea")
        );
        let address = format!("{}/api/v1/reviews/{}", friday.url(0), task.id);
        let case = friday.bed.reviewers[2].1.get(&address).await.unwrap();
        let inputs = case.body.to_string();
        assert!(
            inputs.contains(&format!("case {} of the tests", found.run.event_id)),
            "{inputs}"
        );
    }
}

/// Garbage with 200 is no return; then it is back, and what waits goes on in its order and within the
/// limit.
async fn comes_back(friday: &Friday) {
    let garbage = ModelRule {
        text: Some("<html>under maintenance</html>".into()),
        ..ModelRule::default()
    };
    grader(&friday.bed, garbage);
    friday.bed.world.clear_scripts();
    until("garbage is an invalid output", || async {
        let bad =
            |r: &Run| r.state.status == Status::InReview && r.reason == Some(Reason::InvalidOutput);
        (friday.count("faults", bad).await > 0).then_some(())
    })
    .await;
    friday.incident(IncidentState::Triggered).await;
    assert!(
        friday.count("faults", held).await > 0,
        "the others still wait"
    );
    let back = now();
    grader(&friday.bed, good());
    friday.incident(IncidentState::Mitigated).await;
    until("every case rests", || async {
        let all = friday.of("faults").await;
        all.values().all(|f| rests(&f.run)).then_some(())
    })
    .await;
    let mut arrived: Vec<jiff::Timestamp> = friday
        .bed
        .world
        .entries("model")
        .iter()
        .filter(|e| e.collection == "grader" && e.status == 200)
        .map(|e| e.at.parse().unwrap())
        .filter(|at| *at > back)
        .collect();
    arrived.sort_unstable();
    let span = jiff::SignedDuration::from_millis(TAKES_MS);
    let most = AT_ONCE * friday.nodes.len();
    // A call is under way for at least as long as the model takes.
    let together = |at: &jiff::Timestamp| {
        arrived
            .iter()
            .filter(|a| **a > *at - span && *a <= at)
            .count()
    };
    let found = arrived.iter().map(together).max().unwrap_or(0);
    assert!(found <= most, "{found} calls at once, {most} are allowed");
    if friday.nodes.len() == 1 {
        resumed_in_order(friday).await;
    }
}

/// The decisions that let runs go on at the end stand in the log in the order the runs came.
async fn resumed_in_order(friday: &Friday) {
    let all = friday.of("faults").await;
    let mut resumed = Vec::new();
    for found in all
        .values()
        .filter(|f| f.run.state.status == Status::Completed)
    {
        let last = found
            .entries
            .iter()
            .rev()
            .find(|e| e["kind"] == "run.resumed");
        if let Some(entry) = last {
            resumed.push((
                entry["at"].to_string(),
                found.run.received_at,
                &found.run.event_id,
            ));
        }
    }
    assert!(resumed.len() > 5, "several waited to the end");
    let mut by_time = resumed.clone();
    by_time.sort();
    let mut by_age = resumed;
    by_age.sort_by_key(|r| r.1);
    // Those that found out went on before the others, at a time of their own.
    let late = by_time.last().unwrap().0.clone();
    let only = |list: &[(String, _, &String)]| -> Vec<String> {
        list.iter()
            .filter(|r| r.0 == late)
            .map(|r| r.2.clone())
            .collect()
    };
    assert_eq!(only(&by_time), only(&by_age));
}

/// Every event has one end, and each effect happened once: nothing that people did by hand was written.
async fn all_adds_up(friday: Friday) {
    let faults = friday.of("faults").await;
    let by = |which: &dyn Fn(&Run) -> bool| faults.values().filter(|f| which(&f.run)).count();
    let written = by(&|r| r.state.outcome == Some(Outcome::WrittenBack));
    let by_hand = by(&|r| r.state.outcome == Some(Outcome::HandedOff));
    let with_people = by(&|r| r.state.status == Status::InReview);
    assert_eq!(written + by_hand + with_people, FIRST + SECOND);
    assert!(
        written >= SECOND / 2 && by_hand > FIRST / 2,
        "{written} and {by_hand}"
    );
    for node in friday.nodes {
        assert!(node.stop().await.success());
    }
    // Note and ticket each.
    let applied = friday.bed.effects().iter().filter(|e| e.applied).count();
    assert_eq!(applied, 2 * (written + SUMMARIES), "exactly once each");
    friday.bed.check().await;
    friday.bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_on_a_friday_loses_nothing_and_repeats_nothing() {
    each("story 4", |database| Box::pin(story(database))).await;
}

/// At this hour nobody is on call, and the operator owner and the escalation owner are gone: the backup
/// is told, then the sponsor, and the gap is an incident of its own.
async fn nobody_on_call(database: Option<Database>) {
    // In three days: never now, whatever the hour.
    let day = now().to_zoned(jiff::tz::TimeZone::UTC).date() + jiff::ToSpan::days(3);
    let day = day.strftime("%a").to_string().to_lowercase();
    let shift = format!(
        "[[on_call.shift]]\nperson = \"rhea\"\ndays = \"{day}\"\nfrom = \"09:00\"\nto = \"10:00\"\n\n[limits]"
    );
    let sponsor = "sponsor = { handle = \"sia\", name = \"Sia Berg\", email = \"sia.berg@example.com\" }\nreviewers = [";
    let pairs = [("[limits]", shift.as_str()), ("reviewers = [", sponsor)];
    let bed = Bed::changed(database, &pairs).await;
    bed.home
        .settings("[[notify]]\nkind = \"file\"\npath = \"told.jsonl\"\n");
    for gone in ["rhea", "edda"] {
        let args = ["user", "deactivate", gone, "--reason", "left"];
        let (code, out, err) = bed.home.run(&args).await;
        assert_eq!(code, 0, "{out}\n{err}");
    }
    bed.world.script(broken("/model/grader", 503)).unwrap();
    let friday = Friday {
        nodes: vec![bed.home.ready(&[]).await],
        bed,
    };
    friday.send("faults", &cases("n", 12)).await;
    let incident = friday.incident(IncidentState::Triggered).await;
    assert_eq!(incident.owner, "boris", "never nobody");
    until("the backup is told", || async {
        (friday.told("Boris Amari") == 1).then_some(())
    })
    .await;
    assert_eq!(friday.told("Sia Berg"), 0);
    friday.later(16).await;
    until("the sponsor is told", || async {
        (friday.told("Sia Berg") == 1).then_some(())
    })
    .await;
    assert_eq!(friday.told("Rhea Lind") + friday.told("Edda Moreau"), 0);
    until("the gap is an incident", || async {
        let filter = IncidentFilter {
            category: Some(Category::RotationGap),
            ..IncidentFilter::default()
        };
        let found = friday.bed.reader().incidents(&filter, None, 9).await;
        let found = found.unwrap();
        (found.len() == 1).then_some(())
    })
    .await;
    for node in friday.nodes {
        assert!(node.stop().await.success());
    }
    friday.bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_on_call_the_backup_and_then_the_sponsor_is_told() {
    each("nobody on call", |database| {
        Box::pin(nobody_on_call(database))
    })
    .await;
}
