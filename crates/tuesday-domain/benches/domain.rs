//! What the domain costs: tables over past runs, one verdict, canonical bytes, and checking a log.
//!
//! `cargo bench -p tuesday-domain`. Budgets on one core: a million past runs a second for a back-test,
//! three hundred thousand audit entries a second for a verification.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up must fail"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use tuesday_domain::audit::{LogCheck, canonical};
use tuesday_domain::rules::{FactTable, Facts, RuleSet, evaluate, parse};

/// Past runs of a back-test.
const RUNS: u32 = 100_000;
/// Entries of a log.
const ENTRIES: u64 = 10_000;
const TABLE: &str = "\
row,amount:money[EUR] soft 0..1000 hard 0..5000,confidence:ratio soft 0.5..1,tier:one of gold|silver|bronze,flagged:yes/no,route,review_tier,reason,note
r1,any,any,any,yes,manual,,Flagged by hand,
r2,> 900,any,any,any,review,desk,The amount is over the limit,
r3,<= 900,any,gold,no,review,desk,Gold customers are seen by a person,
r4,<= 900,>= 0.85,\"silver, bronze\",no,auto,,Sure enough,
r5,<= 100,>= 0.7,bronze,no,auto,,Small and likely,
r6,any,any,any,any,review,desk,Not sure enough,
";

fn rules() -> RuleSet {
    parse(TABLE).unwrap().0
}

/// Facts that reach every row, from a fixed sequence.
fn facts(n: u32) -> Map<String, Value> {
    let state = n.wrapping_mul(2_654_435_761);
    let tier = ["gold", "silver", "bronze"][state as usize % 3];
    let facts = json!({
        "amount": {"amount": format!("{}.{:02}", state % 1_200, n % 100), "currency": "EUR"},
        "confidence": f64::from(state % 1_000) / 1_000.0, "tier": tier, "flagged": state.is_multiple_of(50),
    });
    facts.as_object().cloned().unwrap_or_default()
}

fn back_test(c: &mut Criterion) {
    let rules = rules();
    let mut table = FactTable::new(rules.columns());
    for n in 0..RUNS {
        table.push(rules.columns(), &Facts::new(&facts(n))).unwrap();
    }
    let mut group = c.benchmark_group("rules");
    group.throughput(Throughput::Elements(u64::from(RUNS)));
    group.bench_function("back-test", |b| {
        b.iter(|| black_box(table.land(&rules).unwrap()));
    });
    group.throughput(Throughput::Elements(1));
    let one = facts(77);
    group.bench_function("evaluate with reasons", |b| {
        b.iter(|| black_box(evaluate(&rules, 3, &Facts::new(&one))));
    });
    group.finish();
}

fn entry(n: u64) -> Value {
    json!({
        "at": 1_793_000_000_000_000_u64 + n, "actor": "system:worker", "kind": "run.generated",
        "subject": format!("run_01m7y5zx{n:018}"), "moves": [["running", "dispatching"]],
        "commits": ["sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"],
        "facts": {"release": "rel_01m7y5zxzqe06rkzyysaf8dqrs", "model": "classifier-1", "rules_version": 3, "row": "r4"},
    })
}

fn audit(c: &mut Criterion) {
    let mut group = c.benchmark_group("audit");
    let value = entry(1);
    group.throughput(Throughput::Elements(1));
    group.bench_function("canonical bytes", |b| {
        b.iter(|| black_box(canonical(&value).unwrap()));
    });
    let leaves: Vec<Vec<u8>> = (0..ENTRIES)
        .map(|n| canonical(&entry(n)).unwrap())
        .collect();
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("verify entries", |b| {
        b.iter_batched(
            || LogCheck::new(Vec::new()),
            |mut check| {
                for (index, leaf) in (0..).zip(&leaves) {
                    check.entry(index, leaf, None).unwrap();
                }
                black_box(check.finish().unwrap())
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, back_test, audit);
criterion_main!(benches);
