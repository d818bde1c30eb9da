//! Prices, entered costs, limits and the days' figures.

use tuesday_domain::id::{CostEntryId, RunId};
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::record::*;
use tuesday_store::{ApplyError, DayState, EntryFilter, FigureMark};
use uuid::Uuid;

use crate::bed::each;
use crate::rows::{accept, at, decide, done, job, new_id, run};

fn money(changes: Vec<MoneyChange>) -> Decision {
    let changes = changes.into_iter().map(|c| Change::Money(Box::new(c)));
    decide(Subject::Workflow("support".into()), "x", changes.collect())
}

fn entry(words: &str, from: &str, to: &str) -> CostEntry {
    CostEntry {
        id: CostEntryId::new(new_id()),
        category: CostCategory::Support,
        workflow: Some("support".into()),
        day_from: from.into(),
        day_to: to.into(),
        amount_micros: Some(5),
        currency: Some("EUR".into()),
        minutes: None,
        person: None,
        vendor: Some("Host".into()),
        bucket: Some(CostBucket::Spine),
        words: words.into(),
        reference: None,
        reverses: None,
        entered_by: "rhea".into(),
        entered_at: at(1),
    }
}

fn hold(micros: i64) -> SpendHold {
    SpendHold {
        run: RunId::new(new_id()),
        workflow: "support".into(),
        period: "2026-11-17".into(),
        micros,
    }
}

#[tokio::test]
async fn a_limit_is_taken_from_and_never_passed() {
    each(|bed| async move {
        let open = || MoneyChange::OpenSpend {
            workflow: "support".into(),
            period: "2026-11-17".into(),
        };
        let take = |h: &SpendHold| {
            money(vec![
                open(),
                MoneyChange::Reserve {
                    hold: h.clone(),
                    stop_micros: 100,
                },
                MoneyChange::InsertHold(h.clone()),
            ])
        };
        let holds: Vec<SpendHold> = (0..8).map(|_| hold(30)).collect();
        let tries = holds.iter().map(|h| bed.store.apply(take(h)));
        let taken = futures::future::join_all(tries).await;
        let refused = |r: &Result<_, ApplyError>| matches!(r, Err(ApplyError::Conflict { .. }));
        assert_eq!(
            taken.iter().filter(|r| r.is_ok()).count(),
            3,
            "{}",
            bed.name
        );
        assert_eq!(
            taken.iter().filter(|r| refused(r)).count(),
            5,
            "{}",
            bed.name
        );
        let mine: Vec<_> = holds
            .iter()
            .zip(&taken)
            .filter(|(_, r)| r.is_ok())
            .collect();
        let settle = |h: &SpendHold, cost_micros| {
            money(vec![
                MoneyChange::DropHold { run: h.run },
                MoneyChange::Settle {
                    hold: h.clone(),
                    cost_micros,
                },
            ])
        };
        bed.store.apply(settle(mine[0].0, Some(7))).await.unwrap();
        bed.store.apply(settle(mine[1].0, None)).await.unwrap();
        let twice = bed.store.apply(settle(mine[0].0, Some(7))).await;
        assert!(refused(&twice), "a part is given back once");
        let spend = bed
            .read
            .spend("support", "2026-11-17")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                spend.spent_micros,
                spend.assumed_micros,
                spend.reserved_micros
            ),
            (7, 30, 30),
            "{}",
            bed.name
        );
        assert_eq!(
            bed.read.spend_hold(mine[2].0.run).await.unwrap().as_ref(),
            Some(mine[2].0)
        );
        assert_eq!(bed.read.spend_hold(mine[0].0.run).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn entries_come_back_by_their_days_and_count_once() {
    each(|bed| async move {
        let (old, new) = (
            entry("old", "2026-10-01", "2026-10-31"),
            entry("new", "2026-10-20", "2026-11-20"),
        );
        let shared = CostEntry {
            workflow: None,
            reference: Some("inv-1".into()),
            ..entry("shared", "2026-11-01", "2026-11-01")
        };
        for e in [&old, &new, &shared] {
            let insert = money(vec![MoneyChange::InsertEntry((*e).clone())]);
            bed.store.apply(insert).await.unwrap();
        }
        let twice = CostEntry {
            id: CostEntryId::new(new_id()),
            ..shared.clone()
        };
        let again = money(vec![MoneyChange::InsertEntry(twice)]);
        assert!(
            bed.store.apply(again).await.is_err(),
            "the same invoice counts once"
        );
        let wrong = CostEntry {
            minutes: Some(3),
            ..entry("both", "2026-11-01", "2026-11-01")
        };
        let wrong = money(vec![MoneyChange::InsertEntry(wrong)]);
        assert!(
            bed.store.apply(wrong).await.is_err(),
            "an amount or minutes"
        );
        let find = |workflow: Option<&str>, shared, from: &str, to: &str| {
            let filter = EntryFilter {
                workflow: workflow.map(str::to_owned),
                shared,
                from: Some(from.into()),
                to: Some(to.into()),
                ..EntryFilter::default()
            };
            let read = bed.read.clone();
            async move {
                let found = read.cost_entries(&filter, None, 9).await.unwrap();
                found.into_iter().map(|e| e.words).collect::<Vec<_>>()
            }
        };
        assert_eq!(
            find(None, false, "2026-11-01", "2026-11-30").await,
            ["new", "shared"]
        );
        assert_eq!(
            find(Some("support"), false, "2026-10-25", "2026-10-26").await,
            ["new", "old"]
        );
        assert_eq!(
            find(Some("support"), true, "2026-11-01", "2026-11-01").await,
            ["new", "shared"]
        );
        let back = CostEntry {
            id: CostEntryId::new(new_id()),
            amount_micros: Some(-5),
            reverses: Some(old.id),
            ..old.clone()
        };
        bed.store
            .apply(money(vec![MoneyChange::InsertEntry(back.clone())]))
            .await
            .unwrap();
        let found = bed.read.cost_entry(old.id).await.unwrap().unwrap();
        assert_eq!(found, (old, Some(back.id)));
    })
    .await;
}

#[tokio::test]
async fn a_day_is_found_when_its_records_move_and_a_newer_look_stays() {
    each(|bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let places = |mark| {
            let read = bed.read.clone();
            async move {
                read.moved_days(mark)
                    .await
                    .unwrap()
                    .into_iter()
                    .collect::<Vec<_>>()
            }
        };
        let day = ("support".to_owned(), "2026-11-17".to_owned());
        assert_eq!(places(None).await, std::slice::from_ref(&day));
        // Everything so far was seen; nothing moves.
        let mark = FigureMark {
            run: Uuid::now_v7(),
            at: at(100),
        };
        bed.store.put_figure_mark(mark).await.unwrap();
        assert_eq!(bed.read.figure_mark().await.unwrap(), Some(mark));
        let facts = bed
            .read
            .run_facts("support", "2026-11-17", None, 9)
            .await
            .unwrap();
        assert_eq!(facts.len(), 1);
        let mut figures = DayFigures::new();
        facts.iter().for_each(|(_, f)| figures.add(f));
        let state = DayState {
            workflow: "support".into(),
            day: "2026-11-17".into(),
            rows: vec![DayRow {
                workflow: "support".into(),
                day: "2026-11-17".into(),
                release: new.release,
                tier: "automatic".into(),
                figures,
            }],
            open: 1,
            made_at: at(100),
        };
        bed.store.put_day(&state).await.unwrap();
        assert_eq!(places(Some(mark)).await, []);
        let older = DayState {
            rows: vec![],
            made_at: at(99),
            ..state.clone()
        };
        bed.store.put_day(&older).await.unwrap();
        let kept = bed
            .read
            .day_figures(Some("support"), None, ("2026-11-01", "2026-11-30"))
            .await
            .unwrap();
        assert_eq!(kept, [state], "{}", bed.name);
        // The run ends: fewer are open than were kept.
        let over = decide(
            Subject::Run(new.id, 1),
            "run.completed",
            vec![Change::UpdateRun(Box::new(done(&new)))],
        );
        bed.store.apply(over).await.unwrap();
        assert_eq!(places(Some(mark)).await, [day]);
    })
    .await;
}
