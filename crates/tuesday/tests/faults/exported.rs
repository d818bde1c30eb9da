//! EXI-02, EXI-05: everything leaves as plain files and comes back as an instance that tells the same
//! stories, on either database; what is damaged or partial is refused before anything is written; what
//! was erased stays erased, and no secret is in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tuesday_testkit::{Database, Home};

use crate::bed::{Bed, Case, KEY_SECRET, WEBHOOK_SECRET};

/// Every file of a folder, by its name inside.
fn files(dir: &Path, under: &str, out: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir.join(under)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let name = if under.is_empty() {
            name
        } else {
            format!("{under}/{name}")
        };
        if entry.file_type().unwrap().is_dir() {
            files(dir, &name, out);
        } else {
            out.insert(name);
        }
    }
}

fn copied(from: &Path, to: &Path) {
    let mut names = BTreeSet::new();
    files(from, "", &mut names);
    for name in names {
        let target = to.join(&name);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&name), target).unwrap();
    }
}

/// No Markdown page links to something that is not there.
fn links_lead_somewhere(dir: &Path, names: &BTreeSet<String>) {
    let mut seen = 0;
    for name in names.iter().filter(|n| n.ends_with(".md")) {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            if target.starts_with("http")
                || target.starts_with("mailto:")
                || target.starts_with('#')
            {
                continue;
            }
            let target = target.split('#').next().unwrap();
            let path = dir.join(name).parent().unwrap().join(target);
            assert!(path.exists(), "{name} links to {target}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} links were looked at");
}

/// A home of its own, with or without a database of its own.
fn elsewhere(bed: &Bed, dir: PathBuf, database: Option<&Database>) -> Home {
    std::fs::create_dir_all(&dir).unwrap();
    Home {
        dir,
        database: database.map(Database::url),
        ..bed.home.clone()
    }
}

async fn refused(home: &Home, export: &Path, why: &str) {
    let (code, out, err) = home
        .run(&["import", &export.display().to_string(), "--json"])
        .await;
    assert_eq!(code, 1, "{why}: {out}\n{err}");
    let said: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(said["error"]["code"], "export_refused", "{said}");
    let detail = said["error"]["detail"].as_str().unwrap();
    assert!(detail.contains(why), "{detail}");
    assert!(!home.dir.join("tuesday.db").exists(), "nothing was written");
    assert!(!home.dir.join("importing").exists());
}

async fn there_and_back(from: Option<Database>, to: Option<Database>) {
    let bed = Bed::new(from).await;
    let node = bed.home.ready(&[]).await;
    let lanes = ["auto", "review", "search", "version", "two"];
    let cases: Vec<Case> = (0..10)
        .map(|i| Case::new(format!("r{i}"), lanes[i % lanes.len()]))
        .collect();
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    let home = &bed.home;
    let runs: Vec<String> = bed.told.lock().unwrap().values().cloned().collect();
    assert_eq!(runs.len(), 10);

    // One of them is erased on request.
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
    let gone = bed.told.lock().unwrap()["r0"].clone();
    let plan = home
        .json(&["erase", "plan", "--run", &gone, "--as", "sia"])
        .await;
    let code = plan["code"].as_str().unwrap().to_owned();
    let apply = [
        "erase",
        "apply",
        "--run",
        &gone,
        "--confirm",
        &code,
        "--reason",
        "she asked",
        "--as",
        "sia",
    ];
    assert_eq!(home.json(&apply).await["runs"], 1);

    // A decision, and the one in its place.
    let decided = |option: &'static str, instead: Option<String>| {
        let mut args = vec![
            "decision", "new", "faults", "--as", "rhea", "--option", option,
        ];
        args.extend(["--question", "Does it go on?", "--evidence", "ten runs"]);
        args.extend([
            "--link",
            "/workflows/faults/scorecard",
            "--reason",
            "a test",
        ]);
        args.extend(["--condition", "at most 50 a day"]);
        let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        args.extend(
            instead
                .into_iter()
                .flat_map(|id| ["--supersedes".to_owned(), id]),
        );
        async move {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            home.json(&args).await
        }
    };
    let first = decided("narrow", None).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    decided("proceed", Some(first.clone())).await;

    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("export");
    let told = home.json(&["export", &dir.display().to_string()]).await;
    assert_eq!(told["runs"], 10, "{told}");
    let mut names = BTreeSet::new();
    files(&dir, "", &mut names);
    for name in [
        "README.md",
        "runs.csv",
        "decisions.csv",
        "stories.jsonl",
        "audit/log.bundle",
        "workflows/faults/runbook.md",
    ] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
    links_lead_somewhere(&dir, &names);
    let private = std::fs::read_to_string(home.dir.join("audit.key")).unwrap();
    let secrets = [KEY_SECRET, WEBHOOK_SECRET, private.trim()];
    for name in &names {
        let text = String::from_utf8_lossy(&std::fs::read(dir.join(name)).unwrap()).into_owned();
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
        if let Some(lines) = name.strip_suffix(".jsonl") {
            let bad = text
                .lines()
                .find(|l| serde_json::from_str::<Value>(l).is_err());
            assert!(bad.is_none(), "{lines}: {bad:?}");
        }
    }
    for table in ["credentials", "tokens", "sessions", "invites"] {
        assert!(!names.contains(&format!("data/{table}.jsonl")));
    }
    let bundle = dir.join("audit/log.bundle").display().to_string();
    assert_eq!(
        home.json(&["audit", "verify-bundle", &bundle]).await["verified"],
        true
    );
    // A workflow alone can be read, and not imported.
    let part = place.path().join("part");
    home.json(&[
        "export",
        &part.display().to_string(),
        "--workflow",
        "faults",
    ])
    .await;

    // Damaged, cut off, of another version: refused, and nothing is there.
    let empty = elsewhere(&bed, place.path().join("empty"), None);
    refused(&empty, &part, "the workflow faults only").await;
    let bad = place.path().join("bad");
    copied(&dir, &bad);
    let payloads = bad.join("data/payloads.jsonl");
    let mut bytes = std::fs::read(&payloads).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&payloads, &bytes).unwrap();
    refused(&empty, &bad, "payloads.jsonl is not the file").await;
    std::fs::remove_file(&payloads).unwrap();
    refused(&empty, &bad, "payloads.jsonl").await;
    std::fs::copy(dir.join("data/payloads.jsonl"), &payloads).unwrap();
    let manifest = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
    let other = manifest.replacen("\"schema\": ", "\"schema\": 9", 1);
    std::fs::write(bad.join("manifest.json"), other).unwrap();
    refused(&empty, &bad, "schema").await;
    let other = manifest.replacen("tuesday-export/1", "tuesday-export/7", 1);
    std::fs::write(bad.join("manifest.json"), other).unwrap();
    refused(&empty, &bad, "tuesday-export/7").await;
    std::fs::remove_file(bad.join("manifest.json")).unwrap();
    refused(&empty, &bad, "manifest.json").await;

    // Whole: the same stories, the same log, paused.
    let new = elsewhere(&bed, place.path().join("new"), to.as_ref());
    let import = new.json(&["import", &dir.display().to_string()]).await;
    assert_eq!(import["different"], Value::Array(Vec::new()), "{import}");
    assert_eq!(import["compared"], 10);
    assert_eq!(import["paused"], serde_json::json!(["faults"]));
    for run in &runs {
        let (old, here) = (
            home.json(&["reconstruct", run]).await,
            new.json(&["reconstruct", run]).await,
        );
        assert_eq!(old, here);
    }
    let story = new.json(&["reconstruct", &gone]).await.to_string();
    assert!(
        story.contains("by Sia Berg under policy erasure on request"),
        "{story}"
    );
    let show = ["decision", "show", first.as_str()];
    let (old, here) = (home.json(&show).await, new.json(&show).await);
    assert_eq!(old, here);
    assert_eq!(old["conditions"], serde_json::json!(["at most 50 a day"]));
    assert_eq!(
        old["links"],
        serde_json::json!(["/workflows/faults/scorecard"])
    );
    assert!(old["superseded_by"].is_string(), "{old}");
    assert_eq!(new.json(&["audit", "verify"]).await["verified"], true);
    let (code, ..) = new.run(&["import", &dir.display().to_string()]).await;
    assert_eq!(code, 2, "no instance is written over");
    let calls = bed.world.entries("model").len();
    let node = new.ready(&[]).await;
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    assert_eq!(bed.world.entries("model").len(), calls, "it starts paused");
    assert!(node.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_back_as_the_same_instance() {
    Box::pin(there_and_back(None, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_moves_to_the_other_database_and_back() {
    Box::pin(there_and_back(None, Some(Database::create().await))).await;
    Box::pin(there_and_back(Some(Database::create().await), None)).await;
}
