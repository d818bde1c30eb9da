//! The models that need no network: training, answers, and errors that name their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::port::{FaultKind, Model};

use crate::support::{ask, models, request, spec, verdict};

fn trained_spec(extra: Value) -> ModelSpec {
    let mut all = json!({"examples": "examples.jsonl", "label_field": "label", "features": {"text": ["text"], "category": ["crm.tier"]},
        "confidence": {"source": "classifier"}, "fill": {"reply": "About {{ label }}: {{ input.text }}", "twice": "input.n * 2"}});
    for (key, value) in extra.as_object().unwrap() {
        all[key] = value.clone();
    }
    spec("classifier", "", all)
}

fn files(extra: &str) -> BTreeMap<String, String> {
    let mut text = String::new();
    for n in 0..12 {
        text += &format!(
            "{}\n",
            json!({"input": {"text": format!("it broke again {n}")}, "crm": {"tier": "gold"}, "output": "fault"})
        );
        text += &format!(
            "{}\n",
            json!({"input": {"text": format!("please send the invoice {n}")}, "crm": {"tier": "basic"}, "output": {"label": "billing"}})
        );
    }
    BTreeMap::from([("examples.jsonl".to_owned(), text + extra)])
}

#[tokio::test]
async fn a_classifier_is_trained_loaded_and_asked() {
    let spec = trained_spec(json!({}));
    let compiled = models().compile(&spec, &files("")).unwrap().unwrap();
    assert_eq!(
        compiled.artifact,
        models()
            .compile(&spec, &files(""))
            .unwrap()
            .unwrap()
            .artifact
    );
    assert_eq!(compiled.report["rows"], json!(24));
    let mut asked = request(spec);
    asked.artifact = Arc::new(compiled.artifact);
    asked.artifact_id = [7; 32];
    let got = ask(&asked).await.unwrap();
    assert_eq!(
        got.text,
        "{\"label\":\"fault\",\"reply\":\"About fault: it broke\",\"twice\":6}"
    );
    let confidence = got.confidence.unwrap();
    assert!(confidence > 0.5 && confidence <= 1.0);
    let extra = got.extra.unwrap();
    assert_eq!(extra["top"][0][0], json!("fault"));
    assert!(extra["in_scope"].is_number() && extra["evidence"].is_array());

    asked.spec = Arc::new(trained_spec(json!({"confidence": {"source": "none"}})));
    assert_eq!(ask(&asked).await.unwrap().confidence, None);
    asked.artifact = Arc::new(b"damaged".to_vec());
    assert_eq!(
        verdict(&ask(&asked).await),
        (FaultKind::Permanent, "classifier_unreadable")
    );
}

#[test]
fn training_errors_name_file_line_and_key() {
    let compile = |spec: &ModelSpec, files: &BTreeMap<String, String>| {
        models().compile(spec, files).unwrap_err()
    };
    for (line, wanted) in [
        (
            "{\"input\": {\"text\": \"x\"}}",
            "examples.jsonl:25: `output` is missing",
        ),
        (
            "{\"output\": \"a\"}",
            "examples.jsonl:25: `input` is missing or not an object",
        ),
        (
            "{\"input\": {}, \"output\": 3}",
            "examples.jsonl:25: `output` is neither a label nor an object with `label`",
        ),
        (
            "{\"input\": {}, \"output\": {\"x\": 1}}",
            "examples.jsonl:25: output.label is missing",
        ),
    ] {
        assert_eq!(compile(&trained_spec(json!({})), &files(line)), wanted);
    }
    assert!(
        compile(
            &trained_spec(json!({})),
            &files("\n{\"input\": {}, \"input\": {}}")
        )
        .starts_with("examples.jsonl:26: ")
    );
    let unknown = trained_spec(json!({"features": {"text": ["subject"]}}));
    assert_eq!(
        compile(&unknown, &files("")),
        "model.features: no example in examples.jsonl has the field `subject`"
    );
    assert!(compile(&trained_spec(json!({})), &BTreeMap::new()).contains("not in the package"));
    assert!(
        compile(&trained_spec(json!({"fill": {"x": "1 +"}})), &files(""))
            .starts_with("model.fill.x: ")
    );
    assert!(
        compile(&trained_spec(json!({"label_field": null})), &files(""))
            .starts_with("model.label_field: ")
    );
}

#[tokio::test]
async fn a_template_drafts_the_same_each_time() {
    let draft = |fill: Value| request(spec("template", "", json!({"fill": fill})));
    let asked = draft(
        json!({"tier": "crm.tier", "note": "{{ input.n }} × {{ input.text }}", "vip": "crm.tier == 'gold'"}),
    );
    let got = ask(&asked).await.unwrap();
    assert_eq!(
        got.text,
        "{\"note\":\"3 × it broke\",\"tier\":\"gold\",\"vip\":true}"
    );
    assert_eq!(ask(&asked).await.unwrap().request_hash, got.request_hash);
    assert_eq!(got.confidence, None);
    for (fill, code) in [
        (json!({}), "misconfigured"),
        (json!({"a": "{{ input.absent }}"}), "fill_failed"),
        (json!({"a": "1 +"}), "fill_failed"),
    ] {
        assert_eq!(
            verdict(&ask(&draft(fill)).await),
            (FaultKind::Permanent, code)
        );
    }
}
