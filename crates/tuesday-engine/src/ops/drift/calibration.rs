//! Whether stated confidence comes true, and what follows: a rule that rests on a confidence which cannot be
//! relied on lets nothing through. Looked at again and again; what is found is told, and only fresh outcomes
//! or a person take it back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::drift::calibration::{
    Band, BandCount, BandState, BandTrust, LEAST, RELIED_DAYS, Relied, TOLERANCE_PPM, Trust,
    WINDOW_DAYS, looked, same_to_act_by, told,
};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::release::news::told_differently;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::workflow::Label;
use tuesday_store::DayState;

use super::{SYSTEM, signal};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};
use crate::ops::release::side;
use crate::ops::standing::{Move, reasoned};

/// The kind of signal that is posted when a band is found miscalibrated; pause rules can count it.
const KIND: &str = "miscalibrated";

/// A band as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct BandShown {
    /// `0.90-1.00`.
    pub band: Band,
    /// How far it can be relied on.
    pub state: BandState,
    /// A rule may let runs through that rests on it.
    pub holds: bool,
    /// Runs of which a person said whether the output was right.
    pub runs: u64,
    /// Of them, right as they stood.
    pub right: u64,
    /// What was stated, in millionths: the mean.
    pub stated_ppm: Option<i64>,
    /// The share that was right.
    pub right_ppm: Option<i64>,
    /// The lower end of its 95 % interval.
    pub low_ppm: Option<i64>,
    /// The upper end.
    pub high_ppm: Option<i64>,
    /// Only runs from this day on count.
    pub from: Option<Day>,
    /// Why it is off, in words with the figures that were found; what is relied on by whose word.
    pub words: Option<String>,
}

/// Stated confidence against what people said.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// The day in the workflow's time zone.
    pub today: Day,
    /// The pinned model whose confidence it is.
    pub model: String,
    /// A test instance grants what evidence would have to show.
    pub granted: bool,
    /// Outcomes that a band needs.
    pub least: u64,
    /// How far right may lie below stated, in millionths.
    pub tolerance_ppm: i64,
    /// Older outcomes do not count, in days.
    pub window_days: i64,
    /// Every band, the lowest first.
    pub bands: Vec<BandShown>,
}

impl Calibration {
    /// Is a band miscalibrated?
    #[must_use]
    pub fn is_off(&self) -> bool {
        let off = |b: &BandShown| b.state == BandState::Miscalibrated;
        self.bands.iter().any(off)
    }

    /// One row for each band. No cell needs quotes.
    #[must_use]
    pub fn csv(&self) -> String {
        let number = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        let rows = self.bands.iter().map(|b| {
            format!(
                "{},{},{},{},{},{},{},{},{}\r\n",
                b.band,
                b.state,
                if b.holds { "yes" } else { "no" },
                b.runs,
                b.right,
                number(b.stated_ppm),
                number(b.right_ppm),
                number(b.low_ppm),
                number(b.high_ppm)
            )
        });
        let head = "band,state,holds,outcomes,right,stated_ppm,right_ppm,low_ppm,high_ppm\r\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }
}

/// What the days say, by day and band.
struct Evidence(Vec<(Day, BTreeMap<Band, BandCount>)>);

impl Evidence {
    fn of(days: &[DayState], releases: &[ReleaseId]) -> Self {
        let each = days.iter().filter_map(|d| {
            let mut sums: BTreeMap<Band, BandCount> = BTreeMap::new();
            for row in d.rows.iter().filter(|r| releases.contains(&r.release)) {
                for (band, count) in &row.figures.sure {
                    sums.entry(*band).or_default().merge(count);
                }
            }
            Some((Day::parse(&d.day).ok()?, sums))
        });
        Self(each.collect())
    }

    fn count(&self, band: Band, from: Option<Day>) -> BandCount {
        let mut sum = BandCount::default();
        let days = self
            .0
            .iter()
            .filter(|(day, _)| from.is_none_or(|f| *day >= f));
        days.filter_map(|(_, sums)| sums.get(&band))
            .for_each(|c| sum.merge(c));
        sum
    }
}

fn shown(band: Band, trust: &Trust, evidence: &Evidence) -> BandShown {
    let known = trust.band(band);
    let state = known.map_or(BandState::Few, |b| b.state);
    let from = known.and_then(|b| b.from);
    let count = evidence.count(band, from);
    let ends = count.interval();
    let words = known.and_then(|b| match (b.state, &b.relied) {
        (BandState::Miscalibrated, _) => Some(told(&b.rests_on)),
        (BandState::Relied, Some(r)) => Some(format!(
            "{} relies on it until {}: {}",
            r.by,
            r.until.rfc3339(),
            r.reason
        )),
        _ => None,
    });
    BandShown {
        band,
        state,
        holds: state.holds() || (trust.granted && state == BandState::Few),
        runs: count.runs,
        right: count.right,
        stated_ppm: count.mean_ppm(),
        right_ppm: count.right_ppm(),
        low_ppm: ends.map(|e| e.0),
        high_ppm: ends.map(|e| e.1),
        from,
        words,
    }
}

/// The bands whose state moved: before and after.
fn moves(old: &Trust, new: &Trust) -> Vec<(Band, BandState, BandState)> {
    let state = |t: &Trust, band| t.band(band).map_or(BandState::Few, |b: &BandTrust| b.state);
    let each = Band::ALL
        .iter()
        .map(|b| (*b, state(old, *b), state(new, *b)));
    each.filter(|(_, was, is)| was != is).collect()
}

fn same_voice(a: &LiveRelease, b: &LiveRelease) -> bool {
    a.id == b.id || (a.artifact == b.artifact && told_differently(side(a), side(b)).is_empty())
}

impl Engine {
    /// Stated confidence against what people said, band by band.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn calibration(&self, name: &str) -> Result<Calibration, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let today = self.today(Some(name)).await?;
        let (trust, evidence) = self.look_at_confidence(&row, &live, today).await?;
        Ok(Calibration {
            workflow: row.name.clone(),
            title: row.title.clone(),
            today,
            model: live.ready.model.pin.clone(),
            granted: trust.granted,
            least: LEAST,
            tolerance_ppm: TOLERANCE_PPM,
            window_days: WINDOW_DAYS,
            bands: Band::ALL
                .iter()
                .map(|band| shown(*band, &trust, &evidence))
                .collect(),
        })
    }

    /// How the bands stand by what is known now.
    async fn look_at_confidence(
        &self,
        row: &Workflow,
        live: &LiveRelease,
        today: Day,
    ) -> Result<(Trust, Evidence), Problem> {
        let (from, to) = (today.plus(1 - WINDOW_DAYS).to_string(), today.to_string());
        let days = self
            .0
            .reader
            .day_figures(Some(&row.name), None, (&from, &to));
        let days = days.await.map_err(read_problem)?;
        let old = &row.rollout.trust;
        let seen = days.iter().flat_map(|d| &d.rows);
        let counted = seen
            .filter(|r| !r.figures.sure.is_empty())
            .map(|r| r.release);
        let mut ids: Vec<ReleaseId> = counted
            .chain(old.releases.iter().copied())
            .chain([row.live_release])
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut releases = Vec::new();
        for id in ids {
            // One that cannot be loaded is nobody's evidence; the release watch tells of it.
            match self.loaded(id).await {
                Ok(other) if same_voice(live, &other) => releases.push(id),
                Ok(_) | Err(_) => {}
            }
        }
        let evidence = Evidence::of(&days, &releases);
        let of = |band: Band, from: Option<Day>| evidence.count(band, from);
        let trust = looked(old, releases, &of, (today, self.now()));
        Ok((trust, evidence))
    }

    /// Judges the confidence of a workflow and keeps what moved. Two nodes that do so at once keep it once.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn watch_calibration(&self, seen: &Workflow) -> Result<(), Problem> {
        if seen.label == Label::Retired {
            return Ok(());
        }
        let row = self.standing(&seen.name).await?;
        let live = self.loaded(row.live_release).await?;
        let today = self.today(Some(&row.name)).await?;
        let (trust, _) = self.look_at_confidence(&row, &live, today).await?;
        if same_to_act_by(&row.rollout.trust, &trust) {
            return Ok(());
        }
        let moved = moves(&row.rollout.trust, &trust);
        if moved.is_empty() && trust.bands.is_empty() {
            // Another release and nothing known about either: nothing anybody could act by.
            return Ok(());
        }
        let moved = self.judged_move(row, &live, trust, &moved);
        let reason = "stated confidence against what people said";
        self.commit_move(moved, &SYSTEM, reason).await.map(drop)
    }

    fn judged_move(
        &self,
        mut row: Workflow,
        live: &LiveRelease,
        trust: Trust,
        moved: &[(Band, BandState, BandState)],
    ) -> Move {
        let name = row.name.clone();
        let number = row.version + 1;
        let each = moved
            .iter()
            .map(|(band, was, is)| format!("confidence {band} {was} {is}"));
        let words = each.reduce(|all, one| format!("{all}; {one}"));
        // Nothing moved but whose outcomes they are.
        let words = words.unwrap_or_else(|| format!("release {} counts", live.number));
        let lost = moved
            .iter()
            .filter(|(_, was, is)| was.holds() && !is.holds() || *is == BandState::Miscalibrated);
        let off: Vec<String> = lost
            .map(|(band, _, is)| {
                let found = trust.band(*band).map(|b| told(&b.rests_on));
                format!("{band} is {is} ({})", found.unwrap_or_default())
            })
            .collect();
        let bad = moved
            .iter()
            .any(|(_, _, is)| *is == BandState::Miscalibrated);
        let bands = serde_json::to_value(&trust.bands).unwrap_or_default();
        row.rollout.trust = Arc::new(trust);
        let mut out = Move::new(row, "calibration.judged", words);
        out.facts = vec![
            ("bands", bands),
            ("model", live.ready.model.pin.clone().into()),
        ];
        if off.is_empty() {
            return out;
        }
        let said = format!("stated confidence {}", off.join("; "));
        if bad {
            let trouble = Trouble::new(Category::Miscalibrated, name.clone(), Some(&name), &said);
            out.changes = vec![
                signal(&name, KIND, number, self.now()),
                self.report_trouble(trouble),
            ];
        }
        out.tell(format!(
            "{said}: rules that rest on it let nothing through; see tuesday drift calibration {name}"
        ))
    }

    /// A person relies on a miscalibrated band, for some days at most, until fresh outcomes are there.
    ///
    /// # Errors
    /// `illegal_state` when it is not miscalibrated, `reason_required`, `not_allowed`, `workflow_retired`,
    /// `unknown_workflow`, `revision_moved`.
    pub async fn rely_on(
        &self,
        name: &str,
        band: Band,
        reason: &str,
        by: &str,
    ) -> Result<Relied, Problem> {
        reasoned(reason)?;
        self.allowed(Act::EditRules, name, by).await?;
        let mut row = self.not_retired(name).await?;
        let (now, today) = (self.now(), self.today(Some(name)).await?);
        let trust = Arc::make_mut(&mut row.rollout.trust);
        let found = trust.bands.iter_mut().find(|b| b.band == band);
        let Some(own) = found.filter(|b| b.state == BandState::Miscalibrated) else {
            let words = format!("the confidence {band} of {name} is not miscalibrated");
            return Err(Problem::new("illegal_state", words).field("band").way_out(
                "what lacks outcomes needs outcomes: people look until there are enough",
            ));
        };
        let relied = Relied {
            by: by.to_owned(),
            reason: reason.trim().to_owned(),
            until: now.plus(Duration::from_secs(RELIED_DAYS * 86_400)),
        };
        own.state = BandState::Relied;
        own.from = Some(today.plus(1));
        own.relied = Some(relied.clone());
        let rests = told(&own.rests_on);
        let words = format!("confidence {band} miscalibrated relied_on");
        let mut moved = Move::new(row, "calibration.relied", words);
        moved.facts = vec![
            ("until", relied.until.rfc3339().into()),
            ("found", rests.into()),
        ];
        let moved = moved.tell(format!(
            "{by} relies on the confidence {band} although it is miscalibrated, until {} or fresh outcomes: {}",
            relied.until.rfc3339(),
            relied.reason
        ));
        self.commit_move(moved, &Actor::Person(by.to_owned()), reason)
            .await?;
        Ok(relied)
    }
}
