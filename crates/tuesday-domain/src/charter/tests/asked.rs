//! Lists that are asked for by name: the scoped bet, the goals of going live, the order of what to do
//! next, and evidence that ages.

use super::*;

#[test]
fn each_of_the_six_parts_of_a_bet_is_named_when_it_is_missing() {
    let cases: [Loss; 6] = [
        (Topic::Provenance, |w| w.ready.def.source.clear()),
        (Topic::OutputFormat, |w| w.ready.def.output.schema.clear()),
        (Topic::OperatorOwner, |w| w.leave("maren")),
        (Topic::KillCondition, |w| w.ready.def.kill = None),
        (Topic::MaintenanceBudget, |w| {
            w.state(Statement::MaintenanceBudget, "", "TBD", at(3));
        }),
        (Topic::ProductionPath, |w| w.ready.def.action.clear()),
    ];
    let named: BTreeSet<_> = cases.iter().map(|c| c.0).collect();
    let asked: BTreeSet<_> = Sheet::Bet.items().iter().map(|i| i.topic).collect();
    assert_eq!(named, asked, "every part has its case");
    for (topic, spoil) in cases {
        let mut world = World::good();
        spoil(&mut world);
        // What the lint keeps from being empty is there whatever the package lacks.
        let always = matches!(topic, Topic::Provenance | Topic::OutputFormat);
        assert_ne!(
            world.topics(Label::Pilot).contains(&topic),
            always,
            "{topic}"
        );
    }
}

#[test]
fn each_goal_of_going_live_that_is_not_met_stops_production_alone() {
    let cases: [Loss; 5] = [
        (Topic::GoalAcceptable, |w| w.figures.stood = 89),
        (Topic::GoalReviewLoad, |w| w.figures.overdue = 1),
        (Topic::GoalIntegration, |w| w.figures.failed = 9),
        (Topic::GoalAccountable, |w| w.before.weeks_signed = 2),
        (Topic::GoalErrors, |w| w.figures.uncorrected = 1),
    ];
    let named: BTreeSet<_> = cases.iter().map(|c| c.0).collect();
    let asked: BTreeSet<_> = Sheet::Goals.items().iter().map(|i| i.topic).collect();
    assert_eq!(named, asked);
    for (topic, spoil) in cases {
        let mut world = World::good();
        spoil(&mut world);
        assert_eq!(
            world.topics(Label::Production),
            BTreeSet::from([topic]),
            "{topic}"
        );
    }
}

#[test]
fn state_and_audit_come_first_and_no_prompt_is_in_the_order() {
    let titles: Vec<&str> = Sheet::Order.items().iter().map(|i| i.title).collect();
    let wanted = [
        "State and audit",
        "Reviewer queue",
        "Overrides are kept",
        "Write-back",
        "Cases",
        "Gate",
    ];
    assert_eq!(titles, wanted);
    let mut bare = World::good();
    bare.figures = Figures::default();
    bare.release.gate = None;
    bare.release.cases.clear();
    let facts = Facts::new(bare.facts.clone());
    let open: Vec<Topic> = sheet(Sheet::Order, &bare.picture(&facts))
        .into_iter()
        .filter(|e| !e.clean())
        .map(|e| e.item.topic)
        .collect();
    let wanted = [
        Topic::AuditTrail,
        Topic::OverrideLogging,
        Topic::WriteBack,
        Topic::CaseKinds,
        Topic::Gate,
    ];
    assert_eq!(open, wanted);
}

#[test]
fn a_friday_test_is_evidence_for_a_quarter_and_stops_no_label() {
    let mut world = World::good();
    assert_eq!(
        world.evidence(Topic::FridayTest).state,
        EvidenceState::Missing
    );
    world.state(
        Statement::FridayTest,
        "",
        "passed: 7 of 7 right in 9 min",
        at(10),
    );
    assert_eq!(
        world.evidence(Topic::FridayTest).state,
        EvidenceState::Verified
    );
    world.now = at(10 + 92);
    assert_eq!(
        world.evidence(Topic::FridayTest).state,
        EvidenceState::Lapsed
    );
    world.now = at(20);
    world.state(
        Statement::FridayTest,
        "",
        "failed: 3 of 7 right in 20 min",
        at(11),
    );
    assert_eq!(
        world.evidence(Topic::FridayTest).state,
        EvidenceState::Missing
    );
    assert!(world.topics(Label::Production).is_empty());
}

#[test]
fn each_of_the_six_conditions_is_that_of_a_pilot_until_it_is_shown() {
    for item in Sheet::Conditions.items() {
        let (pilot, production) = condition(item.topic).unwrap();
        assert_ne!(pilot, production, "{}", item.title);
    }
    let other = Sheet::Scope
        .items()
        .iter()
        .filter(|i| condition(i.topic).is_some());
    assert_eq!(other.count(), 1, "the owner is asked in both");
    let world = World::good();
    let facts = Facts::new(world.facts.clone());
    let all = sheet(Sheet::Conditions, &world.picture(&facts));
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(Entry::clean));
    let mut world = World::good();
    world.facts.retain(|f| f.about != "lena");
    let facts = Facts::new(world.facts.clone());
    let all = sheet(Sheet::Conditions, &world.picture(&facts));
    let pilot: Vec<&str> = all
        .iter()
        .filter(|e| !e.clean())
        .map(|e| e.item.title)
        .collect();
    assert_eq!(pilot, ["Users"]);
}

#[test]
fn an_answer_counts_where_no_record_tells_and_is_marked_where_one_does() {
    let mut world = World::good();
    world.figures.stood = world.figures.decided;
    let read = |world: &World| {
        let facts = Facts::new(world.facts.clone());
        signs(&world.picture(&facts), Stage::Auto)
    };
    let [_, wrong, ..] = read(&world);
    assert!(
        wrong.open() && !wrong.production,
        "nothing was wrong, so nobody saw what happens"
    );
    world.state(
        Statement::SignAnswer,
        "wrong_output",
        "production: its owner corrects it",
        at(20),
    );
    let [_, wrong, _, rules] = read(&world);
    assert!(wrong.production && !wrong.contradicted() && wrong.seen.is_none());
    assert_eq!(wrong.answer.unwrap().words, "its owner corrects it");
    assert!(rules.production && rules.seen == Some(true));
    world.state(
        Statement::SignAnswer,
        "rule_changes",
        "pilot: its builder changes them",
        at(20),
    );
    let [.., rules] = read(&world);
    assert!(
        rules.contradicted() && rules.production,
        "the records count"
    );
    // What is taken back answers nothing.
    world.state(Statement::SignAnswer, "wrong_output", "", at(20));
    assert!(read(&world)[1].open());
    let said = |text: &str| {
        Statement::SignAnswer.read(text, at(0), &Zone::named("Europe/Berlin").unwrap())
    };
    assert_eq!(
        said("Production:  they do "),
        Ok("production: they do".to_owned())
    );
    for text in ["yes", "production", "production: tbd", "both: a bit"] {
        assert!(said(text).is_err(), "{text}");
    }
}

#[test]
fn the_manual_way_back_stays_written_down() {
    let mut world = World::good();
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Verified
    );
    world.ready.def.manual.instructions = "TBD".to_owned();
    assert_eq!(
        world.evidence(Topic::ManualPathRetired).state,
        EvidenceState::Claimed
    );
    let mut world = World::good();
    world
        .facts
        .retain(|f| f.statement != Statement::OldPathSignal);
    let none = world.evidence(Topic::ManualPathRetired);
    assert_eq!(none.state, EvidenceState::Missing);
    assert!(
        none.words.contains("no signal of the old way is declared"),
        "{}",
        none.words
    );
}
