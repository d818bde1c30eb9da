//! Forecasts on days that are made up, and properties that hold on any.
use proptest::prelude::*;

use super::*;

/// A Thursday.
fn today() -> Day {
    Day::parse("2026-11-19").unwrap()
}

fn spec() -> CapacitySpec {
    CapacitySpec::parse(
        "minutes_per_task = 1.2\n[[person]]\nperson = \"ida\"\ndays = \"mon-fri\"\nhours = 4\n\
         [[person]]\nperson = \"lars\"\ndays = \"mon-fri\"\nhours = 4\n",
    )
    .unwrap()
}

fn eight_hours(day: Day) -> i64 {
    if day.weekday() < 5 { 8 * 3_600_000 } else { 0 }
}

fn load(day: Day, arrivals: u64) -> DayLoad {
    DayLoad {
        arrivals,
        tasks: arrivals,
        ..DayLoad::none(day)
    }
}

/// `n` whole days with `arrivals` on each working day.
fn days(n: i64, arrivals: u64) -> Vec<DayLoad> {
    (1..=n)
        .rev()
        .map(|back| {
            let day = today().plus(-back);
            load(day, if day.weekday() < 5 { arrivals } else { 0 })
        })
        .collect()
}

fn said(history: &History, backlog: u64) -> LoadForecast {
    let s = spec();
    let task = TaskTime::of(&s, &Histogram::default());
    forecast(&s, history, task, &eight_hours, backlog, 1.0)
}

#[test]
fn the_figures_of_the_story_come_out_the_same_day() {
    // Two people of four hours: 480 min. 350 runs of 1.2 min are 420 min: 87.5 %.
    let calm = History {
        assumed: None,
        days: days(28, 350),
        today: load(today(), 350),
    };
    let f = said(&calm, 0);
    assert_eq!(f.today.utilisation_ppm.unwrap().point, Some(875_000));
    assert_eq!(f.next_ppm.unwrap().point, Some(875_000));
    assert_eq!((f.over(100), f.breaks_on), (None, None));
    // 700 on one day: 840 of 480 min.
    let risen = History {
        assumed: None,
        days: days(28, 350),
        today: load(today(), 700),
    };
    let f = said(&risen, 0);
    assert_eq!(f.today.utilisation_ppm.unwrap().point, Some(1_750_000));
    assert_eq!(
        (f.level_ppm, f.next_ppm.unwrap().point),
        (2_000_000, Some(1_750_000))
    );
    let words = f.over(100).unwrap();
    assert_eq!(
        words,
        "utilisation 175 % today (840 of 480 min: 700 runs, 100 % put before people, 72 s each), limit 100 %"
    );
    // 360 min too many a working day: after four of them exactly three days wait, after five more than that.
    assert_eq!(f.breaks_on, Some(Day::parse("2026-11-26").unwrap()));
    // 3,600 min too many in ten working days: 30 h a week.
    assert_eq!(f.shortfall_week_ms(100), Some(30 * 3_600_000));
}

#[test]
fn five_hundred_tasks_are_a_hundred_and_twenty_five_percent() {
    let h = History {
        assumed: None,
        days: days(14, 500),
        today: load(today(), 0),
    };
    assert_eq!(said(&h, 0).next_ppm.unwrap().point, Some(1_250_000));
}

#[test]
fn few_days_give_a_range_and_a_warning() {
    let h = History {
        assumed: None,
        days: days(3, 350),
        today: load(today(), 20),
    };
    let f = said(&h, 0);
    assert_eq!(f.next_ppm.unwrap().point, None);
    assert!(f.next_ppm.unwrap().low < f.next_ppm.unwrap().high);
    assert_eq!(
        f.warning.as_deref(),
        Some("3 of 7 whole days of history: a range, and no forecast yet")
    );
    assert_eq!(f.breaks_on, None);
    // Nothing at all is no evidence of room, and no alarm either.
    let f = said(
        &History {
            assumed: None,
            days: Vec::new(),
            today: load(today(), 0),
        },
        0,
    );
    assert_eq!((f.over(100), f.next_ppm.unwrap().low), (None, 0));
}

#[test]
fn a_weekday_has_its_own_mean_and_nobody_at_work_is_said() {
    let mut h = History {
        assumed: None,
        days: days(28, 100),
        today: load(today(), 0),
    };
    for d in h.days.iter_mut().filter(|d| d.day.weekday() == 0) {
        (d.arrivals, d.tasks) = (300, 300);
    }
    let f = said(&h, 0);
    assert_eq!(
        f.weekday_milli,
        [300_000, 100_000, 100_000, 100_000, 100_000, 0, 0]
    );
    let s = spec();
    let task = TaskTime::of(&s, &Histogram::default());
    let f = forecast(&s, &h, task, &|_| 0, 7, 1.0);
    assert_eq!(f.next_ppm, None);
    assert!(f.over(100).unwrap().starts_with("nobody has an hour"));
    assert_eq!(f.breaks_on, Some(today()));
}

#[test]
fn measured_minutes_take_the_place_of_the_declared_when_they_are_enough() {
    let s = spec();
    let mut seen = Histogram::default();
    (0..29).for_each(|_| seen.add(60_000));
    assert_eq!(
        (
            TaskTime::of(&s, &seen).mean_ms,
            TaskTime::of(&s, &seen).measured
        ),
        (72_000, false)
    );
    (0..31).for_each(|_| seen.add(30_000));
    let t = TaskTime::of(&s, &seen);
    assert!(t.measured && t.low_ms < t.mean_ms && t.mean_ms < t.high_ms);
    assert!((44_000..46_000).contains(&t.mean_ms), "{t:?}");
    assert!((29_000..31_000).contains(&t.p50_ms.unwrap()));
}

#[test]
fn a_week_is_compared_with_what_was_said_before_it() {
    let mut all = days(28, 350);
    let monday = Day::parse("2026-11-09").unwrap();
    let (said, came) = back_cast(&spec(), &all, monday).unwrap();
    assert_eq!((said, came), (5 * 350 * 72_000, 5 * 350 * 72_000));
    for d in all.iter_mut().filter(|d| d.day >= monday) {
        (d.arrivals, d.tasks) = (d.arrivals * 2, d.tasks * 2);
    }
    let (said, came) = back_cast(&spec(), &all, monday).unwrap();
    assert_eq!(came, said * 2);
    assert_eq!(back_cast(&spec(), &all[24..], monday), None);
}

proptest! {
    #[test]
    fn a_range_holds_its_point_and_more_arrivals_never_mean_less_load(
        counts in prop::collection::vec(0_u64..2_000, 8..40), now in 0_u64..4_000, more in 0_u64..500,
        backlog in 0_u64..5_000,
    ) {
        let n = i64::try_from(counts.len()).unwrap();
        let past: Vec<DayLoad> = counts.iter().zip(1..).map(|(c, i)| load(today().plus(i - n - 1), *c)).collect();
        let h = |now| History { assumed: None, days: past.clone(), today: load(today(), now) };
        let (a, b) = (said(&h(now), backlog), said(&h(now + more), backlog));
        for d in a.days.iter().chain([&a.today]) {
            let r = d.load_ms;
            prop_assert!(r.low <= r.point.unwrap() && r.point.unwrap() <= r.high, "{r:?}");
        }
        prop_assert!(a.today.load_ms.point <= b.today.load_ms.point);
        prop_assert!(a.breaks_on.is_none_or(|day| day >= today()));
    }
}

#[test]
fn a_release_without_runs_is_expected_to_need_people_as_its_eval_did() {
    let h = History {
        assumed: Some(AssumedShare {
            to_person: 15,
            of: 60,
            release: 4,
            runs: 2,
        }),
        days: Vec::new(),
        today: DayLoad::none(today()),
    };
    let made_up = said(&h, 0);
    assert_eq!(made_up.share_ppm.point, Some(250_000));
    assert!(made_up.share_ppm.low > 100_000 && made_up.share_ppm.high < 400_000);
    assert!(
        made_up
            .share_from
            .starts_with("from the eval of release 4: 15 of 60"),
        "{}",
        made_up.share_from
    );
    let without = History { assumed: None, ..h };
    let measured = said(&without, 0);
    assert!(
        measured.share_from.starts_with("measured"),
        "{}",
        measured.share_from
    );
}
