//! A model grades: what it says counts only where it was shown to agree with people in the same evaluation,
//! at the gate of a folder and at the gate of a release. Judged by reports and by what the judge was asked.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::drift::canary::CanaryState;
use tuesday_domain::record::ReleaseState;
use tuesday_stub::{ModelRule, TokenCounts};
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, each};
use crate::outage::{SUMMARY, pack};

const TONE: &str = r#"version = 7
rubric = "Would a colleague be glad to read this?"
pass = ["fine"]
fail = ["poor"]
fields = ["summary"]
agreement = 0.8
min_labels = 40
timeout = "400ms"

[model]
kind = "http"
pin = "judge-1"
url = "${stub_url}/model/judge"
"#;

fn labels(n: usize) -> String {
    let one = |i: usize| {
        let (word, said) = if i.is_multiple_of(2) {
            ("clear", "pass")
        } else {
            ("muddled", "fail")
        };
        let output = json!({"grade": "low", "summary": format!("{word} {i}")});
        json!({"output": output, "said": said, "by": "pia"}).to_string()
    };
    (0..n).map(one).collect::<Vec<_>>().join("\n")
}

/// The judge of this text, from now on.
fn judge(bed: &Bed, contains: Option<&str>, answer: &Value, delay_ms: u64) {
    bed.world
        .answer(ModelRule {
            provider: Some("judge".into()),
            contains: contains.map(Into::into),
            answer: Some(answer.clone()),
            model: Some("judge-1".into()),
            delay_ms,
            ..ModelRule::default()
        })
        .unwrap();
}

fn fine() -> Value {
    json!({"answer": "fine", "why": "reads well"})
}

fn poor() -> Value {
    json!({"answer": "poor", "why": "nobody follows it"})
}

/// As people said.
fn agreeing(bed: &Bed) {
    judge(bed, None, &fine(), 0);
    judge(bed, Some("muddled"), &poor(), 0);
}

fn write(path: &Path, labels: &str) {
    write_with(path, labels, TONE);
}

fn write_with(path: &Path, labels: &str, tone: &str) {
    let folder = path.join("evals/graders");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tone.toml"), tone).unwrap();
    std::fs::write(folder.join("tone.labels.jsonl"), labels).unwrap();
    let mut lines: Vec<Value> = pack()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    lines[0]["expect"]["grade"] = json!([{"by": "model", "grader": "tone"}]);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(path.join("evals/golden.jsonl"), lines.join("\n")).unwrap();
}

async fn ran(bed: &Bed, what: &[&str]) -> (i32, Value) {
    let vars: Vec<String> = bed.vars().iter().map(|(n, v)| format!("{n}={v}")).collect();
    let mut args = vec!["--json"];
    args.extend(what);
    for var in &vars {
        args.extend(["--set", var.as_str()]);
    }
    let (code, out, err) = bed.home.run(&args).await;
    let last = out.lines().last().or(err.lines().last());
    let last = last.unwrap_or_default();
    let said = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    (code, said)
}

fn reasons(said: &Value) -> Vec<String> {
    let all = said["reasons"].as_array().unwrap().iter();
    all.map(|r| r["reason"].as_str().unwrap().to_owned())
        .collect()
}

/// What the judge was asked is in the ledger under its release, and not as free; the log says the same.
async fn paid(bed: &Bed, release: &str) {
    let report = [
        "--json",
        "cost",
        "report",
        "--workflow",
        "summary",
        "--by",
        "release",
    ];
    let (code, out, err) = bed.home.run(&report).await;
    assert_eq!(code, 0, "{err}");
    let said: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let groups = said["groups"].as_array().unwrap();
    let own = groups.iter().find(|g| g["key"] == release).unwrap();
    let costs = &own["costs"];
    let unknown =
        costs["unpriced"]["judge-1"].as_u64().unwrap_or(0) + costs["unreported"].as_u64().unwrap();
    // Two evaluations of forty labels and one case of the pack each.
    assert!(unknown >= 82, "{said}");
    assert!(costs["by_category"]["tokens"].is_null(), "{said}");
    let volume = said["volume"].as_array().unwrap();
    let judge = volume.iter().find(|v| v["calls"].as_u64() >= Some(82));
    let judge = judge.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(judge["calls"], judge["unpriced"], "{said}");
    let (code, out, err) = bed.home.run(&["audit", "recount", "summary"]).await;
    assert_eq!(code, 0, "{out}{err}");
}

async fn story(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let path = bed.variant("graded", &SUMMARY[..3]);
    write(&path, &labels(40));
    let package = path.to_string_lossy().into_owned();
    let at = |name: &str| bed.home.dir.join(name).to_string_lossy().into_owned();
    let gate = ["gate", package.as_str()];
    agreeing(&bed);

    // Shown to agree: it counts, and every report names it.
    let (junit, html) = (at("gate.xml"), at("gate.html"));
    let (code, said) = ran(
        &bed,
        &["gate", &package, "--junit", &junit, "--html", &html],
    )
    .await;
    assert_eq!(code, 0, "{said}");
    let tone = &said["graders"][0];
    assert_eq!(
        (&tone["name"], &tone["version"], &tone["agreed"]),
        (&json!("tone"), &json!(7), &json!(40)),
        "{said}"
    );
    let hash = tone["hash"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    for file in [&junit, &html] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(hash) && text.contains("tone"), "{text}");
    }
    let eval = ["eval", &package];
    let (code, said) = ran(&bed, &eval).await;
    assert_eq!(
        (code, &said["evidence"]["graders"][0]["hash"]),
        (0, &json!(hash))
    );
    let graders = ["eval", "graders", package.as_str()];
    let (code, said) = ran(&bed, &graders).await;
    assert_eq!((code, &said["counts"]), (0, &json!(true)), "{said}");
    assert_eq!(said["graders"][0]["grader"]["kappa"], json!(1.0), "{said}");

    // It finds the answer poor, gives none that is allowed, or none in time: the case does not pass.
    let own = Some("nothing that matters");
    judge(&bed, own, &poor(), 0);
    let (code, said) = ran(&bed, &gate).await;
    assert_eq!((code, reasons(&said)), (1, vec!["always_fails".to_owned()]));
    assert!(
        said["failed"].to_string().contains("nobody follows it"),
        "{said}"
    );
    for (answer, delay, word) in [
        (json!({"answer": "perfect", "why": ""}), 0, "unusable"),
        (fine(), 1_500, "timeout"),
    ] {
        judge(&bed, own, &answer, delay);
        let (code, said) = ran(&bed, &gate).await;
        assert_eq!(code, 1, "{said}");
        assert!(reasons(&said).contains(&"case_error".to_owned()), "{said}");
        assert!(said["failed"].to_string().contains(word), "{said}");
    }
    judge(&bed, own, &fine(), 0);

    // Too few labels, or a judge that likes everything: the case passes by its word, the gate does not.
    std::fs::write(path.join("evals/graders/tone.labels.jsonl"), labels(38)).unwrap();
    let (code, said) = ran(&bed, &gate).await;
    assert_eq!(
        (code, reasons(&said)),
        (1, vec!["grader_unproven".to_owned()]),
        "{said}"
    );
    write(&path, &labels(40));
    judge(&bed, None, &fine(), 0);
    let (code, said) = ran(&bed, &gate).await;
    assert_eq!(
        (code, reasons(&said)),
        (1, vec!["grader_unproven".to_owned()]),
        "{said}"
    );
    let (code, said) = ran(&bed, &graders).await;
    assert_eq!((code, &said["graders"][0]["counts"]), (1, &json!(false)));
    assert_eq!(said["graders"][0]["grader"]["let_through"], 20, "{said}");

    // The same at the gate of a release, where the agreement is kept with the evidence.
    bed.home.install(&path, &bed.vars()).await;
    let all = bed.reader().releases("summary").await.unwrap();
    let live = all.iter().find(|r| r.state == ReleaseState::Live).unwrap();
    let id = live.id.to_string();
    let eval = ["--json", "release", "eval", &id, "--as", "tove"];
    let (code, out, err) = bed.home.run(&eval).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("grader_unproven"), "{out}{err}");
    agreeing(&bed);
    let (code, out, err) = bed.home.run(&eval).await;
    assert_eq!(code, 0, "{out}{err}");
    let said: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let kept = &said["evidence"]["graders"][0];
    assert_eq!(
        (&kept["hash"], &kept["labels"]),
        (&json!(hash), &json!(40)),
        "{said}"
    );
    assert_eq!(kept["labels_hash"].as_str().map(str::len), Some(64));
    paid(&bed, &id).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_grades_only_where_it_agrees_with_people() {
    each("model graders", story).await;
}

/// A judge that reports what it used, at two euros for a million tokens in and ten for a million out.
fn priced() -> String {
    let free = "kind = \"http\"\npin = \"judge-1\"\nurl = \"${stub_url}/model/judge\"\n";
    assert!(TONE.contains(free));
    let paid = "kind = \"openai\"\npin = \"judge-1\"\nurl = \"${stub_url}/judge/v1/chat/completions\"\n[model.price]\n\
                currency = \"EUR\"\ninput_per_million = \"2\"\noutput_per_million = \"10\"\n";
    TONE.replace(free, paid)
        .replace("timeout = \"400ms\"", "timeout = \"10s\"")
}

/// What a canary's graders ask of their model is paid: to the millionth, under its release, and the log says the
/// same. A canary case whose answer is found wanting is asked again, and each time costs.
async fn canary(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let watched = "[canary]\nevery = \"1h\"\ncases = [\"plain\"]\n\n[rollout]\n";
    let path = bed.variant(
        "watched",
        &[&SUMMARY[..3], &[("[rollout]\n", watched)]].concat(),
    );
    write_with(&path, &labels(40), &priced());
    bed.world
        .answer(ModelRule {
            provider: Some("judge".into()),
            answer: Some(poor()),
            model: Some("judge-1".into()),
            usage: Some(TokenCounts {
                input_tokens: 100,
                output_tokens: 10,
            }),
            ..ModelRule::default()
        })
        .unwrap();
    bed.home.install(&path, &bed.vars()).await;
    let releases = bed.reader().releases("summary").await.unwrap();
    let id = releases[0].id.to_string();
    let node = bed.home.ready(&[]).await;
    let tried = until("the canary was asked", || async {
        let tries = bed.reader().canary_tries("summary", 1).await.unwrap();
        tries.into_iter().find(|t| t.ended_at.is_some())
    })
    .await;
    assert_eq!(tried.state, CanaryState::Failed, "{tried:?}");
    assert!(tried.misses.contains("nobody follows it"), "{tried:?}");

    // Three times the case, each time one question of 100 tokens in and 10 out.
    let rows = bed
        .reader()
        .graded_calls(Some("summary"), None, ("2000-01-01", "2999-01-01"))
        .await
        .unwrap();
    let (graders, own): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r.grader == "tone");
    let ([row], [asked]) = (&graders[..], &own[..]) else {
        panic!("one row of the grader, one of the release itself: {rows:?}");
    };
    // The model under the canary is paid too; this one costs nothing.
    assert_eq!((asked.calls, asked.cost_micros), (3, Some(0)), "{rows:?}");
    assert_eq!(
        (row.about.as_str(), row.grader.as_str(), row.calls),
        ("canary", "tone", 3)
    );
    assert_eq!(
        (row.input_tokens, row.output_tokens, row.unreported),
        (300, 30, 0)
    );
    assert_eq!(
        (row.cost_micros, row.currency.as_deref()),
        (Some(900), Some("EUR"))
    );
    let report = ["cost", "report", "--workflow", "summary", "--by", "release"];
    let said = bed.home.json(&report).await;
    let groups = said["groups"].as_array().unwrap();
    let own = groups.iter().find(|g| g["key"] == id.as_str()).unwrap();
    assert_eq!(own["costs"]["by_category"]["tokens"]["EUR"], 900, "{said}");
    assert_eq!(said["total"]["total"]["EUR"], 900, "{said}");
    let volume = said["volume"].as_array().unwrap();
    assert!(
        volume.iter().any(|v| v["calls"] == 3 && v["unpriced"] == 0),
        "{said}"
    );
    assert!(node.stop().await.success());
    let (code, out, err) = bed.home.run(&["audit", "recount", "summary"]).await;
    assert_eq!(code, 0, "{out}{err}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graders_of_a_canary_ask_is_in_the_ledger() {
    each("graders of a canary", canary).await;
}
