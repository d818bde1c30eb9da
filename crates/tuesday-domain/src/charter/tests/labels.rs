//! Labels move only as they may, whatever happens in whatever order.

use super::*;

fn event(
    seq: u32,
    kind: LabelMove,
    label: Label,
    at: Timestamp,
    until: Option<Timestamp>,
) -> LabelEvent {
    LabelEvent {
        workflow: "w".to_owned(),
        seq,
        kind,
        label,
        reasons: String::new(),
        until,
        decision: None,
        quarter: None,
        by: "test".to_owned(),
        at,
    }
}

#[test]
fn a_granted_label_rests_on_no_evidence_and_stays() {
    let events = [event(1, LabelMove::Granted, Label::Production, at(0), None)];
    let standing = Standing::of(Label::Production, at(0), &events);
    assert_eq!(standing.basis, Basis::Granted);
    assert_eq!(standing.judge(40, at(4_000)), None);
}

#[test]
fn a_label_knows_whether_it_came_from_above() {
    for (kind, down) in [
        (LabelMove::Raised, false),
        (LabelMove::Granted, false),
        (LabelMove::Lowered, true),
        (LabelMove::Fell, true),
    ] {
        let lapsing = event(2, LabelMove::Lapsing, Label::Pilot, at(3), Some(at(17)));
        let events = [event(1, kind, Label::Pilot, at(2), None), lapsing];
        let standing = Standing::of(Label::Pilot, at(0), &events);
        assert_eq!(
            (standing.came_down, standing.since),
            (down, at(2)),
            "{kind}"
        );
    }
    assert!(!Standing::of(Label::Pilot, at(0), &[]).came_down);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A label lives through days of lost and found evidence as the service drives it: it never
    /// rises, it never falls before its grace is over, and it falls when the grace is over.
    #[test]
    fn a_label_falls_after_its_grace_and_never_before(lost in proptest::collection::vec(any::<bool>(), 1..120)) {
        let mut label = Label::Production;
        let mut events = vec![event(1, LabelMove::Raised, label, at(0), None)];
        let mut run_of_loss = 0_u32;
        for (day, lost) in (1_u64..).zip(&lost) {
            let now = at(day);
            let standing = Standing::of(label, at(0), &events);
            let seq = standing.seq + 1;
            run_of_loss = if *lost { run_of_loss + 1 } else { 0 };
            let before = label;
            match standing.judge(usize::from(*lost), now) {
                None => prop_assert!(!*lost || standing.lapsing.is_some() || label == Label::Research),
                Some(Next::Lapse { until }) => {
                    prop_assert!(*lost && until == now.plus(GRACE));
                    events.push(event(seq, LabelMove::Lapsing, label, now, Some(until)));
                }
                Some(Next::Restore) => {
                    prop_assert!(!*lost);
                    events.push(event(seq, LabelMove::Restored, label, now, None));
                }
                Some(Next::Fall { to }) => {
                    prop_assert!(to < label && run_of_loss > 14, "{run_of_loss} days");
                    label = to;
                    events.push(event(seq, LabelMove::Fell, label, now, None));
                }
                Some(Next::Ask) => {
                    prop_assert!(now >= standing.reviewed_at.plus(REVIEW_EVERY));
                    events.push(event(seq, LabelMove::Asked, label, now, None));
                }
            }
            prop_assert!(label <= before, "nothing rises by itself");
            prop_assert!(run_of_loss <= 15 || label != Label::Production);
        }
    }

    #[test]
    fn an_unreviewed_label_lapses_after_a_quarter_and_its_grace(day in 1_u64..300) {
        let events = [event(1, LabelMove::Raised, Label::Pilot, at(0), None), event(2, LabelMove::Asked, Label::Pilot, at(92), None)];
        let next = Standing::of(Label::Pilot, at(0), &events).judge(0, at(day));
        let due = Duration::from_secs(day * 86_400) >= REVIEW_EVERY + REVIEW_GRACE;
        prop_assert_eq!(matches!(next, Some(Next::Lapse { .. })), due);
    }

    /// Whatever a person writes, it is refused, blank, or kept in a form that is read back as itself.
    #[test]
    fn a_statement_reads_back_as_itself(text in ".{0,60}", which in 0..Statement::ALL.len()) {
        let zone = Zone::named("UTC").unwrap();
        let statement = Statement::ALL[which];
        if let Ok(kept) = statement.read(&text, at(0), &zone) {
            prop_assert_eq!(statement.read(&kept, at(0), &zone), Ok(kept.clone()));
            prop_assert_eq!(kept.is_empty(), is_blank(&text));
        }
    }
}
