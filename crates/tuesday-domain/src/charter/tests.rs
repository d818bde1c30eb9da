//! The lists hold exactly their items, each item falls with its evidence, and labels move only as
//! they may.

mod asked;
mod labels;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::label::{Basis, GRACE, Next, REVIEW_EVERY, REVIEW_GRACE, Standing, unmet};
use super::*;
use crate::definition::Package;
use crate::eval::Kind;
use crate::ready::Ready;
use crate::record::{BaselineRow, CharterFact, Choice, LabelEvent, LabelMove, Person};
use crate::rules::{RuleSet, parse};
use crate::time::{Timestamp, Zone};
use crate::workflow::{Label, Stage};

/// One thing that is taken away, and the item that misses it.
type Loss = (Topic, fn(&mut World));

/// One thing that is taken away, the item that misses it, and how that item stands then.
type Faded = (Topic, EvidenceState, fn(&mut World));

/// What is said once something is taken away.
type Spoilt = (&'static str, fn(&mut World));

const RULES: &str = include_str!("../../../../examples/support-triage/rules.csv");

fn at(day: u64) -> Timestamp {
    Timestamp::parse("2026-11-20T12:00:00Z")
        .unwrap()
        .plus(Duration::from_secs(day * 86_400))
}

fn package() -> Package {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    Package::new([
        file(
            "workflow.toml",
            include_str!("../../../../examples/support-triage/workflow.toml"),
        ),
        file(
            "input.schema.json",
            include_str!("../../../../examples/support-triage/input.schema.json"),
        ),
        file(
            "output.schema.json",
            include_str!("../../../../examples/support-triage/output.schema.json"),
        ),
        file(
            "prompt.md",
            include_str!("../../../../examples/support-triage/prompt.md"),
        ),
        file("rules.csv", RULES),
    ])
}

/// Everything a production label needs, on day 20 after the statements were made.
struct World {
    ready: Ready,
    rules: RuleSet,
    facts: Vec<CharterFact>,
    people: Vec<Person>,
    figures: Figures,
    release: ReleaseFacts,
    wrong: Vec<WrongPart>,
    before: Before,
    now: Timestamp,
}

/// A hundred tasks by hand, two minutes and three seconds each.
fn baseline() -> BaselineRow {
    BaselineRow {
        workflow: "support-triage".to_owned(),
        version: 1,
        sample: 100,
        handling_ms: 12_300_000,
        errors: 4,
        turnaround_ms: 3_600_000,
        method: "stopwatch, three days".to_owned(),
        sampled_from: "2026-11-01".to_owned(),
        sampled_to: "2026-11-03".to_owned(),
        after_launch: false,
        captured_by: "maren".to_owned(),
        captured_at: at(0),
    }
}

impl World {
    fn good() -> Self {
        let package = package();
        let mut def = package.definition(&BTreeMap::new()).unwrap();
        def.on_call.shift = vec![crate::definition::ShiftSpec {
            person: "maren".to_owned(),
            days: "mon-sun".to_owned(),
            from: "00:00".to_owned(),
            to: "24:00".to_owned(),
        }];
        for tier in &mut def.review.tier {
            tier.guidance = "Trust it when one thing is asked; pass on threats.".to_owned();
        }
        def.degraded.model = Some(crate::definition::DegradedPlan::Hold);
        def.degraded.source = Some(crate::definition::DegradedPlan::Hold);
        def.degraded.destination = Some(crate::definition::DegradedPlan::Hold);
        let people = def.owners.people().into_iter().map(|p| Person {
            handle: p.handle.clone(),
            name: p.name.clone(),
            email: p.email.clone(),
            active: true,
        });
        let people: Vec<_> = people.collect();
        let ready = Ready::compile(&package, def).unwrap();
        let mut world = Self {
            rules: parse(RULES).unwrap().0,
            facts: Vec::new(),
            figures: Figures {
                written_back_at: Some(at(19)),
                override_at: Some(at(18)),
                decided: 100,
                stood: 95,
                open: 10,
                overdue: 0,
                finished: 400,
                failed: 4,
                cost_micros: 1_000,
                sealed_at: Some(at(20)),
                ..Figures::default()
            },
            release: ReleaseFacts {
                number: 2,
                made_at: at(0),
                gate: Some(GateFacts {
                    passed: true,
                    at: at(1),
                }),
                cases: Kind::ALL.iter().map(|k| (*k, 5)).collect(),
                runbook: true,
                before: 1,
                lost_secrets: Vec::new(),
            },
            wrong: Vec::new(),
            before: Before {
                baseline: Some(baseline()),
                weeks_signed: 4,
                ..Before::default()
            },
            now: at(20),
            people,
            ready,
        };
        for (statement, value) in [
            (Statement::FrictionHours, "12.5"),
            (
                Statement::NinetyDayMetric,
                "override_rate at most 10 by 2027-02-28",
            ),
            (Statement::TurnoverDate, "2026-12-05"),
            (Statement::MaintenanceBudget, "1200 EUR"),
            (Statement::BeforeAfterMap, "before: 9 steps; after: 4 steps"),
            (
                Statement::PilotQuestion,
                "Does it halve the time to the first answer?",
            ),
            (
                Statement::PilotCriteria,
                "at most 10 % overrides over 200 tickets",
            ),
            (Statement::PilotEnd, "2027-01-31"),
            (Statement::OldPathSignal, "old_path"),
            (Statement::GoalAcceptable, "90"),
            (Statement::GoalReviewLoad, "5"),
            (Statement::GoalIntegration, "98"),
            (Statement::GoalErrors, "0"),
            (Statement::GoalAccountable, "3"),
        ] {
            world.state(statement, "", value, at(0));
        }
        world.state(Statement::WeeklyReview, "", "override_rate 5 %", at(14));
        world.state(
            Statement::TurnoverTest,
            "",
            "passed: 40 runs without tove",
            at(15),
        );
        let curriculum = curriculum(&world.ready.def.review);
        for person in ["maren", "lena"] {
            world.state(Statement::Training, person, &curriculum, at(2));
        }
        world
    }

    fn state(&mut self, statement: Statement, about: &str, value: &str, at: Timestamp) {
        let seq = u32::try_from(self.facts.len()).unwrap() + 1;
        self.facts.push(CharterFact {
            workflow: "support-triage".to_owned(),
            seq,
            statement,
            about: about.to_owned(),
            value: value.to_owned(),
            // Training is shown by practice, in the person's own name.
            by: if about.is_empty() { "maren" } else { about }.to_owned(),
            at,
        });
    }

    fn unmet(&self, label: Label) -> Vec<(Sheet, Topic)> {
        let facts = Facts::new(self.facts.clone());
        let all = unmet(label, &self.picture(&facts));
        all.into_iter().map(|u| (u.sheet, u.topic)).collect()
    }

    fn topics(&self, label: Label) -> BTreeSet<Topic> {
        self.unmet(label).into_iter().map(|u| u.1).collect()
    }

    fn evidence(&self, topic: Topic) -> Evidence {
        let facts = Facts::new(self.facts.clone());
        prove(topic, &self.picture(&facts))
    }

    fn picture<'a>(&'a self, facts: &'a Facts) -> Picture<'a> {
        Picture {
            now: self.now,
            ready: &self.ready,
            release: self.release.clone(),
            rules: &self.rules,
            rules_version: 3,
            people: &self.people,
            deciders: vec!["maren".to_owned(), "lena".to_owned()],
            facts,
            figures: self.figures,
            overload: None,
            wrong: self.wrong.clone(),
            test_instance: true,
            before: self.before.clone(),
        }
    }

    fn leave(&mut self, handle: &str) {
        let person = self.people.iter_mut().find(|p| p.handle == handle);
        person.unwrap().active = false;
    }
}

#[test]
fn every_list_has_exactly_its_items() {
    let count = |s: Sheet| s.items().len();
    assert_eq!(count(Sheet::Charter), 9);
    assert_eq!(count(Sheet::Checklist), 10);
    assert_eq!(count(Sheet::Scope), 6);
    assert_eq!(count(Sheet::Operators), 7);
    assert_eq!(count(Sheet::Questions), 4);
    assert_eq!(count(Sheet::Budget), 4);
    assert_eq!(count(Sheet::Bet), 6);
    assert_eq!(count(Sheet::Institution), 4);
    assert_eq!(count(Sheet::Goals), 5);
    assert_eq!(count(Sheet::Conditions), 6);
    let walls: BTreeSet<_> = Sheet::Walls.items().iter().map(|i| i.group).collect();
    assert_eq!(walls.len(), 6);
    let groups: BTreeSet<_> = Sheet::Handoff.items().iter().map(|i| i.group).collect();
    assert_eq!(groups.len(), 6);
    assert!(!groups.contains(""));
}

#[test]
fn with_all_evidence_every_label_is_allowed() {
    let world = World::good();
    assert_eq!(world.unmet(Label::Pilot), vec![]);
    assert_eq!(world.unmet(Label::Production), vec![]);
}

#[test]
fn a_secret_that_leads_to_no_value_is_red() {
    let mut world = World::good();
    assert_eq!(
        world.evidence(Topic::Secrets).state,
        EvidenceState::Verified
    );
    world.release.lost_secrets = vec!["env:DESK_KEY".to_owned()];
    let red = world.evidence(Topic::Secrets);
    assert_eq!(red.state, EvidenceState::Missing);
    assert!(red.words.contains("env:DESK_KEY"), "{red:?}");
}

/// One case for each of the ten items: what takes its evidence away.
#[test]
fn each_of_the_ten_items_stops_production_alone() {
    let cases: [Loss; 10] = [
        (Topic::OperatorOwner, |w| {
            w.ready.def.owners.backup.handle = "gone".to_owned();
        }),
        (Topic::TechnicalOwner, |w| w.leave("yuki")),
        (Topic::InputSchema, |w| {
            let open =
                serde_json::json!({"type": "object", "properties": {"id": {"type": "string"}}});
            w.ready.input = crate::schema::Schema::compile(open).unwrap();
        }),
        (Topic::ReviewTiers, |w| {
            w.ready.def.review.tier[0].guidance = "TBD".to_owned()
        }),
        (Topic::WriteBack, |w| {
            w.figures.written_back_at = Some(w.now.minus(Duration::from_secs(30 * 86_400)))
        }),
        (Topic::OverrideLogging, |w| w.figures.override_at = None),
        (Topic::WeeklyReview, |w| {
            w.state(Statement::WeeklyReview, "", "override_rate 5 %", at(6));
        }),
        (Topic::TurnoverTest, |w| {
            w.state(
                Statement::TurnoverTest,
                "",
                "failed: yuki reran a case",
                at(16),
            );
            // A day that is over without a passed test would lapse as well.
            w.state(Statement::TurnoverDate, "", "2027-01-10", at(16));
        }),
        (Topic::Training, |w| w.facts.retain(|f| f.about != "lena")),
        (Topic::ManualPathRetired, |w| {
            w.figures.old_path_at = Some(at(19))
        }),
    ];
    let named: BTreeSet<_> = cases.iter().map(|c| c.0).collect();
    let asked: BTreeSet<_> = Sheet::Checklist.items().iter().map(|i| i.topic).collect();
    assert_eq!(named, asked, "every item has its case");
    for (topic, spoil) in cases {
        let mut world = World::good();
        spoil(&mut world);
        // A schema without classes also leaves the handoff's group of data without one.
        let also = match topic {
            Topic::InputSchema => Some(Topic::Sensitivity),
            // What the tiers say is what was learnt.
            Topic::ReviewTiers => Some(Topic::Training),
            _ => None,
        };
        let wanted: BTreeSet<_> = [topic].into_iter().chain(also).collect();
        assert_eq!(world.topics(Label::Production), wanted, "{topic}");
    }
}

#[test]
fn a_metric_that_no_record_tells_counts_as_blank() {
    let mut world = World::good();
    let metric = Statement::NinetyDayMetric;
    let state = |w: &World| w.evidence(Topic::NinetyDayMetric).state;
    assert_eq!(state(&world), EvidenceState::Verified);
    for none in [
        "happiness at least 5",
        "signals at most 5",
        "silence at most 60",
    ] {
        world.state(metric, "", &format!("{none} by 2027-02-28"), at(3));
        assert_eq!(state(&world), EvidenceState::Missing, "{none}");
    }
}

#[test]
fn a_blank_field_means_research() {
    for blank in ["", "TBD", "n/a", "-", "  "] {
        for (statement, topic) in [
            (Statement::FrictionHours, Topic::FrictionHours),
            (Statement::NinetyDayMetric, Topic::NinetyDayMetric),
            (Statement::TurnoverDate, Topic::TurnoverDate),
            (Statement::MaintenanceBudget, Topic::MaintenanceBudget),
        ] {
            let mut world = World::good();
            world.state(statement, "", blank, at(3));
            assert_eq!(
                world.topics(Label::Pilot),
                BTreeSet::from([topic]),
                "{blank:?}"
            );
        }
    }
}

#[test]
fn a_pilot_needs_question_criteria_end_kill_condition_sponsor_baseline_and_path() {
    let cases: [Loss; 9] = [
        (Topic::Baseline, |w| w.before.baseline = None),
        (Topic::Sponsor, |w| {
            w.ready.def.owners.sponsor_backup = None;
        }),
        (Topic::PilotQuestion, |w| {
            w.state(Statement::PilotQuestion, "", "", at(3))
        }),
        (Topic::PilotCriteria, |w| {
            w.state(Statement::PilotCriteria, "", "", at(3))
        }),
        (Topic::PilotEnd, |w| {
            w.state(Statement::PilotEnd, "", "", at(3))
        }),
        (Topic::KillCondition, |w| w.ready.def.kill = None),
        (Topic::Sponsor, |w| w.ready.def.owners.sponsor = None),
        (Topic::BeforeAfterMap, |w| {
            w.state(Statement::BeforeAfterMap, "", "", at(3))
        }),
        (Topic::ProductionPath, |w| {
            w.ready.def.rollout.label = Label::Pilot;
            w.ready.def.rollout.entry.clear();
        }),
    ];
    for (topic, spoil) in cases {
        let mut world = World::good();
        spoil(&mut world);
        assert_eq!(
            world.topics(Label::Pilot),
            BTreeSet::from([topic]),
            "{topic}"
        );
    }
}

#[test]
fn one_person_owns_both_only_with_a_recorded_reason() {
    let mut world = World::good();
    world.ready.def.owners.technical = world.ready.def.owners.operator.clone();
    assert!(
        world.topics(Label::Pilot).is_empty(),
        "a charter field is answered"
    );
    assert_eq!(
        world.topics(Label::Production),
        BTreeSet::from([Topic::TechnicalOwner])
    );
    world.state(
        Statement::OwnerException,
        "",
        "two people only until March",
        at(3),
    );
    assert_eq!(world.topics(Label::Production), BTreeSet::new());
}

#[test]
fn the_old_path_is_claimed_then_verified_then_lapsed() {
    let mut world = World::good();
    world.figures.old_path_at = None;
    world.now = at(13);
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Claimed
    );
    world.now = at(14);
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Verified
    );
    world.figures.old_path_at = Some(at(20));
    world.now = at(21);
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Lapsed
    );
    world.now = at(34);
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Verified
    );
}

#[test]
fn goals_are_held_against_figures_exactly() {
    let mut world = World::good();
    world.figures.stood = 90;
    assert_eq!(
        world.evidence(Topic::GoalAcceptable).state,
        EvidenceState::Verified
    );
    world.figures.stood = 89;
    assert_eq!(
        world.evidence(Topic::GoalAcceptable).state,
        EvidenceState::Claimed
    );
    world.figures.decided = 19;
    let told = world.evidence(Topic::GoalAcceptable);
    assert_eq!(
        (told.state, told.words.as_str()),
        (EvidenceState::Claimed, "fewer than 20 in 30 days")
    );
    world.figures.uncorrected = 1;
    assert_eq!(
        world.evidence(Topic::GoalErrors).state,
        EvidenceState::Claimed
    );
    // An empty queue is kept up with where people decide; where nobody was asked, nobody knows.
    (world.figures.open, world.figures.overdue) = (0, 0);
    let load = |w: &World| w.evidence(Topic::GoalReviewLoad);
    assert_eq!(load(&world).state, EvidenceState::Verified);
    (world.figures.decided, world.figures.stood) = (0, 0);
    assert_eq!(load(&world).state, EvidenceState::Claimed);
    assert!(load(&world).words.starts_with("no data"));
}

#[test]
fn a_statement_has_one_form() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let read = |s: Statement, t: &str| s.read(t, at(0), &zone).map_err(|f| f.words);
    assert_eq!(
        read(Statement::FrictionHours, " 12,5 "),
        Ok("12.5".to_owned())
    );
    assert!(read(Statement::FrictionHours, "0").is_err());
    assert!(read(Statement::FrictionHours, "a lot").is_err());
    assert_eq!(
        read(
            Statement::NinetyDayMetric,
            "override_rate  at most 10 % by 2027-02-28"
        ),
        Ok("override_rate at most 10 % by 2027-02-28".to_owned())
    );
    assert!(read(Statement::NinetyDayMetric, "faster and better").is_err());
    assert!(read(Statement::NinetyDayMetric, "a at most b by 2027-02-28").is_err());
    let unknown = read(
        Statement::NinetyDayMetric,
        "happiness at least 5 by 2027-02-28",
    );
    assert!(unknown.unwrap_err().contains("not computed from records"));
    let past = read(
        Statement::NinetyDayMetric,
        "override_rate at most 10 by 2026-11-19",
    );
    assert_eq!(past, Err("that day is over".to_owned()));
    assert!(read(Statement::TurnoverDate, "2026-11-19").is_err(), "past");
    assert!(read(Statement::TurnoverDate, "2026-11-20").is_ok(), "today");
    assert!(
        read(Statement::TurnoverDate, "2027-05-19").is_ok(),
        "day 180"
    );
    assert!(read(Statement::TurnoverDate, "2027-05-20").is_err());
    for (text, taken) in [
        ("0", false),
        ("1", true),
        ("4", true),
        ("5", false),
        ("most", false),
    ] {
        assert_eq!(
            read(Statement::GoalAccountable, text).is_ok(),
            taken,
            "{text}"
        );
    }
    assert!(read(Statement::MaintenanceBudget, "much").is_err());
    assert_eq!(
        read(Statement::MaintenanceBudget, "1200 EUR"),
        Ok("1200 EUR".to_owned())
    );
    assert!(read(Statement::PilotEnd, "2026-11-20").is_err(), "today");
    assert!(
        read(Statement::PilotEnd, "2027-02-18").is_ok(),
        "the ninetieth day"
    );
    assert!(read(Statement::PilotEnd, "2027-02-19").is_err(), "too long");
    assert!(read(Statement::PilotQuestion, "We try it").is_err());
    assert!(read(Statement::PilotCriteria, "it is good").is_err());
    assert!(
        read(Statement::BeforeAfterMap, &"x ".repeat(300)).is_err(),
        "more than a page"
    );
    assert!(
        read(Statement::TurnoverTest, "passed").is_err(),
        "nobody states it"
    );
    assert_eq!(read(Statement::PilotQuestion, "tbd"), Ok(String::new()));
}

#[test]
fn three_of_four_signs_say_that_it_is_past_the_pilot() {
    let mut world = World::good();
    let facts = Facts::new(world.facts.clone());
    let seen = signs(&world.picture(&facts), crate::workflow::Stage::Auto);
    assert!(seen.iter().all(|s| s.production));
    assert!(past_the_pilot(&seen, Label::Pilot) && past_the_pilot(&seen, Label::Research));
    assert!(!past_the_pilot(&seen, Label::Production));
    world.figures.stood = world.figures.decided;
    let seen = signs(&world.picture(&facts), crate::workflow::Stage::DraftOnly);
    assert_eq!(seen.iter().filter(|s| s.production).count(), 2);
    assert!(!past_the_pilot(&seen, Label::Pilot));
}

#[test]
fn evidence_moves_only_as_the_table_says() {
    use EvidenceEvent as E;
    use EvidenceState as S;
    let legal = [
        (S::Missing, E::Claim, S::Claimed),
        (S::Missing, E::Prove, S::Verified),
        (S::Missing, E::Withdraw, S::Missing),
        (S::Claimed, E::Claim, S::Claimed),
        (S::Claimed, E::Prove, S::Verified),
        (S::Claimed, E::Withdraw, S::Missing),
        (S::Verified, E::Claim, S::Verified),
        (S::Verified, E::Prove, S::Verified),
        (S::Verified, E::Fade, S::Lapsed),
        (S::Lapsed, E::Prove, S::Verified),
        (S::Lapsed, E::Fade, S::Lapsed),
    ];
    for state in S::ALL {
        for event in E::ALL {
            let wanted = legal.iter().find(|l| (l.0, l.1) == (*state, *event));
            assert_eq!(
                state.next(*event).ok(),
                wanted.map(|l| l.2),
                "{state} {event}"
            );
        }
    }
}

#[test]
fn a_pilot_runs_is_due_and_lapses() {
    let world = World::good();
    let facts = Facts::new(world.facts.clone());
    let zone = &world.ready.zone;
    let state = |decided, day| Pilot::of(&facts, Some(at(1)), None, decided, at(day), zone).state;
    assert_eq!(
        Pilot::of(&facts, None, None, None, at(1), zone).state,
        PilotState::Planned
    );
    let proceed = |day| Some((at(day), Choice::Proceed));
    assert_eq!(state(proceed(1), 20), PilotState::Running);
    // A step up in the middle of it is no decision about the pilot; to stop is one at any time.
    assert_eq!(state(proceed(30), 40), PilotState::Running);
    assert_eq!(state(proceed(30), 73), PilotState::Lapsed);
    for choice in [Choice::Narrow, Choice::Redesign, Choice::AnotherPilot] {
        let early = Some((at(30), choice));
        assert_eq!(state(early, 40), PilotState::Running, "{choice}");
        assert_eq!(state(early, 73), PilotState::Lapsed, "{choice}");
        assert_eq!(state(Some((at(60), choice)), 73), PilotState::Decided);
    }
    let stop = Some((at(30), Choice::Stop));
    assert_eq!(state(stop, 40), PilotState::Decided);
    assert_eq!(state(None, 60), PilotState::EvidenceDue);
    assert_eq!(state(None, 73), PilotState::Lapsed);
    assert_eq!(state(proceed(70), 73), PilotState::Decided);
    let mut changed = world.facts.clone();
    changed.push(CharterFact {
        seq: 99,
        at: at(30),
        ..changed[6].clone()
    });
    let pilot = Pilot::of(&Facts::new(changed), Some(at(1)), None, None, at(40), zone);
    assert_eq!(pilot.changed, ["pilot_criteria"]);
}

/// Stated at day 0, begun at day 1, over at the end of 2027-01-31, day 72.
#[test]
fn the_end_of_a_pilot_moves_later_only_by_a_decision_for_another_one() {
    let mut world = World::good();
    let zone = Zone::named("Europe/Berlin").unwrap();
    let of = |w: &World, day| {
        let facts = Facts::new(w.facts.clone());
        Pilot::of(&facts, Some(at(1)), None, None, at(day), &zone)
    };
    let pilot = of(&world, 73);
    let may = |p: &Pilot, day: &str, again: Option<u64>| p.may_end(day, again.map(at), &zone);
    assert!(may(&pilot, "2027-01-31", None).is_ok());
    assert!(may(&pilot, "2027-01-10", None).is_ok(), "earlier");
    assert!(may(&pilot, "", None).is_err(), "it keeps an end");
    let words = may(&pilot, "2027-02-20", None).unwrap_err().words;
    assert!(words.contains("by a decision for another pilot"), "{words}");
    // Day 73 is 2027-02-01; ninety days from then are over on 2027-05-02.
    assert!(may(&pilot, "2027-05-02", Some(73)).is_ok());
    let words = may(&pilot, "2027-05-03", Some(73)).unwrap_err().words;
    assert!(words.contains("at most 90 days"), "{words}");
    // One decision moves it once.
    world.state(Statement::PilotEnd, "", "2027-02-20", at(74));
    let moved = of(&world, 100);
    assert!(may(&moved, "2027-03-01", Some(73)).is_err());
    assert!(may(&moved, "2027-03-01", Some(100)).is_ok());
    // What has not begun may have any end.
    let facts = Facts::new(world.facts.clone());
    let planned = Pilot::of(&facts, None, None, None, at(3), &zone);
    assert!(may(&planned, "", None).is_ok() && may(&planned, "2027-02-01", None).is_ok());
}

#[test]
fn a_pilot_that_came_down_has_an_end_of_its_own() {
    let mut world = World::good();
    let zone = world.ready.zone.clone();
    world.before.came_down = Some(at(200));
    world.now = at(201);
    let of = |w: &World, day| {
        let facts = Facts::new(w.facts.clone());
        Pilot::of(&facts, Some(at(200)), Some(at(200)), None, at(day), &zone)
    };
    let pilot = of(&world, 201);
    // Day 200 is 2027-06-08.
    assert_eq!(
        (pilot.state, pilot.end.as_deref()),
        (PilotState::Running, Some("2027-09-06"))
    );
    let told = world.evidence(Topic::PilotEnd);
    assert_eq!(told.state, EvidenceState::Verified);
    assert!(
        told.words.contains("after its label came down"),
        "{}",
        told.words
    );
    assert_eq!(of(&world, 280).state, PilotState::EvidenceDue);
    assert_eq!(of(&world, 291).state, PilotState::Lapsed);
    // An end that is stated for this pilot is its end.
    world.state(Statement::PilotEnd, "", "2027-07-01", at(202));
    assert_eq!(of(&world, 203).end.as_deref(), Some("2027-07-01"));
}

#[test]
fn without_a_baseline_or_with_a_run_that_cannot_be_told_it_is_no_production() {
    let mut world = World::good();
    world.before.baseline = None;
    assert_eq!(
        world.topics(Label::Production),
        BTreeSet::from([Topic::Baseline])
    );
    assert!(
        Sheet::Charter
            .items()
            .iter()
            .all(|i| i.topic != Topic::Baseline),
        "the charter has nine fields"
    );
    world.before.baseline = Some(BaselineRow {
        after_launch: true,
        ..baseline()
    });
    let told = world.evidence(Topic::Baseline);
    assert_eq!(told.state, EvidenceState::Verified);
    assert_eq!(
        told.words,
        "100 tasks by hand, 2 min 3 s each, 4 wrong: stopwatch, three days, captured after the first run had ended"
    );
    let found = "still pilot: 1 of 10 runs cannot be told from their record, the newest run_x";
    world.state(Statement::LastTen, "", found, at(19));
    assert_eq!(
        world.topics(Label::Production),
        BTreeSet::from([Topic::LastTen])
    );
    assert!(world.topics(Label::Pilot).is_empty(), "a pilot it still is");
    let whole = "all 10 can be told from their record";
    world.state(Statement::LastTen, "", whole, at(20));
    assert!(world.topics(Label::Production).is_empty());
}

#[test]
fn technical_owner_and_sponsor_have_somebody_who_stands_in() {
    let cases: [Faded; 5] = [
        (Topic::TechnicalOwner, EvidenceState::Claimed, |w| {
            w.ready.def.owners.technical_backup = None;
        }),
        (Topic::TechnicalOwner, EvidenceState::Claimed, |w| {
            let o = &mut w.ready.def.owners;
            o.technical_backup = Some(o.technical.clone());
        }),
        (Topic::TechnicalOwner, EvidenceState::Lapsed, |w| {
            w.leave("toru")
        }),
        (Topic::Sponsor, EvidenceState::Claimed, |w| {
            w.ready.def.owners.sponsor_backup = None;
        }),
        (Topic::Sponsor, EvidenceState::Lapsed, |w| w.leave("ruth")),
    ];
    for (topic, state, spoil) in cases {
        let mut world = World::good();
        assert_eq!(world.evidence(topic).state, EvidenceState::Verified);
        spoil(&mut world);
        let found = world.evidence(topic);
        assert_eq!(found.state, state, "{}", found.words);
        assert_eq!(world.topics(Label::Production), BTreeSet::from([topic]));
    }
    let mut world = World::good();
    world.ready.def.owners.sponsor_backup = None;
    let words = world.evidence(Topic::Sponsor).words;
    assert!(
        words.ends_with("[owners] sponsor_backup is not named"),
        "{words}"
    );
}

#[test]
fn a_metric_whose_day_is_over_needs_its_verdict() {
    let mut world = World::good();
    world.now = at(99);
    let metric = |w: &World| w.evidence(Topic::NinetyDayMetric);
    assert_eq!(metric(&world).state, EvidenceState::Verified, "2027-02-27");
    world.now = at(101);
    let over = metric(&world);
    assert_eq!(over.state, EvidenceState::Lapsed);
    assert!(
        over.words.contains("over without a verdict"),
        "{}",
        over.words
    );
    world.before.verdict = Some("Met: override_rate 5 %".to_owned());
    let judged = metric(&world);
    assert_eq!(judged.state, EvidenceState::Verified);
    assert!(
        judged.words.ends_with(": Met: override_rate 5 %"),
        "{}",
        judged.words
    );
}

#[test]
fn support_by_nobody_or_by_its_builder_alone_stops_production_and_no_pilot() {
    let cases: [Spoilt; 4] = [
        ("no support owner", |w| w.ready.def.owners.support = None),
        ("builds it", |w| {
            w.ready.def.owners.support = Some(w.ready.def.owners.technical.clone());
        }),
        ("not active", |w| {
            let gone = w.ready.def.owners.support.as_mut().unwrap();
            gone.handle = "gone".to_owned();
        }),
        ("nobody says where", |w| {
            w.ready.def.workflow.support = "TBD".to_owned();
        }),
    ];
    for (words, spoil) in cases {
        let mut world = World::good();
        spoil(&mut world);
        assert!(
            world
                .topics(Label::Production)
                .contains(&Topic::SupportOwner),
            "{words}"
        );
        let said = world.evidence(Topic::SupportOwner).words;
        assert!(said.contains(words), "{said}");
        assert!(!world.topics(Label::Pilot).contains(&Topic::SupportOwner));
    }
}

#[test]
fn a_gap_in_what_happens_when_it_is_wrong_stops_production() {
    let world = World::good();
    let now = |stage, alternative| InForce {
        stage,
        alternative,
        can_be_stopped: true,
    };
    let mut def = world.ready.def.clone();
    let auto = now(Stage::Auto, false);
    assert_eq!(missing_parts(&def, auto), [WrongPart::SecondLook]);
    def.review.second_look.automatic_percent = 5.0;
    assert_eq!(missing_parts(&def, auto), []);
    def.degraded.model = Some(crate::definition::DegradedPlan::Alternative);
    assert_eq!(missing_parts(&def, auto), [WrongPart::Meanwhile]);
    assert_eq!(missing_parts(&def, now(Stage::Auto, true)), []);
    def.degraded.destination = None;
    def.owners.sponsor = None;
    def.workflow.support = " ".to_owned();
    def.review.second_look.automatic_percent = 0.0;
    def.review.second_look.human_percent = 0.0;
    let nobody = InForce {
        can_be_stopped: false,
        ..now(Stage::Auto, true)
    };
    assert_eq!(missing_parts(&def, nobody), WrongPart::ALL);
    let looked = now(Stage::ApprovalFirst, true);
    assert!(!missing_parts(&def, looked).contains(&WrongPart::SecondLook));

    let mut world = World::good();
    assert!(world.topics(Label::Production).is_empty());
    world.wrong = vec![WrongPart::Stop];
    assert_eq!(
        world.topics(Label::Production),
        BTreeSet::from([Topic::WrongPage])
    );
    assert!(world.topics(Label::Pilot).is_empty());
}

#[test]
fn a_stub_shows_a_live_write_back_only_on_a_test_instance_that_declares_it() {
    let world = World::good();
    let mut action = world.ready.def.action[0].clone();
    action.url = Some("https://desk.example.com/tickets".to_owned());
    assert!(
        action.is_live(true) && !action.is_live(false),
        "declared a stub"
    );
    action.stands_for = None;
    assert!(!action.is_live(true) && action.is_live(false));
    for here in [
        "http://127.0.0.1:9/x",
        "http://localhost/x",
        "http://[::1]/x",
    ] {
        action.url = Some(here.to_owned());
        assert!(!action.is_live(false), "{here}");
    }
    action.url = Some("https://desk.example.com/tickets".to_owned());
    action.class = crate::action::ActionClass::Draft;
    assert!(!action.is_live(false), "a draft acts on nothing");
}
