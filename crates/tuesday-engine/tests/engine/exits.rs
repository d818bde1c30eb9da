//! Leaving a vendor: what is bound is told, what nobody tried is untested and never zero, a drill and a
//! person's estimate are kept with their entries.

use tuesday_engine::ops::NewDrill;
use tuesday_store::AuditFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

fn drill(provider: &str, passed: u64) -> NewDrill {
    NewDrill {
        provider: provider.into(),
        model: "other-1".into(),
        pack_hash: "ab".repeat(32),
        cases: 200,
        passed_live: 190,
        passed,
        standing: "worse".into(),
        cost_live_micros: Some(2_000_000),
        cost_micros: Some(1_000_000),
        currency: Some("EUR".into()),
    }
}

async fn left(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let told = engine.exit_cost("small").await.unwrap();
    let names: Vec<&str> = told.vendors.iter().map(|v| v.vendor.as_str()).collect();
    assert_eq!(names, ["fake", "Desk", "CRM", "Contracts"]);
    assert_eq!(told.untested, 4);
    let model = &told.vendors[0];
    assert_eq!(
        (model.alternative, model.bound[0].name.as_str()),
        ("untested", "fake-1")
    );
    assert!(
        model.tested.is_none() && model.words.starts_with("untested: "),
        "{model:?}"
    );
    // A model that nobody tried elsewhere, an action that sends a field and the id, two sources of one field.
    assert_eq!((model.days.low_tenths, model.days.high_tenths), (20, 100));
    assert_eq!((told.days.low_tenths, told.days.high_tenths), (35, 174));

    // What was tried beside the live model is told with its differences.
    let own = engine.keep_drill("small", drill("fake", 180), "tove").await;
    assert_eq!(own.unwrap_err().code, "bad_request");
    let stranger = engine.keep_drill("small", drill("acme", 180), "edda").await;
    assert_eq!(stranger.unwrap_err().code, "not_allowed");
    engine
        .keep_drill("small", drill("acme", 180), "tove")
        .await
        .unwrap();
    let told = engine.exit_cost("small").await.unwrap();
    let tried = told.vendors[0].tested.as_ref().unwrap();
    assert_eq!((tried.drill, tried.provider.as_str()), (1, "acme"));
    assert_eq!(
        (tried.quality_ppm, tried.cost_micros),
        (Some(-50_000), Some(-5_000))
    );
    let (low, high) = tried.quality_range_ppm.unwrap();
    assert!(low < -50_000 && high > -50_000, "{low} {high}");
    assert_eq!(told.vendors[0].days.high_tenths, 20);
    assert_eq!(
        (told.untested, told.vendors[1].alternative),
        (3, "untested")
    );

    // A person knows better; the older version stays in the log.
    let say = |vendor: &'static str, days: &'static str, why: &'static str| {
        engine.estimate_exit("small", vendor, days, why, "tove")
    };
    assert_eq!(
        say("Desk", "4", " ").await.unwrap_err().code,
        "reason_required"
    );
    for (vendor, days, field) in [
        ("Nobody", "4", "vendor"),
        ("Desk", "0", "days"),
        ("Desk", "1.25", "days"),
    ] {
        let refused = say(vendor, days, "x").await.unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            ("cost_invalid", Some(field))
        );
    }
    say("Desk", "4", "asked two integrators").await.unwrap();
    assert_eq!(
        say("Desk", "6.5", "asked a third").await.unwrap().version,
        2
    );
    let told = engine.exit_cost("small").await.unwrap();
    let desk = &told.vendors[1];
    assert_eq!(
        (desk.days.low_tenths, desk.days.high_tenths, desk.estimate),
        (65, 65, "given")
    );
    engine.seal().await.unwrap();
    for (kind, count) in [("exit.drilled", 1), ("exit.estimated", 2)] {
        let filter = AuditFilter {
            kind: Some(kind.to_owned()),
            ..AuditFilter::default()
        };
        until("it is in the log", || async {
            let page = engine.reader().audit_page(&filter, None, 9).await.unwrap();
            (page.len() == count).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_a_vendor_is_told_with_what_was_tried() {
    Box::pin(left(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_a_vendor_is_told_with_what_was_tried_on_postgresql() {
    let database = Database::create().await;
    Box::pin(left(Some(&database.url()))).await;
    database.drop().await;
}
