//! A correction ends with what was looked up: a confirmed write since, or the record as it reads now.
//! Anything else is the word of a person, and is told as such. One write is shown with all of it.

use serde_json::{Value, json};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Answer, Database, Found, Node};

use crate::bed::{Bed, Case, each};
use crate::crash_again::person;
use crate::undone::{account, delivered, flag, found, grade};

async fn settle(bed: &Bed, node: &Node, correction: &str, how: &Value) -> Answer {
    let address = format!("{}/api/v1/corrections/{correction}/settlement", node.url);
    person(bed, "rhea").post(&address, how).await.unwrap()
}

async fn refused(bed: &Bed, node: &Node, correction: &str, how: Value, code: &str) {
    let answer = settle(bed, node, correction, &how).await;
    assert_eq!(answer.text("code"), code, "{how}: {answer:?}");
    assert!(answer.status >= 400, "{answer:?}");
}

/// An incident with a correction for the write of each case, in their order.
async fn corrections(bed: &Bed, node: &Node, cases: &[Case]) -> (String, Vec<String>) {
    let rhea = person(bed, "rhea");
    let address = |path: &str| format!("{}/api/v1/{path}", node.url);
    let body =
        json!({"category": "wrong_answer", "workflow": "faults", "words": "seen at the desk"});
    let opened = rhea.post(&address("incidents"), &body).await.unwrap();
    let id = opened.text("id").to_owned();
    let mut places = Vec::new();
    for case in cases {
        let found = found(bed, case).await;
        places.push(
            json!({"run_id": found.run.id.to_string(), "action_id": flag(&found).id.to_string()}),
        );
    }
    let body = json!({"words": "the grade", "places": places});
    let made = rhea
        .post(&address(&format!("incidents/{id}/corrections")), &body)
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let all = made.body.as_array().unwrap();
    let ids = all.iter().map(|c| c["id"].as_str().unwrap().to_owned());
    (id, ids.collect())
}

/// The record as it reads now, and never what the wrong output had written.
async fn by_reading(bed: &Bed, node: &Node, case: &Case, correction: &str) {
    let typed = json!({"receipt": "desk 204"});
    refused(bed, node, correction, typed, "bad_request").await;
    let two = json!({"word": "done", "reason": "or not"});
    refused(bed, node, correction, two, "bad_request").await;
    let nothing = json!({"shows": {}});
    refused(bed, node, correction, nothing, "bad_request").await;
    let other = json!({"shows": {"tier": "silver"}});
    refused(bed, node, correction, other, "bad_request").await;
    let wrong = json!({"shows": {"grade": "low"}});
    refused(bed, node, correction, wrong, "not_corrected").await;
    let right = json!({"shows": {"grade": "high"}});
    refused(bed, node, correction, right.clone(), "not_corrected").await;
    account(bed, case, "high", "9");
    let done = settle(bed, node, correction, &right).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(
        (done.text("state"), done.text("proof")),
        ("done", "read_back")
    );
    let receipt = done.text("receipt");
    assert!(
        receipt.contains("grade high") && receipt.contains("version"),
        "{receipt}"
    );
    assert_eq!(grade(bed, case), "high", "reading writes nothing");
}

/// A later write of ours to the same record, with something else in it.
async fn by_action(bed: &Bed, node: &Node, cases: &[Case], correction: &str) {
    let wrong = flag(&found(bed, &cases[1]).await).id.to_string();
    let own = json!({"action_id": wrong});
    refused(bed, node, correction, own, "not_corrected").await;
    let elsewhere = flag(&found(bed, &cases[0]).await).id.to_string();
    let elsewhere = json!({"action_id": elsewhere});
    refused(bed, node, correction, elsewhere, "not_corrected").await;
    let same = written_again(bed, node, &cases[1], "same").await;
    let same = json!({"action_id": flag(&same).id.to_string()});
    refused(bed, node, correction, same, "not_corrected").await;
    bed.world.clear_answers();
    let answer = json!({"grade": "high", "summary": "nothing that matters"});
    let rule = tuesday_stub::ModelRule {
        answer: Some(answer),
        model: Some("stub-1".into()),
        ..Default::default()
    };
    bed.world.answer(rule).unwrap();
    let fixed = written_again(bed, node, &cases[1], "fixed").await;
    let fixed = flag(&fixed);
    let done = settle(
        bed,
        node,
        correction,
        &json!({"action_id": fixed.id.to_string()}),
    )
    .await;
    assert_eq!(
        (done.status, done.text("proof")),
        (200, "action"),
        "{done:?}"
    );
    assert!(done.text("receipt").contains(&fixed.key), "{done:?}");
}

/// Another run about the account of a case.
async fn written_again(bed: &Bed, node: &Node, case: &Case, id: &str) -> Found {
    let mut event = Case::new(id, "version").event();
    event["account"] = json!(case.account());
    let address = format!("{}/api/v1/triggers/faults", node.url);
    let sent = bed.client.post(&address, &event).await.unwrap();
    assert_eq!(sent.status, 202, "{sent:?}");
    bed.settle(node).await;
    read_all(&bed.reader()).await.remove(id).unwrap()
}

/// Nothing but somebody's word, in writing, with their name, and everywhere told as that.
async fn by_word(bed: &Bed, node: &Node, correction: &str) {
    let silent = json!({"word": " "});
    refused(bed, node, correction, silent, "reason_required").await;
    let done = settle(bed, node, correction, &json!({"word": "rang them up"})).await;
    assert_eq!(
        (done.status, done.text("proof"), done.text("settled_by")),
        (200, "word", "rhea"),
        "{done:?}"
    );
    assert_eq!(done.body["receipt"], Value::Null);
    assert_eq!(done.text("note"), "rang them up");
    let twice = json!({"word": "again"});
    refused(bed, node, correction, twice, "illegal_state").await;
}

/// By command and over the API: the intent, the receipt, before and after, the correction.
async fn shown(bed: &Bed, node: &Node, case: &Case, correction: &str) {
    let found = found(bed, case).await;
    let (run, action) = (found.run.id.to_string(), flag(&found).id.to_string());
    let address = format!("{}/api/v1/runs/{run}/actions/{action}", node.url);
    let over = person(bed, "rhea").get(&address).await.unwrap();
    assert_eq!(over.status, 200, "{over:?}");
    let said = bed.home.json(&["writeback", "show", &action]).await;
    for one in [&over.body, &said] {
        assert_eq!(one["state"], "confirmed", "{one}");
        assert_eq!(one["key"], json!(flag(&found).key), "{one}");
        assert_eq!(one["intent"], json!({"grade": "low"}), "{one}");
        let receipt = &one["receipt"];
        assert_eq!(receipt["before"], json!({"grade": "unset"}), "{one}");
        assert_eq!(receipt["after"], json!({"grade": "low"}), "{one}");
        assert!(receipt["version_before"].is_string() && receipt["version_after"].is_string());
        assert_eq!(receipt["external_id"], json!(case.account()), "{one}");
        assert_eq!(one["corrections"][0]["id"], json!(correction), "{one}");
        assert_eq!(one["corrections"][0]["proof"], "word", "{one}");
    }
    let (code, text, _) = bed.home.run(&["writeback", "show", &action]).await;
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("\"unset\" before") && text.contains("by word only"),
        "{text}"
    );
    let none = bed.home.run(&["writeback", "show", &run]).await;
    assert_eq!(none.0, 2, "{none:?}");
}

async fn story(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let cases = delivered(&bed, &node, &["read", "acted", "word"]).await;
    let (incident, made) = corrections(&bed, &node, &cases).await;
    Box::pin(by_reading(&bed, &node, &cases[0], &made[0])).await;
    Box::pin(by_word(&bed, &node, &made[2])).await;
    Box::pin(shown(&bed, &node, &cases[2], &made[2])).await;
    Box::pin(by_action(&bed, &node, &cases, &made[1])).await;
    let (_, told, _) = bed.home.run(&["incident", "postmortem", &incident]).await;
    assert!(told.contains("by word of rhea"), "{told}");
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_ends_with_what_was_looked_up_or_as_somebodys_word() {
    each("corrections", |database| Box::pin(story(database))).await;
}
