//! Story 5: a prompt is edited without approval, and then with it. What is changed behind the product's back
//! reaches nobody; a changed style text is another version and another release, which the gate and a second
//! person must let through and reviewers must read; what follows from it is found with its cause first.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::{DayFigures, Mix};
use tuesday_domain::record::DayRow;
use tuesday_domain::time::Zone;
use tuesday_store::DayState;
use tuesday_stub::{ModelRule, Script};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, Node, until};

use crate::bed::{Bed, Case, each, overlaid, replaced};
use crate::stopped::nodes;
use crate::storage::sqlite;

const CONDITIONS: (&str, &str) = (
    "[rollout]\n",
    r#"[[pause_rule]]
name = "compliance"
metric = "signals"
signal = "compliance_flag"
comparison = "at_least"
number = 5
over = "24h"

[rollout]
"#,
);
/// What the fourth version of the brand voice says, and how the prompt that includes it goes on.
const BOLD: &str = "Be bold.";
const SHIFTED: usize = 80;

struct Story {
    bed: Bed,
    nodes: Vec<Node>,
}

impl Story {
    /// A command as this person; answers exit code and all that was said.
    async fn run_as(&self, person: &str, args: &[&str]) -> (i32, String) {
        let who = ["--as", person];
        let (code, out, err) = self.bed.home.run(&[args, &who].concat()).await;
        (code, format!("{out}{err}"))
    }

    async fn done(&self, person: &str, args: &[&str]) -> Value {
        let (code, said) = self.run_as(person, &[args, &["--json"]].concat()).await;
        assert_eq!(code, 0, "{args:?}: {said}");
        serde_json::from_str(said.trim()).unwrap_or_else(|e| panic!("{args:?}: {e}: {said}"))
    }

    async fn refused(&self, person: &str, args: &[&str], code: i32, word: &str) {
        let (found, said) = self.run_as(person, args).await;
        assert_eq!(found, code, "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }

    /// The package with this brand voice, laid out in a folder of its own.
    fn folder(&self, name: &str) -> PathBuf {
        let to = self.bed.home.dir.join(name);
        overlaid(&to, "listing", &[CONDITIONS]);
        to
    }

    /// A package whose prompt includes version 4 and has these words behind it.
    fn bold(&self, name: &str, words: &str) -> PathBuf {
        let to = self.folder(name);
        std::fs::remove_file(to.join("texts/brand-voice.v3.md")).unwrap();
        std::fs::write(to.join("texts/brand-voice.v4.md"), format!("{BOLD}\n")).unwrap();
        let with = format!("brand-voice@4\" %}}{words} Listing");
        let pair = ("brand-voice@3\" %} Listing", with.as_str());
        replaced(&to.join("prompt.md"), &[pair]);
        to
    }

    async fn create(&self, folder: &Path) -> String {
        let path = folder.display().to_string();
        let vars = self.bed.vars();
        let sets: Vec<String> = vars.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut args = vec!["release", "create", path.as_str()];
        args.extend(sets.iter().flat_map(|s| ["--set", s.as_str()]));
        let made = self.done("tove", &args).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Lets the gate judge; answers whether it passed and the words of its reasons, as they are stored.
    async fn judged(&self, id: &str) -> (bool, Vec<String>) {
        let (_, told) = self
            .run_as("tove", &["release", "eval", id, "--json"])
            .await;
        let shown = self
            .done("tove", &["release", "show", id, "--evidence"])
            .await;
        let verdict = &shown["gate"]["verdict"];
        let passed = verdict["passed"].as_bool();
        let passed = passed.unwrap_or_else(|| panic!("{shown}: {told}"));
        assert_eq!(shown["state"], ["blocked", "passed"][usize::from(passed)]);
        let reasons = verdict["reasons"].as_array().unwrap().iter();
        let words = reasons.map(|r| r["reason"].as_str().unwrap().to_owned());
        (passed, words.collect())
    }

    async fn approve(&self, person: &str, id: &str) -> (i32, String) {
        let args = ["release", "approve", id, "--reason", "reads better"];
        self.run_as(person, &args).await
    }

    async fn not_passed(&self, id: &str) {
        let (code, said) = self.approve("boris", id).await;
        assert!(
            code != 0 && said.contains("gate_not_passed"),
            "{code}: {said}"
        );
    }

    /// Changes the database behind the product's back.
    async fn raw(&self, sql: &str) {
        match &self.bed.database {
            None => sqlite(&self.bed, sql),
            Some(db) => db.raw(sql).await,
        }
    }

    /// Replaces a text in the stored releases.
    async fn edit(&self, old: &str, new: &str) {
        let value = if self.bed.database.is_some() {
            format!("convert_to(replace(convert_from(bundle, 'UTF8'), '{old}', '{new}'), 'UTF8')")
        } else {
            format!("CAST(replace(CAST(bundle AS TEXT), '{old}', '{new}') AS BLOB)")
        };
        self.raw(&format!("UPDATE releases SET bundle = {value}"))
            .await;
    }

    fn url(&self) -> &str {
        &self.nodes[0].url
    }

    fn last(&self) -> &str {
        &self.nodes.last().unwrap().url
    }

    fn client(&self, person: &str) -> &Client {
        let mut all = self.bed.reviewers.iter();
        &all.find(|(p, _)| *p == person).unwrap().1
    }

    /// Sends a case that asks a person, and waits for its task.
    async fn asked(&self, url: &str, id: &str) -> String {
        let case = Case::new(id, "review");
        self.bed.accounts(std::slice::from_ref(&case));
        until(&format!("{id} is acknowledged"), || async {
            (self.bed.send(url, &case).await == Some(202)).then_some(())
        })
        .await;
        until(&format!("{id} asks a person"), || async {
            let found = read_all(&self.bed.reader()).await.remove(id)?;
            let task = found.reviews.into_iter().find(|r| !r.state.is_decided())?;
            Some(task.id.to_string())
        })
        .await
    }

    async fn decides(&self, person: &str, url: &str, task: &str, act: &str) -> (u16, Value) {
        let body = match act {
            "rejection" => json!({"reason": "wrong_grade"}),
            _ => json!({}),
        };
        let address = format!("{url}/api/v1/reviews/{task}/{act}");
        let answer = self.client(person).post(&address, &body).await.unwrap();
        (answer.status, answer.body)
    }

    fn prompts_with(&self, words: &str) -> usize {
        let all = self.bed.world.entries("model").into_iter();
        all.filter(|e| String::from_utf8_lossy(&e.body).contains(words))
            .count()
    }
}

/// The row in the database, then the folder on disk: neither reaches a run.
async fn behind_its_back(s: &Story) {
    let task = s.asked(s.url(), "before").await;
    assert_eq!(s.decides("pia", s.url(), &task, "approval").await.0, 200);
    s.edit("Keep its facts as they are", "Say it is free").await;
    let (code, said) = s.run_as("tove", &["release", "verify", "faults"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("release_hash_mismatch"), "{said}");
    // An answer that cannot be derived is red, and takes none of the others with it.
    let report = ["security", "report", "--json"];
    let (code, said, _) = s.bed.home.run(&report).await;
    let report: Value = serde_json::from_str(said.trim()).unwrap();
    let of = &report["workflows"][0];
    assert_eq!(code, 1, "{report}");
    let why = of["finding"].as_str().unwrap_or_default();
    assert!(why.contains("cannot be read"), "{of}");
    assert!(report["trail"]["entries"].as_u64().unwrap() > 0);
    for url in [s.url(), s.last()] {
        until("the node refuses to run with it", || async {
            let id = format!("not-{}", crate::bed::now().as_microsecond());
            let case = Case::new(id.as_str(), "review");
            s.bed.accounts(std::slice::from_ref(&case));
            if s.bed.send(url, &case).await? >= 400 {
                return Some(());
            }
            // One after the other, each decided: what stays open would be no mix to judge.
            let task = until("a person has it", || async {
                let found = read_all(&s.bed.reader()).await.remove(&id)?;
                found.reviews.first().map(|r| r.id.to_string())
            });
            let _ = s.decides("pia", url, &task.await, "approval").await;
            None
        })
        .await;
    }
    let found = until("an incident names it", || async {
        let (_, out, _) = s.bed.home.run(&["incident", "list", "--json"]).await;
        let line = out.lines().find(|l| l.contains("release_fault"))?;
        let row: Value = serde_json::from_str(line).ok()?;
        let id = row["id"].as_str()?.to_owned();
        let (_, out, _) = s.bed.home.run(&["incident", "show", &id, "--json"]).await;
        Some(out)
    })
    .await;
    for words in ["the text of release 1 was changed", "approved was"] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert_eq!(
        s.prompts_with("Say it is free"),
        0,
        "nothing was asked with it"
    );
    s.edit("Say it is free", "Keep its facts as they are").await;
    s.done("tove", &["release", "verify", "faults"]).await;

    let installed = s.bed.home.dir.join("changed/prompt.md");
    replaced(&installed, &[("Keep its facts", "Say it is free")]);
    let task = s.asked(s.last(), "disk").await;
    assert_eq!(s.decides("pia", s.last(), &task, "approval").await.0, 200);
    assert_eq!(s.prompts_with("Say it is free"), 0, "a file is no release");
}

/// What cannot become a release at all, with file and line.
async fn not_a_release(s: &Story) {
    let check = async |folder: &Path, words: &[&str]| {
        let path = folder.display().to_string();
        let (code, said) = s.run_as("tove", &["check", &path]).await;
        assert_eq!(code, 1, "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    };
    for (name, version, code) in [
        ("latest", "latest", "floating_text"),
        ("none", "5", "text_missing"),
    ] {
        let to = s.folder(name);
        let with = format!("brand-voice@{version}");
        replaced(&to.join("prompt.md"), &[("brand-voice@3", &with)]);
        check(&to, &["prompt.md:4: error", code]).await;
    }
    let loose = s.folder("loose");
    std::fs::write(loose.join("texts/tone.md"), "Be brief.\n").unwrap();
    check(&loose, &["texts/tone.md: error", "unversioned_text"]).await;
    let rule = s.folder("rule");
    let voice = rule.join("texts/brand-voice.v3.md");
    std::fs::write(voice, "Be warm.\nNothing over $500 is cheap.\n").unwrap();
    check(
        &rule,
        &[
            "texts/brand-voice.v3.md:2: error",
            "business_rule_in_prompt",
        ],
    )
    .await;
    let tier = s.folder("tier");
    replaced(
        &tier.join("prompt.md"),
        &[("Keep its", "Flatter gold customers. Keep its")],
    );
    check(&tier, &["prompt.md:1: error", "business_rule_in_prompt"]).await;
    // The same version with other words: only the releases there were can tell.
    let same = s.folder("same");
    std::fs::write(same.join("texts/brand-voice.v3.md"), "Be loud.\n").unwrap();
    let path = same.display().to_string();
    s.refused(
        "tove",
        &["release", "create", &path],
        1,
        "brand-voice v3 is another text than in release 1",
    )
    .await;
}

/// The proper path, with everything in its way that must be; answers the id of the release that goes live.
async fn proper_path(s: &Story) -> String {
    let r2 = s.create(&s.bold("second", "")).await;
    s.not_passed(&r2).await;
    // The runner dies: what is unfinished never passes, and the next one goes on.
    let slow = Script {
        system: Some("model".into()),
        delay_ms: 30_000,
        times: 1,
        ..Script::default()
    };
    s.bed.world.script(slow).unwrap();
    let evaluating = until("it is being evaluated", || async {
        let shown = s.done("tove", &["release", "show", &r2]).await;
        (shown["state"] == "evaluating").then_some(())
    });
    // Dropping the command kills its process.
    let args = ["release", "eval", &r2];
    tokio::select! {
        () = evaluating => {}
        early = s.run_as("tove", &args) => panic!("{early:?}"),
    }
    s.not_passed(&r2).await;
    s.bed.world.clear_scripts();
    let (passed, reasons) = s.judged(&r2).await;
    assert!(
        !passed && reasons.contains(&"regression_broken".to_owned()),
        "{reasons:?}"
    );
    s.not_passed(&r2).await;

    let empty = s.bold("empty", " Keep warranties word for word.");
    std::fs::remove_dir_all(empty.join("evals")).unwrap();
    let (passed, reasons) = s.judged(&s.create(&empty).await).await;
    assert!(
        !passed && reasons.contains(&"pack_empty".to_owned()),
        "{reasons:?}"
    );

    let r4 = s
        .create(&s.bold("fourth", " Keep warranties word for word."))
        .await;
    assert_eq!(s.judged(&r4).await, (true, Vec::new()));
    s.raw(
        "DELETE FROM release_gates WHERE release_id = (SELECT id FROM releases WHERE number = 4)",
    )
    .await;
    s.not_passed(&r4).await;
    assert_eq!(s.judged(&r4).await, (true, Vec::new()));
    // A passing result, but of another release.
    let other = s
        .create(&s.bold("fifth", " Keep warranties as they are."))
        .await;
    s.raw("UPDATE releases SET state = 'passed' WHERE number = 5")
        .await;
    s.raw(
        "INSERT INTO release_gates (release_id, repeats, started_at, started_by, finished_at, judged, judged_hash) \
         SELECT (SELECT id FROM releases WHERE number = 5), repeats, started_at, started_by, finished_at, judged, \
         judged_hash FROM release_gates WHERE release_id = (SELECT id FROM releases WHERE number = 4)",
    )
    .await;
    s.not_passed(&other).await;

    let (code, said) = s.approve("tove", &r4).await;
    assert!(
        code != 0 && said.contains("same_person_twice"),
        "{code}: {said}"
    );
    let (code, said) = s.approve("boris", &r4).await;
    assert_eq!(code, 0, "{said}");
    r4
}

/// Everybody hears of it, and nobody decides before they have read it.
async fn read_first(s: &Story, r4: &str) {
    let before = s.asked(s.last(), "open-when-it-changed").await;
    s.done("tove", &["release", "promote", r4]).await;
    for person in ["pia", "quentin", "rhea", "boris"] {
        let told = s.bed.reader().notices_of(person, 50).await.unwrap();
        let told = told.iter().find(|n| n.kind == "release_live");
        let title = &told
            .unwrap_or_else(|| panic!("{person} was not told"))
            .title;
        assert!(title.contains("style text brand-voice v3→v4"), "{title}");
    }
    // Every node knows it before it runs with it.
    let first = until("a run of the new release asks", || async {
        let task = s
            .asked(
                s.last(),
                &format!("new-{}", crate::bed::now().as_microsecond()),
            )
            .await;
        let shown = s.bed.home.json(&["review", "show", &task]).await;
        (shown["release"] == r4).then_some((task, shown))
    })
    .await;
    let (task, shown) = first;
    assert_eq!(shown["new_release"]["number"], 4, "{shown}");
    assert_eq!(
        shown["new_release"]["changed"],
        "style text brand-voice v3→v4, prompt"
    );
    for (task, act) in [(&task, "approval"), (&before, "rejection")] {
        for url in [s.url(), s.last()] {
            let (status, said) = s.decides("pia", url, task, act).await;
            assert_eq!(
                (status, &said["code"]),
                (428, &json!("acknowledge_first")),
                "{said}"
            );
            assert_eq!(said["release"], 4);
        }
    }
    let address = format!(
        "{}/api/v1/workflows/faults/releases/acknowledgement",
        s.url()
    );
    for (number, status) in [(1, 409), (4, 200)] {
        let body = json!({"number": number});
        let answer = s.client("pia").post(&address, &body).await.unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(s.decides("pia", s.last(), &task, "approval").await.0, 200);
    let (status, _) = s.decides("quentin", s.last(), &before, "rejection").await;
    assert_eq!(status, 428, "one person's word is not another's");
    s.done("quentin", &["release", "acknowledge", "faults", "4"])
        .await;
    assert_eq!(
        s.decides("quentin", s.last(), &before, "rejection").await.0,
        200
    );
    // Who agreed to it knows it.
    let task = s.asked(s.url(), "boris").await;
    assert_eq!(s.decides("boris", s.url(), &task, "approval").await.0, 200);
}

/// Four weeks in which the old release was nearly always approved.
async fn history(s: &Story) {
    let reader = s.bed.reader();
    let release = reader
        .workflow("faults")
        .await
        .unwrap()
        .unwrap()
        .live_release;
    let instance = reader.instance().await.unwrap().unwrap();
    let now = tuesday_engine::Clock::offset(instance.clock_offset).now();
    let today = Day::parse(&Zone::named("Europe/Berlin").unwrap().day(now)).unwrap();
    for back in 1..=28 {
        let day = today.plus(-back).to_string();
        let mix = Mix {
            runs: 100,
            open: 0,
            outcomes: [("approved", 95), ("rejected", 5)]
                .map(|(k, n)| (k.to_owned(), n))
                .into(),
            landings: [("row r1".to_owned(), 100)].into(),
            people: [("pia".to_owned(), 50), ("quentin".to_owned(), 50)].into(),
        };
        let figures = DayFigures {
            runs: 100,
            mix: [("day".to_owned(), mix)].into(),
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
        s.bed.store.put_day(&state).await.unwrap();
    }
    let (from, to) = (today.plus(-14).to_string(), today.plus(-1).to_string());
    let args = [
        "drift",
        "baseline",
        "faults",
        "--from",
        &from,
        "--to",
        &to,
        "--reason",
        "as it was",
    ];
    let (code, said) = s.run_as("rhea", &args).await;
    assert_eq!(code, 0, "{said}");
}

/// The tone shifts: people reject, customers complain, it stops, and the cause stands first.
async fn found(s: &Story) {
    // What the probes left open: a shift with many open runs is not judged.
    s.bed.approve_all(s.url()).await;
    for i in 0..SHIFTED {
        let task = s.asked(s.url(), &format!("bold-{i}")).await;
        let person = ["pia", "quentin"][i % 2];
        let (status, said) = s.decides(person, s.last(), &task, "rejection").await;
        assert_eq!(status, 200, "{said}");
    }
    for i in 0..5 {
        let address = format!("{}/api/v1/workflows/faults/signals", s.url());
        let body = json!({"kind": "compliance_flag", "record": format!("bold-{i}"), "wrong": true});
        assert_eq!(
            s.client("pia").post(&address, &body).await.unwrap().status,
            200
        );
    }
    let paused = until("it is paused", || async {
        let shown = s.bed.home.json(&["workflow", "show", "faults"]).await;
        (shown["switch"] == "paused").then_some(shown)
    })
    .await;
    assert_eq!(
        paused["switch_reason"],
        "pause rule compliance: signals 5, limit at least 5"
    );
    let finding = until("the drift is found", || async {
        let (_, out, _) = s.bed.home.run(&["drift", "show", "faults", "--json"]).await;
        let shown: Value = serde_json::from_str(out.trim()).ok()?;
        shown["findings"].as_array()?.first().cloned()
    })
    .await;
    let first = finding["changes"][0]["words"].as_str().unwrap();
    assert!(
        first.starts_with("style text brand-voice v3→v4, prompt, release 1 → 4"),
        "{finding}"
    );
}

/// Back to what was, in one act: nobody has to read what they know, and everybody hears of it.
async fn back(s: &Story) {
    let rolled = ["release", "rollback", "faults", "--reason", "the tone"];
    let row = s.done("tove", &rolled).await;
    assert_eq!(row["number"], 1, "{row}");
    for person in ["pia", "rhea"] {
        let told = s.bed.reader().notices_of(person, 50).await.unwrap();
        assert!(told.iter().any(|n| n.kind == "release_rolled_back"));
    }
    // Looking back, records point to governance first: the text passed its gate and still surprised people.
    let asks = [
        "postmortem",
        "open",
        "faults",
        "--reason",
        "the tone had shifted",
    ];
    s.done("rhea", &asks).await;
    let asked = s.bed.home.json(&["postmortem", "show", "faults"]).await;
    let first = &asked["offered"][0];
    assert_eq!(first["root"], "governance", "{asked}");
    let because = first["because"].as_str().unwrap();
    assert!(
        because.starts_with("style text brand-voice v3→v4"),
        "{because}"
    );
    // The flags are still of today: somebody decides that their cause is gone.
    let owner = Client::new(&s.bed.home.token("admin", Some("rhea")).await);
    let decision = json!({"decision": "proceed", "question": "Does it go on?",
        "evidence": "the old voice is back", "links": ["/workflows/faults/drift"], "reason": "a test"});
    for (act, body) in [
        ("decisions", decision),
        ("resume", json!({"reason": "a test"})),
    ] {
        let address = format!("{}/api/v1/workflows/faults/{act}", s.url());
        let answer = owner.post(&address, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let asked = s.prompts_with(BOLD);
    let task = s.asked(s.last(), "again").await;
    assert_eq!(s.prompts_with(BOLD), asked, "the old voice speaks");
    let shown = s.bed.home.json(&["review", "show", &task]).await;
    assert!(shown["new_release"].is_null(), "{shown}");
    assert_eq!(s.decides("rhea", s.url(), &task, "approval").await.0, 200);
}

async fn story(database: Option<Database>) {
    let bed = Bed::over(database, "listing", &[CONDITIONS]).await;
    let breaks = ModelRule {
        // Version 4 without the words that the corrected prompt has, on the case of the regression.
        contains: Some(format!("{BOLD} Listing W1 ")),
        answer: Some(json!({"grade": "high", "summary": "warranty for ever"})),
        model: Some("stub-1".into()),
        ..ModelRule::default()
    };
    let refuses = ModelRule {
        contains: Some("must not be sold".to_owned()),
        refusal: Some("I cannot help with that.".to_owned()),
        model: Some("stub-1".into()),
        ..ModelRule::default()
    };
    let unsure = ModelRule {
        contains: Some("Listing unclear".to_owned()),
        answer: Some(json!({"grade": "unsure", "summary": "it says too little"})),
        model: Some("stub-1".into()),
        ..ModelRule::default()
    };
    for rule in [breaks, refuses, unsure] {
        bed.world.answer(rule).unwrap();
    }
    let grant = [
        "user",
        "grant",
        "boris",
        "--role",
        "release_approver",
        "--workflow",
        "faults",
    ];
    let why = ["--reason", "approves releases"];
    let (code, out, err) = bed.home.run(&[&grant[..], &why].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    let nodes = nodes(&bed).await;
    let s = Story { bed, nodes };
    history(&s).await;
    Box::pin(behind_its_back(&s)).await;
    Box::pin(not_a_release(&s)).await;
    let r4 = Box::pin(proper_path(&s)).await;
    Box::pin(read_first(&s, &r4)).await;
    Box::pin(found(&s)).await;
    Box::pin(back(&s)).await;
    for node in s.nodes {
        assert!(node.stop().await.success());
    }
    s.bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_text_reaches_nobody_unapproved() {
    each("story 5", |database| Box::pin(story(database))).await;
}
