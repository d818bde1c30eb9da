//! EXI-02, EXI-05, EXI-06: everything leaves as plain files and comes back as an instance that tells the same
//! stories, on either database; what is damaged or partial is refused before anything is written; what
//! was erased stays erased, and no secret is in it. What is retired stays readable as pages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tuesday_engine::ops::{ExportSource, checked_export};
use tuesday_testkit::{Database, Home};

use crate::bed::{Bed, Case, KEY_SECRET, WEBHOOK_SECRET};

/// Every file of a folder, by its name inside.
pub(crate) fn files(dir: &Path, under: &str, out: &mut BTreeSet<String>) {
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

/// A manifest with its own hash beside it, as whoever makes one up would write it.
fn signed(dir: &Path, manifest: &str) {
    use sha2::{Digest as _, Sha256};
    std::fs::write(dir.join("manifest.json"), manifest).unwrap();
    let sum = hex::encode(Sha256::digest(manifest.as_bytes()));
    let line = format!("{sum}  manifest.json\n");
    std::fs::write(dir.join("manifest.sha256"), line).unwrap();
}

/// An instance with so many runs that are over, and the names of the runs.
async fn settled(database: Option<Database>, runs: usize) -> (Bed, Vec<String>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let lanes = ["auto", "review", "search", "version", "two"];
    let cases: Vec<Case> = (0..runs)
        .map(|i| Case::new(format!("r{i}"), lanes[i % lanes.len()]))
        .collect();
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    let told = bed.told.lock().unwrap().values().cloned().collect();
    (bed, told)
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
    signed(&bad, &other);
    refused(&empty, &bad, "schema").await;
    let other = manifest.replacen("tuesday-export/2", "tuesday-export/7", 1);
    signed(&bad, &other);
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

/// Why an export would not be imported; nothing when it would.
fn why_not(path: &Path) -> Option<String> {
    let checked = ExportSource::at(path).and_then(|from| checked_export(&from, None, |_| ()));
    checked.err().map(|p| {
        assert_eq!(p.code, "export_refused", "{}", p.detail);
        p.detail
    })
}

/// Every file of it, damaged and missing in turn; as one file cut off anywhere and damaged anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_any_fault_is_refused_before_anything_is_written() {
    let (bed, _) = settled(None, 3).await;
    let place = tempfile::tempdir().unwrap();
    let (dir, tar) = (place.path().join("export"), place.path().join("export.tar"));
    let home = &bed.home;
    home.json(&["export", &dir.display().to_string()]).await;
    let told = home
        .json(&["export", "--file", &tar.display().to_string()])
        .await;
    assert_eq!(told["runs"], 3, "{told}");
    assert!(!place.path().join("export.tar.part").exists());
    assert_eq!((why_not(&dir), why_not(&tar)), (None, None));

    let mut names = BTreeSet::new();
    files(&dir, "", &mut names);
    assert!(names.len() > 60, "{}", names.len());
    for name in &names {
        let path = dir.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        match bytes.len() / 2 {
            0 => bytes.push(b' '),
            middle => bytes[middle] ^= 4,
        }
        std::fs::write(&path, &bytes).unwrap();
        let why = why_not(&dir).unwrap_or_else(|| panic!("{name} was changed"));
        let named = why.contains(name.as_str()) || name.starts_with("manifest");
        assert!(named, "{name}: {why}");
        std::fs::remove_file(&path).unwrap();
        let why = why_not(&dir).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(why.contains(name.as_str()), "{name}: {why}");
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(why_not(&dir), None);

    // The form before it had no hash of the manifest; it still comes in.
    let first = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
    let first = first.replacen("tuesday-export/2", "tuesday-export/1", 1);
    std::fs::remove_file(dir.join("manifest.sha256")).unwrap();
    assert!(why_not(&dir).unwrap().contains("manifest.sha256"));
    std::fs::write(dir.join("manifest.json"), first).unwrap();
    assert_eq!(why_not(&dir), None);

    let whole = std::fs::read(&tar).unwrap();
    let bad = place.path().join("bad.tar");
    for part in 0..20 {
        let end = whole.len() * part / 20;
        std::fs::write(&bad, &whole[..end]).unwrap();
        assert!(why_not(&bad).is_some(), "cut off at {end}");
        let mut bytes = whole.clone();
        // A bit of what is in it, or of a name; what fills the last block up is neither.
        let at = (end..).find(|i| bytes[*i] != 0).unwrap();
        bytes[at] ^= 4;
        std::fs::write(&bad, &bytes).unwrap();
        assert!(why_not(&bad).is_some(), "changed at {at}");
    }
    // And the command leaves nothing behind.
    let empty = elsewhere(&bed, place.path().join("empty"), None);
    std::fs::write(&bad, &whole[..whole.len() - 2_000]).unwrap();
    refused(&empty, &bad, "cut off").await;
    refused(&empty, &place.path().join("none"), "none").await;
    let new = elsewhere(&bed, place.path().join("new"), None);
    let import = new.json(&["import", &tar.display().to_string()]).await;
    assert_eq!(
        (&import["compared"], &import["runs"]),
        (&3.into(), &3.into())
    );
}

/// A hundred and twenty runs in one file to the other database: of each the same story, line by line.
async fn many(from: Option<Database>, to: Option<Database>) {
    let (bed, _) = settled(from, 120).await;
    let place = tempfile::tempdir().unwrap();
    let tar = place.path().join("export.tar").display().to_string();
    bed.home.json(&["export", "--file", &tar]).await;
    let new = elsewhere(&bed, place.path().join("new"), to.as_ref());
    let import = new.json(&["import", &tar]).await;
    assert_eq!(import["compared"], 100, "{import}");
    assert_eq!(import["different"], Value::Array(Vec::new()));
    assert_eq!(new.json(&["audit", "verify"]).await["verified"], true);
    let told = |home: &Home, name: &str| {
        let dir = place.path().join(name);
        let home = home.clone();
        async move {
            home.json(&["export", &dir.display().to_string()]).await;
            let text = std::fs::read_to_string(dir.join("stories.jsonl")).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        }
    };
    let (old, here) = (told(&bed.home, "old").await, told(&new, "again").await);
    assert_eq!(old.len(), 120);
    for (old, here) in old.iter().zip(&here) {
        let (old, here): (Value, Value) = (
            serde_json::from_str(old).unwrap(),
            serde_json::from_str(here).unwrap(),
        );
        assert_eq!(old, here);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_many_runs_tells_the_same_stories_on_the_other_database() {
    Box::pin(many(None, Some(Database::create().await))).await;
    Box::pin(many(Some(Database::create().await), None)).await;
}

/// Every address of every page names a file of the folder; nothing is asked of anywhere else.
fn pages_lead_to_pages(dir: &Path, names: &BTreeSet<String>) -> usize {
    let mut seen = 0;
    for name in names.iter().filter(|n| n.ends_with(".html")) {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        for banned in [
            "<script",
            "<form",
            "<iframe",
            " src=",
            " style=",
            "javascript:",
        ] {
            assert!(!text.contains(banned), "{banned} in {name}");
        }
        for part in text.split("href=\"").skip(1) {
            let target = part.split('"').next().unwrap();
            if target.starts_with('#') || target.starts_with("https://") {
                continue;
            }
            let path = dir.join(name).parent().unwrap().join(target);
            assert!(path.is_file(), "{name} leads to {target}");
            seen += 1;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retired_stays_readable_as_pages() {
    let (bed, runs) = settled(None, 5).await;
    let home = &bed.home;
    let retire = [
        "workflow",
        "retire",
        "faults",
        "--reason",
        "nobody asks for it",
        "--as",
        "rhea",
    ];
    home.json(&retire).await;
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("pages");
    let told = home
        .json(&["export", "--archive", &dir.display().to_string()])
        .await;
    assert_eq!(
        (&told["runs"], &told["verified"]),
        (&5.into(), &true.into()),
        "{told}"
    );
    let mut names = BTreeSet::new();
    files(&dir, "", &mut names);
    assert_eq!(names.len() as u64, told["files"].as_u64().unwrap() + 1);
    let html = names.iter().filter(|n| n.ends_with(".html")).count();
    let links = pages_lead_to_pages(&dir, &names);
    assert!(
        html > 40 && links > 2 * html,
        "{links} links on {html} pages"
    );
    let text = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert!(text("index.html").contains("Retired"));
    for name in [
        "charter", "changes", "costs", "rules", "releases", "runbook",
    ] {
        assert!(
            names.contains(&format!("workflows/faults/{name}.html")),
            "{name}"
        );
    }
    let changes = text("workflows/faults/changes.html");
    assert!(changes.contains("nobody asks for it"), "{changes}");
    for run in &runs {
        let page = names
            .iter()
            .find(|n| n.ends_with(&format!("{run}.html")))
            .unwrap();
        let page = text(page);
        for question in ["What started it?", "Who decided?", "What did it cost?"] {
            assert!(page.contains(question), "{question} of {run}");
        }
        let story = home.json(&["reconstruct", run]).await;
        let summary = story["summary"].as_str().unwrap();
        assert!(page.contains(&summary.replace('\'', "&#39;")), "{summary}");
    }
    for secret in [KEY_SECRET, WEBHOOK_SECRET] {
        for name in &names {
            let bytes = std::fs::read(dir.join(name)).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{name}");
        }
    }
    // Its own list of hashes holds, and the log verifies from the folder alone.
    for line in text("SHA256SUMS").lines() {
        use sha2::{Digest as _, Sha256};
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = std::fs::read(dir.join(name)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&bytes)), sum, "{name}");
    }
    let bundle = dir.join("audit/log.bundle").display().to_string();
    let verified = home.json(&["audit", "verify-bundle", &bundle]).await;
    assert_eq!(verified["verified"], true);
    // Below the clearance nothing is readable that the class hides.
    let masked = place.path().join("masked");
    let cleared = ["export", "--archive", "--clearance", "public"];
    let place = masked.display().to_string();
    home.json(&[&cleared[..], &["--workflow", "faults", &place]].concat())
        .await;
    let run = format!("{}.html", runs[0]);
    let page = names.iter().find(|n| n.ends_with(&run)).unwrap();
    let (open, veiled) = (
        text(page),
        std::fs::read_to_string(masked.join(page)).unwrap(),
    );
    assert!(
        veiled.contains("masked") && !open.contains("masked"),
        "{veiled}"
    );
    // A folder that is there is not written into, and a log that does not verify is no archive.
    let again = dir.display().to_string();
    let (code, ..) = home.run(&["export", "--archive", &again]).await;
    assert_eq!(code, 2);
    let broken = dir.with_file_name("broken");
    let sql = "UPDATE audit SET leaf = CAST(replace(CAST(leaf AS TEXT), 'person', 'persom') AS BLOB) WHERE idx = \
               (SELECT min(idx) FROM audit WHERE CAST(leaf AS TEXT) LIKE '%person%')";
    crate::last_tuesday::tampered(&home.dir, sql);
    let named = broken.display().to_string();
    let (code, out, err) = home.run(&["export", "--archive", &named, "--json"]).await;
    assert!(
        code == 1 && out.contains("audit_broken"),
        "{code} {out}{err}"
    );
    assert!(!broken.exists() && !dir.with_file_name("broken.part").exists());
}
