//! Canaries in every secret the package uses: they go where they must, and nowhere else.

use std::path::Path;

use futures::StreamExt as _;
use tuesday_domain::run::Outcome;
use tuesday_stub::Profile;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, KEY_SECRET, WEBHOOK_SECRET, each};

/// Every place under `dir` that holds one of the canaries, also in part or in base64.
fn leaks(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            leaks(&path, found);
        } else if let Some(canary) = canary_in(&std::fs::read(&path).unwrap()) {
            found.push(format!("{}: {canary}", path.display()));
        }
    }
}

fn canary_in(bytes: &[u8]) -> Option<&'static str> {
    let parts = [
        KEY_SECRET,
        WEBHOOK_SECRET,
        &WEBHOOK_SECRET["whsec_".len()..],
        "canary-of-the-webhook-secret-1",
        "Y2FuYXJ5LW9mLXRoZS1kZXN0aW5hdGlvbi1rZXk",
    ];
    parts
        .into_iter()
        .find(|c| bytes.windows(c.len()).any(|w| w == c.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_where_they_belong() {
    let bed = Bed::new(None).await;
    let cases = [
        Case::new("calm", "auto"),
        Case::new("denied", "auto"),
        Case::new("asked", "review"),
    ];
    bed.accounts(&cases);
    let node = bed.home.ready(&["-vv"]).await;
    // Other systems like to quote what they were sent.
    let quote = format!("denied: Authorization Bearer {KEY_SECRET}");
    bed.world
        .script(tuesday_stub::Script {
            system: Some("desk".into()),
            path_prefix: Some("/desk/notes-denied".into()),
            status: Some(403),
            body: Some(quote.clone().into()),
            ..Default::default()
        })
        .unwrap();
    let mut told = String::new();
    let url = format!("{}/api/v1/triggers/faults", node.url);
    for signature in [
        format!("v1,{WEBHOOK_SECRET}"),
        WEBHOOK_SECRET.to_owned(),
        "v1,AAAA".to_owned(),
    ] {
        let stamp = crate::bed::now().as_second().to_string();
        let headers = [
            ("webhook-id", "one"),
            ("webhook-timestamp", stamp.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let answer = bed
            .client
            .post_bare(&url, &headers, "{}")
            .await
            .expect("an answer");
        assert_eq!(answer.status, 401, "{answer:?}");
        told.push_str(&answer.body.to_string());
    }
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    let (_, reviewer) = &bed.reviewers[2];
    until("the machine is done", || async {
        let open = bed
            .reader()
            .review_page(&tuesday_store::QueueFilter::default(), None, 10)
            .await
            .ok()?;
        (open.len() == 2 && tuesday_testkit::check::settled(&bed.reader()).await).then_some(())
    })
    .await;
    for page in ["runs", "reviews", "intake", "audit/entries"] {
        // A reviewer's token may not read everything; what it is told is looked at all the same.
        told.push_str(
            &reviewer
                .get(&format!("{}/api/v1/{page}", node.url))
                .await
                .expect("an answer")
                .body
                .to_string(),
        );
    }
    for found in tuesday_testkit::check::read_all(&bed.reader())
        .await
        .values()
    {
        for part in ["", "/story"] {
            told.push_str(
                &reviewer
                    .get(&format!("{}/api/v1/runs/{}{part}", node.url, found.run.id))
                    .await
                    .expect("an answer")
                    .body
                    .to_string(),
            );
        }
        let (_, out, err) = bed
            .home
            .run(&["audit", "export", "--run", &found.run.id.to_string()])
            .await;
        told.push_str(&out);
        told.push_str(&err);
    }
    let log = node.log();
    assert!(node.stop().await.success());
    assert!(log.len() > 200, "-vv says something: {log}");
    assert_eq!(canary_in(log.as_bytes()), None, "in the log: {log}");
    assert_eq!(canary_in(told.as_bytes()), None, "in an answer: {told}");
    let mut found = Vec::new();
    leaks(&bed.home.dir, &mut found);
    assert!(found.is_empty(), "on disk: {found:#?}");
    // The canaries did go out: otherwise this test would prove nothing.
    assert!(bed.home.env.iter().any(|(_, v)| v == KEY_SECRET));
}

/// Cases before, during and after the rotation.
const WAVE: usize = 40;
const OLD: &str = "canary-key-of-october-5b1e";
const NEW: &str = "canary-key-of-november-90cd";

/// Puts the key in place at once, as a secret manager does.
fn key(bed: &Bed, value: &str) {
    let (part, file) = (bed.home.dir.join("key.part"), bed.home.dir.join("desk.key"));
    std::fs::write(&part, format!("{value}\n")).unwrap();
    std::fs::rename(part, file).unwrap();
}

/// The desk lets these keys in and no other.
fn lets_in(bed: &Bed, keys: &[&str]) {
    let credentials = keys.iter().map(|k| format!("Bearer {k}")).collect();
    bed.world.profile(
        "desk",
        Profile {
            credentials,
            ..Profile::default()
        },
    );
}

fn wave(name: &str) -> Vec<Case> {
    let one = |n| Case::new(format!("{name}{n}"), "auto");
    (0..WAVE).map(one).collect()
}

async fn sent(bed: &Bed, url: &str, cases: &[Case]) {
    let all = futures::stream::iter(cases).map(|c| bed.send(url, c));
    let answers: Vec<_> = all.buffer_unordered(8).collect().await;
    assert!(answers.iter().all(|a| *a == Some(202)), "{answers:?}");
}

async fn written(bed: &Bed) -> usize {
    let all = read_all(&bed.reader()).await;
    let done = |f: &&tuesday_testkit::Found| f.run.state.outcome == Some(Outcome::WrittenBack);
    all.values().filter(done).count()
}

/// SEC-10: the desk takes both keys for a while, the file changes, the desk drops the old one; work goes
/// on all the time, and no run fails or tries twice.
async fn rotated(database: Option<Database>) {
    let from_file = (
        "secret = \"env:TUESDAY_FAULTS_KEY\"",
        "secret = \"file:desk.key\"",
    );
    let tickets = "read_url = \"${stub_url}/desk/tickets/{{ target }}\"\n";
    let guarded = format!(
        "{tickets}auth = {{ header = \"Authorization\", prefix = \"Bearer \", secret = \"file:desk.key\" }}\n"
    );
    let pairs = [from_file, from_file, (tickets, guarded.as_str())];
    let bed = Bed::changed(database, &pairs).await;
    key(&bed, OLD);
    lets_in(&bed, &[OLD]);
    let waves = ["before", "while", "after"].map(wave);
    waves.iter().for_each(|w| bed.accounts(w));
    let node = bed.home.ready(&[]).await;
    sent(&bed, &node.url, &waves[0]).await;
    lets_in(&bed, &[OLD, NEW]);
    let (_, ()) = tokio::join!(sent(&bed, &node.url, &waves[1]), async {
        until("work is under way", || async {
            (written(&bed).await > 0).then_some(())
        })
        .await;
        key(&bed, NEW);
    });
    until("all of the second wave is done", || async {
        (written(&bed).await == 2 * WAVE).then_some(())
    })
    .await;
    lets_in(&bed, &[NEW]);
    sent(&bed, &node.url, &waves[2]).await;
    until("everything is written", || async {
        (written(&bed).await == 3 * WAVE).then_some(())
    })
    .await;
    for (event, found) in read_all(&bed.reader()).await {
        let failed = found
            .entries
            .iter()
            .any(|e| e["kind"].as_str().is_some_and(|k| k.contains("failed")));
        assert!(!failed, "{event} did not get through at once");
    }
    let (code, out, err) = bed.home.run(&["secret", "check", "faults", "--json"]).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let said = format!("{out}{err}");
    assert!(said.contains("desk.key") && said.contains("age"), "{said}");
    assert!(!said.contains(OLD) && !said.contains(NEW), "{said}");
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_under_load_without_a_failed_run() {
    each("rotation", |database| Box::pin(rotated(database))).await;
}
