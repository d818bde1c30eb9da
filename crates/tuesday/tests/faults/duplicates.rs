//! INP-17: the same document under two names is kept once, with both places, and counted.

use serde_json::json;
use tuesday_domain::record::PayloadKind;

use crate::bed::{Bed, Case};

/// A second source that reads the very same record.
const TWICE: (&str, &str) = (
    "[model]\nkind",
    "[[source]]\nname = \"mirror\"\nkind = \"http\"\nsystem = \"CRM mirror\"\nrank = 2\nclass = \"internal\"\n\
     url = \"${stub_url}/mirror/accounts/{{ input.account }}\"\nfields = [\"tier\"]\nrecord_id = \"id\"\n\
     updated_at = \"updated_at\"\nwarn_after = \"30d\"\nerror_after = \"90d\"\n\n[model]\nkind",
);

#[tokio::test(flavor = "multi_thread")]
async fn the_same_document_under_two_names_is_kept_once() {
    let bed = Bed::changed(None, &[TWICE]).await;
    let (node, case) = (bed.home.ready(&[]).await, Case::new("twice", "auto"));
    let record =
        json!({"id": case.account(), "tier": "silver", "owner": "ann", "updated_at": "@-1h"});
    let copies = json!({"crm/accounts": [record], "mirror/accounts": [record]});
    bed.world.seed(&copies, crate::bed::now()).unwrap();
    bed.finish(&node, &[case]).await;
    let run = bed.told.lock().unwrap()["twice"].clone();
    assert!(node.stop().await.success());
    let story = bed.home.json(&["reconstruct", &run]).await;
    let answers = story["answers"].as_array().unwrap();
    let read = answers.iter().find(|a| a["name"] == "read").unwrap();
    let facts = &read["facts"];
    assert_eq!(facts["duplicates"], 1, "{story}");
    let items = facts["items"].as_array().unwrap();
    assert_eq!(items[2]["same_as"], "crm");
    assert_eq!(items[1]["sha256"], items[2]["sha256"]);
    assert_eq!(items[1]["payload"], items[2]["payload"]);
    assert_ne!(items[1]["location"], items[2]["location"]);
    assert_eq!(items[2]["content"]["tier"], json!("silver"));
    let id = run.parse().unwrap();
    let kept = bed.reader().payloads(id).await.unwrap();
    let sources = kept.iter().filter(|p| p.kind == PayloadKind::Source);
    assert_eq!(sources.count(), 1, "one copy");
    bed.check().await;
}
