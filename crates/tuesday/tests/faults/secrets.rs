//! Canaries in every secret the package uses: they go where they must, and nowhere else.

use std::path::Path;

use tuesday_testkit::until;

use crate::bed::{Bed, Case, KEY_SECRET, WEBHOOK_SECRET};

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
