//! Story 10: wrong answers have reached customers. From a complaint to its run, to every output of the same
//! cause, contained, put right place by place, guarded by a case; by people without an engineer's role.
//! Judged by the desk's ledger.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tuesday_domain::run::Status;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, Node, until};

use crate::bed::{Bed, Case, each};
use crate::outage::{SUMMARY, pack};
use crate::stopped::nodes;

const RIGHT: usize = 5;
const WRONG: usize = 14;

struct Desk {
    bed: Bed,
    nodes: Vec<Node>,
    owner: Client,
}

impl Desk {
    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.nodes[0].url)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.owner.get(&self.url(path)).await.unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.owner.post(&self.url(path), body).await.unwrap();
        (answer.status, answer.body)
    }

    /// A refusal, by its code.
    async fn refused(&self, path: &str, body: &Value, code: &str) -> Value {
        let (status, said) = self.post(path, body).await;
        assert!(
            status >= 400 && said["code"] == code,
            "{path}: {status} {said}"
        );
        said
    }

    /// Runs a command as the operator owner; answers exit code and all that was said.
    async fn run(&self, args: &[&str]) -> (i32, String) {
        self.run_as("rhea", args).await
    }

    async fn run_as(&self, person: &str, args: &[&str]) -> (i32, String) {
        let who = ["--as", person];
        let (code, out, err) = self.bed.home.run(&[args, &who].concat()).await;
        (code, format!("{out}{err}"))
    }

    async fn delivered(&self, prefix: &str, many: usize) {
        for i in 0..many {
            let case = Case::new(format!("{prefix}{i:02}"), "auto");
            self.bed.accounts(std::slice::from_ref(&case));
            let url = &self.nodes[i % self.nodes.len()].url;
            assert_eq!(self.bed.send(url, &case).await, Some(202));
        }
        until("all of them are written", || async {
            let all = read_all(&self.bed.reader()).await;
            let done = all.iter().filter(|(id, f)| {
                id.starts_with(prefix) && f.run.state.status == Status::Completed
            });
            (done.count() == many).then_some(())
        })
        .await;
    }

    /// The one incident of a category.
    async fn incident(&self, category: &str) -> Option<Value> {
        let found = self.get(&format!("incidents?category={category}")).await;
        let items = found["items"].as_array().unwrap();
        assert!(items.len() < 2, "{found}");
        items.first().cloned()
    }

    async fn report(&self, words: &str, record: &str) -> Value {
        let body = json!({"kind": "wrong", "words": words, "record": record, "reported_by": "customer@example.org"});
        let (status, report) = self.post("problem-reports", &body).await;
        assert_eq!(status, 201, "{report}");
        report
    }
}

/// What the desk was sent: run and record of each effect.
fn ledger(bed: &Bed, prefix: &str) -> BTreeSet<(String, String)> {
    bed.world
        .entries("desk")
        .into_iter()
        .filter(|e| e.applied)
        .map(|e| {
            (
                e.run.clone().unwrap(),
                String::from_utf8_lossy(&e.body).into_owned(),
                e.collection,
                e.record_id,
            )
        })
        .filter(|(_, body, collection, record)| {
            let record = record.as_deref().unwrap_or_default();
            body.contains(&format!("\"{prefix}"))
                || collection.contains(prefix)
                || record.starts_with(prefix)
        })
        .map(|(run, _, collection, _)| {
            let action = if collection.starts_with("notes") {
                "note"
            } else {
                "ticket"
            };
            (run, action.to_owned())
        })
        .collect()
}

async fn story(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let nodes = nodes(&bed).await;
    let owner = Client::new(&bed.home.token("admin", Some("rhea")).await);
    let desk = Desk { bed, nodes, owner };
    desk.delivered("before", RIGHT).await;
    let offset = desk
        .bed
        .reader()
        .instance()
        .await
        .unwrap()
        .unwrap()
        .clock_offset;
    desk.bed
        .store
        .set_clock(offset + 86_400_000_000)
        .await
        .unwrap();
    let changed = (crate::bed::now() + jiff::SignedDuration::from_hours(23)).to_string();
    until("the nodes have heard of the new day", || async {
        let case = Case::new(
            format!("probe{}", crate::bed::now().as_millisecond()),
            "auto",
        );
        desk.bed.accounts(std::slice::from_ref(&case));
        desk.bed.send(&desk.nodes[0].url, &case).await?;
        let all = read_all(&desk.bed.reader()).await;
        (all[&case.id].run.received_at.rfc3339() > changed).then_some(())
    })
    .await;
    until("the other node too", || async {
        let case = Case::new(
            format!("probe{}", crate::bed::now().as_millisecond()),
            "auto",
        );
        desk.bed.accounts(std::slice::from_ref(&case));
        let last = desk.nodes.len() - 1;
        desk.bed.send(&desk.nodes[last].url, &case).await?;
        let all = read_all(&desk.bed.reader()).await;
        (all[&case.id].run.received_at.rfc3339() > changed).then_some(())
    })
    .await;
    let since = now_of(&desk).await;
    desk.delivered("wrong", WRONG).await;

    Box::pin(no_page_for_a_weird_answer(&desk)).await;
    let id = Box::pin(complaint(&desk)).await;
    let rows = Box::pin(radius(&desk, &since)).await;
    Box::pin(contained(&desk)).await;
    Box::pin(put_right(&desk, &id, &rows)).await;
    Box::pin(guarded(&desk, &id, &rows)).await;
    for node in desk.nodes {
        assert!(node.stop().await.success());
    }
    desk.bed.check().await;
    desk.bed.end().await;
}

/// The instance's clock, as a run that has just come says it.
async fn now_of(desk: &Desk) -> String {
    let all = read_all(&desk.bed.reader()).await;
    let newest = all.values().map(|f| f.run.received_at).max().unwrap();
    newest.plus(std::time::Duration::from_millis(1)).rfc3339()
}

/// A strange answer without impact is a quality issue: kept, and nobody is woken.
async fn no_page_for_a_weird_answer(desk: &Desk) {
    let report = desk.report("an odd turn of phrase", "before01").await;
    let id = report["id"].as_str().unwrap();
    let sorted = desk
        .run(&[
            "incident",
            "sort",
            id,
            "nobody was misled",
            "--reach",
            "inside",
            "--reversibility",
            "easily",
            "--fixed-in",
            "prompt",
            "--without-code",
            "yes",
            "--minutes",
            "5",
        ])
        .await;
    assert_eq!(sorted.0, 0, "{}", sorted.1);
    let now = desk.get(&format!("problem-reports/{id}")).await;
    assert_eq!(now["state"], "quality_issue");
    let told = (&now["fixed_in"], &now["without_code"], &now["minutes"]);
    assert_eq!(told, (&json!("prompt"), &json!(true), &json!(5)));
    let alerts = desk.get("alerts").await;
    assert_eq!(alerts["items"], json!([]), "no page at night");
}

/// The complaint names a record; it is tied to its run, sorted by the criteria, and its owner is told.
async fn complaint(desk: &Desk) -> String {
    let report = desk.report("the renewal date is wrong", "wrong07").await;
    let id = report["id"].as_str().unwrap();
    let all = read_all(&desk.bed.reader()).await;
    assert_eq!(report["tied_by"], "record");
    assert_eq!(report["run_id"], all["wrong07"].run.id.to_string());
    let (code, said) = desk.run(&["problem", "report", ""]).await;
    assert!(code == 2 && said.contains("report_empty"), "{said}");
    let sort = [
        "incident",
        "sort",
        id,
        "customers saw it",
        "--reach",
        "customer",
        "--reversibility",
        "with_effort",
        "--count",
        "14",
    ];
    let bare = desk.run(&sort).await;
    assert!(bare.1.contains("incident_category_required"), "{}", bare.1);
    let sorted = desk
        .run(&[&sort[..], &["--category", "wrong_answer"]].concat())
        .await;
    assert_eq!(sorted.0, 0, "{}", sorted.1);
    let incident = desk.incident("wrong_answer").await.expect("an incident");
    assert_eq!(
        (&incident["severity"], &incident["owner"]),
        (&json!("critical"), &json!("rhea"))
    );
    until("its owner is told", || async {
        let told = std::fs::read_to_string(desk.bed.home.dir.join("notices.jsonl")).ok()?;
        let title = incident["title"].as_str().unwrap();
        told.lines()
            .any(|l| l.contains("Rhea Lind") && l.contains(title))
            .then_some(())
    })
    .await;
    incident["id"].as_str().unwrap().to_owned()
}

/// Every output of the cause, no more and no less than the ledger says.
async fn radius(desk: &Desk, since: &str) -> Vec<Value> {
    let empty = desk.owner.get(&desk.url("blast-radius")).await.unwrap();
    assert_eq!((empty.status, empty.code()), (422, "blast_empty"));
    let by_workflow = desk
        .owner
        .get(&desk.url("blast-radius?workflow=faults"))
        .await
        .unwrap();
    assert_eq!(
        by_workflow.code(),
        "blast_empty",
        "a workflow alone is no cause"
    );
    let query = format!("blast-radius?workflow=faults&source=crm&from={since}");
    let found = desk.get(&query).await;
    assert_eq!(
        (&found["runs"], &found["delivered"]),
        (&json!(WRONG), &json!(2 * WRONG)),
        "{found}"
    );
    let rows = found["rows"].as_array().unwrap().clone();
    let listed: BTreeSet<(String, String)> = rows
        .iter()
        .map(|r| {
            (
                r["run"].as_str().unwrap().to_owned(),
                r["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(listed, ledger(&desk.bed, "wrong"), "as the ledger says");
    rows
}

/// The operator owner narrows the workflow: from then on a person approves each case.
async fn contained(desk: &Desk) {
    let narrow = [
        "workflow",
        "restrict",
        "faults",
        "--to-stage",
        "approval_first",
        "--reason",
        "wrong dates",
    ];
    let done = desk.run(&narrow).await;
    assert_eq!(done.0, 0, "{}", done.1);
    let back = desk
        .run_as(
            "tove",
            &["release", "rollback", "faults", "--reason", "wrong dates"],
        )
        .await;
    assert!(
        back.0 != 0 && back.1.contains("illegal_state"),
        "nothing to go back to: {}",
        back.1
    );
    let before = desk.bed.effects().len();
    // The node hears of it at its next look; its picture is never older than a second.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let case = Case::new("after", "auto");
    desk.bed.accounts(std::slice::from_ref(&case));
    assert_eq!(desk.bed.send(&desk.nodes[0].url, &case).await, Some(202));
    until("a person has the next one", || async {
        let all = read_all(&desk.bed.reader()).await;
        (all["after"].run.state.status == Status::InReview).then_some(())
    })
    .await;
    assert_eq!(
        desk.bed.effects().len(),
        before,
        "nothing more goes out by itself"
    );
}

/// A correction for each place, settled by the word of a named person here; not closed before.
async fn put_right(desk: &Desk, id: &str, rows: &[Value]) {
    let places: Vec<Value> = rows
        .iter()
        .map(|r| json!({"run_id": r["run"], "action_id": r["action"]}))
        .collect();
    let body = json!({"words": "write the right date", "places": places});
    let (status, made) = desk
        .post(&format!("incidents/{id}/corrections"), &body)
        .await;
    let made = made.as_array().unwrap();
    assert_eq!((status, made.len()), (201, 2 * WRONG));
    let (_, again) = desk
        .post(&format!("incidents/{id}/corrections"), &body)
        .await;
    assert_eq!(again, json!([]), "nothing is corrected twice");
    let close =
        json!({"words": "the mapping reads the new format", "case": "evals/regression.jsonl#date"});
    let open = desk
        .refused(
            &format!("incidents/{id}/resolution"),
            &close,
            "corrections_open",
        )
        .await;
    assert_eq!(open["open"], 2 * WRONG);
    for c in made {
        let path = format!("corrections/{}/settlement", c["id"].as_str().unwrap());
        desk.refused(&path, &json!({"receipt": "desk 200"}), "bad_request")
            .await;
        desk.refused(&path, &json!({"word": " "}), "reason_required")
            .await;
        let word =
            json!({"word": format!("rewritten by hand at {}", c["place"].as_str().unwrap())});
        let (status, done) = desk.post(&path, &word).await;
        assert_eq!(
            (status, &done["state"], &done["proof"]),
            (200, &json!("done"), &json!("word")),
            "{done}"
        );
    }
}

/// A case of one of the runs guards against the next time; only then is it over.
async fn guarded(desk: &Desk, id: &str, rows: &[Value]) {
    let path = format!("incidents/{id}");
    let early = json!({"words": "too early", "fixed_in": "input", "uncaught": "nothing looked",
        "without_code": true});
    desk.refused(&format!("{path}/review"), &early, "illegal_state")
        .await;
    let bare = json!({"words": "the mapping reads the new format"});
    desk.refused(&format!("{path}/resolution"), &bare, "case_required")
        .await;
    let (run, file) = (
        rows[0]["run"].as_str().unwrap(),
        desk.bed.home.dir.join("regression.jsonl"),
    );
    let file = file.to_string_lossy().into_owned();
    let add = [
        "eval",
        "add",
        "--from-run",
        run,
        "--kind",
        "regression",
        "--expect",
        r#"{"route":"review","tier":"desk","row":"r1"}"#,
        "--to",
        &file,
    ];
    let added = desk.run(&add).await;
    assert_eq!(added.0, 0, "{}", added.1);
    let line = std::fs::read_to_string(&file).unwrap();
    let case: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(case["kind"], "regression", "with its frozen inputs: {case}");
    let name = case["name"].as_str().unwrap();
    Box::pin(the_gate_proves_it(desk, &line, name)).await;
    let close =
        json!({"words": "the mapping reads the new format", "case": "evals/golden.jsonl#none"});
    desk.refused(&format!("{path}/resolution"), &close, "unknown_case")
        .await;
    let close = json!({"words": "the mapping reads the new format", "case": case["name"]});
    let (status, done) = desk.post(&format!("{path}/resolution"), &close).await;
    assert_eq!(
        (status, &done["state"]),
        (200, &json!("resolved")),
        "{done}"
    );
    let look = json!({"words": "a date format changed without a word", "fixed_in": "input",
        "uncaught": "both orders of day and month are valid dates", "without_code": true});
    let (status, done) = desk.post(&format!("{path}/review"), &look).await;
    assert_eq!(
        (status, &done["state"]),
        (200, &json!("reviewed")),
        "{done}"
    );
}

/// The pack with the new case stops the package as it is, at that case alone, and lets the one through
/// whose input mapping was put right.
async fn the_gate_proves_it(desk: &Desk, line: &str, name: &str) {
    let fixed = (
        "lane = \"input.lane\"",
        "lane = \"'review' if 'case wrong' in input.text else input.lane\"",
    );
    for (folder, pairs, passes) in [
        ("as-it-is", SUMMARY[1..3].to_vec(), false),
        ("put-right", [&SUMMARY[1..3], &[fixed]].concat(), true),
    ] {
        let path = desk.bed.variant(folder, &pairs);
        std::fs::create_dir(path.join("evals")).unwrap();
        std::fs::write(path.join("evals/golden.jsonl"), pack()).unwrap();
        std::fs::write(path.join("evals/regression.jsonl"), line).unwrap();
        let path = path.to_string_lossy().into_owned();
        let vars: Vec<String> = desk
            .bed
            .vars()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let mut args = vec!["eval", path.as_str()];
        for var in &vars {
            args.extend(["--set", var.as_str()]);
        }
        let (code, out, err) = desk.bed.home.run(&args).await;
        assert_eq!(code == 0, passes, "{folder}: {out}{err}");
        if !passes {
            assert!(out.contains(name), "it is the new case: {out}{err}");
            continue;
        }
        args.splice(..1, ["release", "create", "--as", "tove"]);
        let (code, out, err) = desk.bed.home.run(&args).await;
        assert_eq!(code, 0, "the case is on its way: {out}{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_are_found_contained_and_put_right() {
    each("story 10", |database| Box::pin(story(database))).await;
}
