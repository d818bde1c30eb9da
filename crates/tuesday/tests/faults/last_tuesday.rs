//! Story 8: the auditor asks about last Tuesday's batch. The day had 240 runs with everything that happens
//! on a day; three days later the record answers, whatever became of releases, people and records since.

use std::time::{Duration, Instant};

use jiff::civil::Weekday;
use jiff::{ToSpan as _, Zoned};
use serde_json::{Value, json};
use tuesday_domain::id::RunId;
use tuesday_domain::record::{PayloadKind, Review};
use tuesday_stub::ModelRule;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, Home, Node, until};

use crate::bed::{Bed, Case, now};

/// The next Tuesday that lies ahead for sure, at nine in Berlin.
fn tuesday() -> Zoned {
    let mut day = now().in_tz("Europe/Berlin").unwrap() + 2.days();
    while day.weekday() != Weekday::Tuesday {
        day += 1.day();
    }
    day.with()
        .hour(9)
        .minute(0)
        .second(0)
        .subsec_nanosecond(0)
        .build()
        .unwrap()
}

/// Moves the instance's clock; every node sees it within a second.
async fn at(bed: &Bed, moment: &Zoned) {
    let ahead = moment.timestamp().as_microsecond() - now().as_microsecond();
    bed.store.set_clock(ahead).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

/// The open task of an event's run.
async fn task(bed: &Bed, event: &str) -> Review {
    let run: RunId = bed.told.lock().unwrap()[event].parse().unwrap();
    until("the task is there", || async {
        let all = bed.reader().reviews_of(run).await.unwrap();
        all.into_iter().find(|r| !r.state.is_decided())
    })
    .await
}

/// Eighty events of a part of the day, to all nodes; answers when all but `open` are over.
async fn part(bed: &Bed, nodes: &[Node], name: &str, reviewed: usize, open: &[&str]) {
    let lane = |i: usize| if i < reviewed { "review" } else { "auto" };
    let cases: Vec<Case> = (0..80)
        .map(|i| Case::new(format!("{name}{i}"), lane(i)))
        .collect();
    bed.accounts(&cases);
    if !open.is_empty() {
        let old = |i: usize| json!({"id": cases[i].account(), "tier": "silver", "owner": "ann", "updated_at": "@-2400h"});
        let stale: Vec<Value> = (78..80).map(old).collect();
        bed.world
            .seed(&json!({"crm/accounts": stale}), now())
            .unwrap();
    }
    for (i, case) in cases.iter().enumerate() {
        assert_eq!(bed.send(&nodes[i % nodes.len()].url, case).await, Some(202));
    }
    for i in 0..reviewed {
        let task = task(bed, &format!("{name}{i}")).await;
        let (act, body) = if i < 3 {
            ("rejection", json!({"reason": "wrong_grade"}))
        } else {
            (
                "edit",
                json!({"output": {"grade": "high", "summary": "looked at"}, "reason": "wrong_grade"}),
            )
        };
        let url = format!("{}/api/v1/reviews/{}/{act}", nodes[0].url, task.id);
        let answer = bed.reviewers[1].1.post(&url, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }
    until("the part of the day is over", || async {
        let all = read_all(&bed.reader()).await;
        let own = all.iter().filter(|(event, _)| event.starts_with(name));
        let left = own.filter(|(_, f)| !f.run.state.status.is_terminal());
        let left: std::collections::BTreeSet<&str> = left.map(|(e, _)| e.as_str()).collect();
        (left == open.iter().copied().collect()).then_some(())
    })
    .await;
}

async fn day(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let many = if bed.database.is_some() { 2 } else { 1 };
    let morning = tuesday();
    at(&bed, &morning).await;
    let nodes = futures::future::join_all((0..many).map(|_| bed.home.ready(&[]))).await;
    let home = &bed.home;
    // One of them is asked something that the model will not answer: a person gets it, with that reason.
    let unwilling = ModelRule {
        contains: Some("case m40 of".into()),
        refusal: Some("I cannot help with that.".into()),
        model: Some("stub-1".into()),
        ..ModelRule::default()
    };
    bed.world.answer(unwilling).unwrap();
    part(&bed, &nodes, "m", 8, &["m40", "m78", "m79"]).await;
    let bad = Case {
        bad: true,
        ..Case::new("door", "auto")
    };
    assert_eq!(bed.send(&nodes[0].url, &bad).await, Some(422));
    at(&bed, &(&morning + 3.hours())).await;
    let rule = [
        "rules",
        "set",
        "faults",
        "r3.tier=gold, silver",
        "--reason",
        "only these",
        "--as",
        "rhea",
    ];
    home.json(&rule).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    part(&bed, &nodes, "n", 0, &[]).await;
    at(&bed, &(&morning + 6.hours())).await;
    let later = bed.variant("later", &[("Reads one case,", "Reads one case with care,")]);
    home.install(&later, &bed.vars()).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    part(&bed, &nodes, "p", 0, &[]).await;

    // Since then somebody left, a record is gone at its source, and a customer was erased.
    at(&bed, &(&morning + 1.day())).await;
    deleted_at_the_source(&bed, "m25").await;
    home.json(&["user", "deactivate", "quentin", "--reason", "left"])
        .await;
    let person = [
        "--name",
        "Sia Berg",
        "--email",
        "sia.berg@example.com",
        "--reason",
        "data",
    ];
    home.json(&[&["user", "invite", "sia"], &person[..]].concat())
        .await;
    home.json(&[
        "user",
        "grant",
        "sia",
        "--role",
        "security_approver",
        "--reason",
        "data",
    ])
    .await;
    let plan = home
        .json(&["erase", "plan", "--record", "AC-m20", "--as", "sia"])
        .await;
    let code = plan["code"].as_str().unwrap().to_owned();
    let said = [
        "erase",
        "apply",
        "--record",
        "AC-m20",
        "--confirm",
        &code,
        "--reason",
        "asked",
        "--policy",
        "GDPR article 17",
        "--as",
        "sia",
    ];
    assert_eq!(home.json(&said).await["runs"], 1);
    at(&bed, &(&morning + 3.days())).await;
    asks(&bed, &nodes, &morning).await;
    for node in nodes {
        assert!(node.stop().await.success());
    }
    proves(&bed, &morning).await;
    bed.end().await;
}

/// Friday: what she asks, and what the pages and commands answer.
async fn asks(bed: &Bed, nodes: &[Node], morning: &Zoned) {
    let home = &bed.home;
    let person = [
        "--name",
        "Ada Okafor",
        "--email",
        "ada.okafor@example.com",
        "--reason",
        "audits",
    ];
    home.json(&[&["user", "invite", "ada"], &person[..]].concat())
        .await;
    let grant = [
        "user",
        "grant",
        "ada",
        "--role",
        "auditor",
        "--clearance",
        "public",
        "--reason",
        "audits",
    ];
    home.json(&grant).await;
    let ada = Client::new(&home.token("read", Some("ada")).await);
    let url = &nodes[nodes.len() - 1].url;
    let date = morning.date().to_string();
    let batch = ada
        .get(&format!("{url}/api/v1/workflows/faults/batches/{date}"))
        .await
        .unwrap();
    assert_eq!(batch.status, 200, "{:?}", batch.body);
    let batch = batch.body;
    assert_eq!(batch["intake"], 240);
    let outcomes = batch["outcomes"].as_object().unwrap();
    let sum: u64 = outcomes.values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum, 240, "{batch}");
    assert_eq!(outcomes["rejected"], 3);
    assert_eq!(outcomes["written_back"], 234, "5 of them edited: {batch}");
    assert_eq!(batch["refused"], 1);
    let open = batch["open"].as_array().unwrap();
    let of = |reason: &str| open.iter().filter(|o| o["reason"] == reason).count();
    assert_eq!(
        (open.len(), of("stale_source"), of("refused")),
        (3, 2, 1),
        "the stale ones and the refused one, each with its reason and owner: {open:?}"
    );
    assert!(
        open.iter()
            .all(|o| o["owner"].is_string() && o["reason"].is_string()),
        "{open:?}"
    );
    let versions = batch["versions"].as_array().unwrap();
    let by = |release: u64| -> u64 {
        let of = versions.iter().filter(|v| v["number"] == release);
        of.map(|v| v["runs"].as_u64().unwrap()).sum()
    };
    assert_eq!(
        (by(1), by(2)),
        (160, 80),
        "before and after 15:00: {versions:?}"
    );
    let rules: std::collections::BTreeSet<u64> = versions
        .iter()
        .filter_map(|v| v["rules_version"].as_u64())
        .collect();
    assert!(rules.len() >= 2, "before and after noon: {versions:?}");
    let egress = [
        "security", "egress", "faults", "--since", &date, "--until", &date, "--json",
    ];
    let (code, left, err) = home.run(&egress).await;
    assert!(
        code == 0 && left.contains("\"system\":\"grader\""),
        "what left the tenant: {left}{err}"
    );

    // Any run answers within two seconds, the eight questions of it, masked for her, and that is kept.
    let run = bed.told.lock().unwrap()["p37"].clone();
    let started = Instant::now();
    let story = ada
        .get(&format!("{url}/api/v1/runs/{run}/story"))
        .await
        .unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    let answers = story.body["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 8);
    assert!(
        !story.body.to_string().contains("case p37 of the tests"),
        "masked"
    );
    let reader = bed.reader();
    let filter = tuesday_store::AuditFilter {
        kind: Some("access.masked".into()),
        ..Default::default()
    };
    until("her reading is itself on record", || async {
        let kept = reader.audit_page(&filter, None, 10).await.unwrap();
        (!kept.is_empty()).then_some(())
    })
    .await;
    let gone = bed.told.lock().unwrap()["m20"].clone();
    let told = ada
        .get(&format!("{url}/api/v1/runs/{gone}/story"))
        .await
        .unwrap()
        .body
        .to_string();
    assert!(
        told.contains("erased on ") && told.contains("by Sia Berg under policy GDPR article 17"),
        "{told}"
    );

    // What the model would not answer is told as that; what is gone at its source is what was read.
    let refused = bed.told.lock().unwrap()["m40"].clone();
    let told = home.json(&["reconstruct", &refused]).await.to_string();
    assert!(told.contains("I cannot help with that."), "{told}");
    still_frozen(bed, "m25").await;

    // A reviewer reads no log, and that she asked is on record; nothing has come in next Tuesday.
    let entries = bed.reviewers[0]
        .1
        .get(&format!("{url}/api/v1/audit/entries"))
        .await
        .unwrap();
    assert_eq!(entries.status, 403);
    let filter = tuesday_store::AuditFilter {
        kind: Some("access.refused".into()),
        ..Default::default()
    };
    until("her asking is on record", || async {
        let kept = reader.audit_page(&filter, None, 10).await.unwrap();
        let hers = |leaf: &[u8]| String::from_utf8_lossy(leaf).contains("person:pia");
        kept.iter().any(|e| hers(&e.leaf)).then_some(())
    })
    .await;
    let next = (morning + 7.days()).date().to_string();
    let (code, out, err) = home
        .run(&["batch", "show", "--workflow", "faults", "--day", &next])
        .await;
    assert!(code == 0 && out.contains("no runs"), "{out}{err}");
}

/// The account of a case no longer exists where it was read.
async fn deleted_at_the_source(bed: &Bed, event: &str) {
    let vars = bed.vars();
    let stub = vars.iter().find(|v| v.0 == "stub_url").unwrap().1;
    let address = format!("{stub}/crm/accounts/AC-{event}");
    let http = reqwest::Client::new();
    assert_eq!(http.get(&address).send().await.unwrap().status(), 200);
    let gone = http.delete(&address).send().await.unwrap();
    assert!(gone.status().is_success(), "{gone:?}");
    assert_eq!(http.get(&address).send().await.unwrap().status(), 404);
}

/// Its frozen inputs are as they were: a deletion elsewhere is no order here.
async fn still_frozen(bed: &Bed, event: &str) {
    let run = bed.told.lock().unwrap()[event].clone();
    let story = bed.home.json(&["reconstruct", &run]).await;
    assert_eq!(story["integrity"]["whole"], true, "{story}");
    assert_eq!(story["integrity"]["erased"], json!([]), "{story}");
    let read = story["answers"][1].to_string();
    assert!(read.contains(&format!("AC-{event}")), "{read}");
    let id: RunId = run.parse().unwrap();
    let all = bed.reader().payloads(id).await.unwrap();
    let source = all.iter().find(|p| p.kind == PayloadKind::Source).unwrap();
    assert!(String::from_utf8_lossy(&source.bytes).contains("silver"));
}

pub(crate) fn tampered(dir: &std::path::Path, sql: &str) {
    let db = rusqlite::Connection::open(dir.join("tuesday.db")).unwrap();
    db.execute_batch("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;")
        .unwrap();
    db.execute_batch(sql).unwrap();
}

/// What she takes away verifies elsewhere; what somebody changes is found.
async fn proves(bed: &Bed, morning: &Zoned) {
    let home = &bed.home;
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("tuesday.bundle").display().to_string();
    let date = morning.date().to_string();
    let export = [
        "audit",
        "export",
        "--workflow",
        "faults",
        "--from",
        &date,
        "--to",
        &date,
        "-o",
        &bundle,
    ];
    let taken = home.json(&export).await;
    let vkey = taken["vkey"].as_str().unwrap().to_owned();
    let elsewhere = Home {
        dir: place.path().to_owned(),
        database: None,
        ..home.clone()
    };
    let verified = elsewhere
        .json(&["audit", "verify-bundle", &bundle, "--vkey", &vkey])
        .await;
    assert_eq!(verified["verified"], true, "{verified}");
    assert!(verified["erased"].as_u64().unwrap() > 0, "{verified}");
    assert_eq!(home.json(&["audit", "verify"]).await["verified"], true);

    // The same record in a database that can be tampered with, whichever it came from.
    let all = place.path().join("all").display().to_string();
    home.json(&["export", &all]).await;
    for (name, sql) in [
        (
            "byte",
            "UPDATE audit SET leaf = CAST(replace(CAST(leaf AS TEXT), 'person', 'persom') AS BLOB) WHERE idx = (SELECT min(idx) FROM audit WHERE CAST(leaf AS TEXT) LIKE '%person%')",
        ),
        (
            "cut",
            "DELETE FROM audit WHERE idx > (SELECT max(idx) - 12 FROM audit)",
        ),
    ] {
        let copy = Home {
            dir: place.path().join(name),
            database: None,
            ..home.clone()
        };
        std::fs::create_dir(&copy.dir).unwrap();
        copy.json(&["import", &all]).await;
        assert_eq!(copy.json(&["audit", "verify"]).await["verified"], true);
        tampered(&copy.dir, sql);
        let (code, out, err) = copy.run(&["audit", "verify", "--json"]).await;
        assert_eq!(code, 1, "{name}: {out}{err}");
        assert!(out.contains("audit_broken"), "{name}: {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_asks_about_last_tuesday() {
    Box::pin(day(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_asks_about_last_tuesday_on_two_nodes() {
    Box::pin(day(Some(Database::create().await))).await;
}
