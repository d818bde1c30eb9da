//! Tests of the classifier as a whole, on records made up here.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use serde_json::{Value, json};

use super::*;

fn spec() -> TrainSpec {
    let features = FeatureSpec {
        text: vec!["text".into()],
        category: vec!["tier".into()],
        ..FeatureSpec::default()
    };
    TrainSpec {
        features,
        columns: 4096,
        // A declared penalty and few folds: without optimisation the search would take most of a minute.
        l2: 0.2,
        folds: 3,
        ..TrainSpec::default()
    }
}

/// Requests of three kinds, put together from parts so that no two are equal.
fn rows() -> Vec<Example> {
    let kinds = [
        (
            "card",
            [
                "my card is late",
                "where is the card",
                "the card never arrived",
                "card still in the post",
            ],
        ),
        (
            "refund",
            [
                "i want my money back",
                "please refund this",
                "the refund is missing",
                "send the money back",
            ],
        ),
        (
            "login",
            [
                "i cannot sign in",
                "password does not work",
                "the app rejects my password",
                "sign in fails",
            ],
        ),
    ];
    let starts = [
        "hello",
        "good morning",
        "dear team",
        "hi there",
        "urgent",
        "again",
    ];
    let ends = [
        "thanks",
        "regards anna",
        "since monday",
        "for two weeks now",
        "what now",
    ];
    let mut rows = Vec::new();
    for (label, middles) in kinds {
        for middle in middles {
            for start in starts {
                for end in ends {
                    let fields = json!({"text": format!("{start} {middle} {end}"), "tier": "gold"});
                    rows.push(Example {
                        fields,
                        label: label.into(),
                    });
                }
            }
        }
    }
    rows
}

#[test]
fn it_learns_says_why_and_knows_what_is_foreign() {
    let trained = train(&spec(), &rows()).unwrap();
    let classifier = Classifier::load(&trained.artifact).unwrap();
    assert_eq!(classifier.labels(), ["card", "login", "refund"]);
    assert_eq!(classifier.report(), &trained.report);
    let known = classifier.predict(&json!({"text": "Hello, the card is late", "tier": "gold"}));
    assert_eq!(known.label, "card");
    assert!(known.confidence > 0.8, "{known:?}");
    assert!((known.top.iter().map(|top| top.1).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(known.evidence[0].0.contains("card"), "{known:?}");
    let foreign = classifier.predict(&json!({"text": "zebra quartz jukebox", "tier": "gold"}));
    assert!(
        foreign.in_scope < known.in_scope && foreign.in_scope < 0.05,
        "{foreign:?}"
    );
    assert!(foreign.confidence < known.confidence);
}

#[test]
fn the_same_examples_in_any_order_give_the_same_bytes() {
    let mut turned = rows();
    turned.reverse();
    let (one, two) = (
        train(&spec(), &rows()).unwrap(),
        train(&spec(), &turned).unwrap(),
    );
    assert!(one.artifact == two.artifact);
    let other = train(&TrainSpec { seed: 2, ..spec() }, &rows()).unwrap();
    assert!(one.artifact != other.artifact);
}

#[test]
fn a_penalty_is_picked_only_when_none_is_declared() {
    let few: Vec<Example> = rows().into_iter().step_by(15).collect();
    let used = |l2: f64| train(&TrainSpec { l2, ..spec() }, &few).unwrap().report.l2;
    assert!((used(0.7) - 0.7).abs() < 1e-12);
    let picked = used(0.0);
    assert!(picked > 0.0 && (picked - 0.7).abs() > 0.1, "{picked}");
}

#[test]
fn a_missing_or_odd_field_is_answered() {
    let trained = train(&spec(), &rows()).unwrap();
    let classifier = Classifier::load(&trained.artifact).unwrap();
    let sure = classifier
        .predict(&json!({"text": "the refund is missing", "tier": "gold"}))
        .confidence;
    for odd in [
        json!({}),
        json!({"text": null}),
        json!({"text": {"a": 1}, "tier": 7}),
        Value::Null,
        json!([1]),
    ] {
        let answer = classifier.predict(&odd);
        assert!(
            answer.confidence.is_finite() && answer.confidence < sure,
            "{odd}: {answer:?}"
        );
        assert!((0.0..=1.0).contains(&answer.in_scope));
    }
}

#[test]
fn a_changed_artefact_is_refused() {
    let bytes = train(&spec(), &rows()).unwrap().artifact;
    for place in (12..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert_eq!(
            Classifier::load(&changed).unwrap_err(),
            ArtifactError::Checksum
        );
    }
    assert_eq!(
        Classifier::load(&bytes[..bytes.len() - 1]).unwrap_err(),
        ArtifactError::Checksum
    );
    assert_eq!(
        Classifier::load(b"").unwrap_err(),
        ArtifactError::NotAnArtifact
    );
    let mut newer = bytes;
    newer[8] = 9;
    assert_eq!(
        Classifier::load(&newer).unwrap_err(),
        ArtifactError::Version(9)
    );
}

#[test]
fn examples_that_cannot_teach_are_refused() {
    let row = |text: &str, label: &str| Example {
        fields: json!({"text": text}),
        label: label.into(),
    };
    let one_label = [row("a b", "x"), row("c d", "x")];
    assert_eq!(
        train(&spec(), &one_label).unwrap_err(),
        TrainError::TooFewLabels(1)
    );
    assert_eq!(
        train(&spec(), &[]).unwrap_err(),
        TrainError::TooFewLabels(0)
    );
    let one_row = [row("a b", "x"), row("c d", "x"), row("e f", "y")];
    assert_eq!(
        train(&spec(), &one_row).unwrap_err(),
        TrainError::TooFewRows("y".into())
    );
    assert_eq!(
        train(&TrainSpec::default(), &rows()).unwrap_err(),
        TrainError::NoFeatures
    );
    let empty: Vec<Example> = ["x", "x", "y", "y"].map(|label| row(" ", label)).to_vec();
    assert_eq!(train(&spec(), &empty).unwrap_err(), TrainError::NoFeatures);
    for bad in [
        TrainSpec {
            l2: f64::NAN,
            ..spec()
        },
        TrainSpec {
            columns: 0,
            ..spec()
        },
        TrainSpec {
            epochs: 0,
            ..spec()
        },
        TrainSpec { folds: 1, ..spec() },
    ] {
        assert!(matches!(
            train(&bad, &rows()).unwrap_err(),
            TrainError::BadSpec(_)
        ));
    }
}

#[test]
fn compared_records_are_matched_by_what_agrees() {
    let pair = |left: &str, right: &str, kind| PairSpec {
        left: left.into(),
        right: right.into(),
        kind,
    };
    let features = FeatureSpec {
        pair: vec![
            pair("a.memo", "b.memo", PairKind::Text),
            pair("a.sum", "b.sum", PairKind::Number),
            pair("a.day", "b.day", PairKind::Date),
        ],
        ..FeatureSpec::default()
    };
    let record = |n: u32, late: u32, extra: f64| json!({"memo": format!("order {n} bolts"), "sum": f64::from(n) * 10.0 + extra, "day": format!("2024-03-{:02}", 1 + late)});
    let mut rows = Vec::new();
    for n in 1..60 {
        let same = json!({"a": record(n, 0, 0.0), "b": record(n, n % 5, 0.5)});
        let other = json!({"a": record(n, 0, 0.0), "b": record(n + 7, n % 17, 0.0)});
        rows.push(Example {
            fields: same,
            label: "match".into(),
        });
        rows.push(Example {
            fields: other,
            label: "other".into(),
        });
    }
    let trained = train(
        &TrainSpec {
            features,
            columns: 4096,
            l2: 2.0,
            folds: 3,
            ..TrainSpec::default()
        },
        &rows,
    )
    .unwrap();
    let binary = trained.report.binary.as_ref().unwrap();
    assert!(binary.auroc > 0.95 && binary.f1 > 0.9, "{binary:?}");
    let classifier = Classifier::load(&trained.artifact).unwrap();
    let answer = classifier.predict(&json!({"a": record(77, 0, 0.0), "b": record(77, 2, 0.5)}));
    assert_eq!(answer.label, "match", "{answer:?}");
}

#[test]
fn an_unknown_setting_is_an_error() {
    assert!(
        serde_json::from_value::<TrainSpec>(json!({"features": {"text": ["a"]}, "folds": 2}))
            .is_ok()
    );
    assert!(serde_json::from_value::<TrainSpec>(json!({"features": {"texts": ["a"]}})).is_err());
    assert!(
        serde_json::from_value::<PairSpec>(json!({"left": "a", "right": "b", "kind": "sound"}))
            .is_err()
    );
}
