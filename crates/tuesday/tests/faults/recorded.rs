//! Answers that were recorded: a pack is tried with them where no provider can be reached, every report
//! says so, and no gate takes them for answers that were asked for.

use serde_json::Value;
use tuesday_testkit::Database;

use crate::bed::{Bed, each};
use crate::outage::{SUMMARY, pack};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

async fn ran(bed: &Bed, what: &[&str], url: Option<&str>) -> (i32, Value) {
    let vars = bed.vars().into_iter().map(|(name, value)| {
        let value = url.filter(|_| name == "stub_url").unwrap_or(value);
        format!("{name}={value}")
    });
    let vars: Vec<String> = vars.collect();
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

fn words(said: &Value) -> String {
    said["reasons"].to_string()
}

async fn story(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let path = bed.variant("taped", &SUMMARY[1..3]);
    std::fs::create_dir(path.join("evals")).unwrap();
    std::fs::write(path.join("evals/golden.jsonl"), pack()).unwrap();
    let package = path.to_string_lossy().into_owned();
    let tape = bed.home.dir.join("answers.jsonl");
    let tape = tape.to_string_lossy().into_owned();

    let (code, said) = ran(&bed, &["eval", &package, "--record", &tape], None).await;
    assert_eq!(
        (code, &said["evidence"]["mode"]),
        (0, &"live".into()),
        "{said}"
    );
    let lines = std::fs::read_to_string(&tape).unwrap();
    assert!(lines.lines().count() > 5, "{lines}");
    assert!(!lines.contains("AC-1"), "no facts are kept: {lines}");

    // Nobody can be asked: without the answers nothing passes, with them it does, and says so.
    let (code, said) = ran(&bed, &["eval", &package], Some(NOWHERE)).await;
    assert_eq!(code, 1, "{said}");
    let offline = ["eval", &package, "--recorded", &tape];
    let (code, said) = ran(&bed, &offline, Some(NOWHERE)).await;
    assert_eq!(
        (code, &said["evidence"]["mode"]),
        (0, &"recorded".into()),
        "{said}"
    );
    assert!(said["warnings"].to_string().contains("recorded"), "{said}");
    let gate = ["gate", &package, "--recorded", &tape];
    let (code, said) = ran(&bed, &gate, Some(NOWHERE)).await;
    assert_eq!((code, &said["mode"]), (1, &"recorded".into()), "{said}");
    assert_eq!(said["reasons"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["reasons"][0]["reason"], "recorded", "{said}");

    // Another prompt was never answered, and a case asked twice was answered once: errors, not passes.
    let twice = ["eval", &package, "--recorded", &tape, "--repeat", "2"];
    let (code, said) = ran(&bed, &twice, Some(NOWHERE)).await;
    assert!(code == 1 && words(&said).contains("case_error"), "{said}");
    let prompt = path.join("prompt.md");
    let text = std::fs::read_to_string(&prompt).unwrap();
    std::fs::write(&prompt, format!("{text}\nBe brief.\n")).unwrap();
    let (code, said) = ran(&bed, &offline, Some(NOWHERE)).await;
    assert!(code == 1 && words(&said).contains("case_error"), "{said}");
    assert!(said.to_string().contains("not_recorded"), "{said}");
    // A cache asks a model without chance once for each request, and only then.
    let cache = bed
        .home
        .dir
        .join("cache.jsonl")
        .to_string_lossy()
        .into_owned();
    let cached = ["eval", &package, "--cache", &cache];
    let toml = path.join("workflow.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    for (pinned, served) in [("", false), ("temperature_milli = 0\n", true)] {
        let set = text.replacen(
            "pin = \"stub-1\"\n",
            &format!("pin = \"stub-1\"\n{pinned}"),
            1,
        );
        std::fs::write(&toml, set).unwrap();
        let (code, said) = ran(&bed, &cached, None).await;
        assert_eq!((code, &said["cached"]), (0, &false.into()), "{said}");
        let (code, said) = ran(&bed, &cached, Some(NOWHERE)).await;
        assert_eq!(
            (code == 0, &said["cached"]),
            (served, &served.into()),
            "{said}"
        );
    }
    let (code, said) = ran(&bed, &["eval", &package, "--recorded", &package], None).await;
    assert_eq!(
        (code, &said["error"]["code"]),
        (2, &"bad_request".into()),
        "{said}"
    );
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_try_a_pack_offline_and_pass_no_gate() {
    each("recorded answers", story).await;
}
