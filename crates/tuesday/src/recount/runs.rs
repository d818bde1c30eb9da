//! What the log says about each run: when it came and ended, what the model was asked and what that cost,
//! what people were asked, how long they looked and what they said.

use std::collections::{BTreeMap, HashMap, HashSet};

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::time::Zone;

use super::entry::{Entry, day_number};

/// States in which a task still waits.
const WAITING: [&str; 3] = ["open", "claimed", "suspended"];

/// A word that many runs share, kept once.
pub(super) type Word = u16;

/// One task of a run. Times are microseconds.
pub(super) struct Task {
    pub(super) kind: Word,
    /// Why a person was asked; absent for what was asked aside.
    pub(super) reason: Option<Word>,
    pub(super) opened: i64,
    pub(super) decided: Option<i64>,
    pub(super) decision: Option<Word>,
    /// Milliseconds in view; absent when nobody opened it.
    pub(super) seen_ms: Option<u64>,
}

/// What one model call cost.
pub(super) struct Paid {
    pub(super) again: bool,
    pub(super) currency: Word,
    pub(super) micros: i64,
}

/// One run.
#[derive(Default)]
pub(super) struct Run {
    pub(super) day: i64,
    pub(super) release: Word,
    pub(super) received: i64,
    pub(super) finished: Option<i64>,
    pub(super) outcome: Option<Word>,
    pub(super) reason: Option<Word>,
    /// The tier of its first output task.
    pub(super) tier: Option<Word>,
    pub(super) sent: Option<i64>,
    pub(super) model_us: i64,
    /// Each of its calls, in milliseconds.
    pub(super) calls_ms: Vec<u32>,
    pub(super) paid: Vec<Paid>,
    pub(super) unreported: u64,
    pub(super) unpriced: Vec<Word>,
    pub(super) tasks: Vec<Task>,
    /// What the second look said: wrong.
    pub(super) wrong: Option<bool>,
}

/// All runs of the workflow.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) all: Vec<Run>,
    words: Vec<String>,
    known: HashMap<String, Word>,
    at: HashMap<u128, u32>,
    tasks: HashMap<u128, (u32, u16)>,
    /// Runs that were placed to test the reviewers; no figure counts them.
    placed: HashSet<u128>,
}

impl Runs {
    /// The word behind its number.
    pub(super) fn said(&self, word: Word) -> &str {
        &self.words[usize::from(word)]
    }

    fn word(&mut self, text: &str) -> Word {
        if let Some(word) = self.known.get(text) {
            return *word;
        }
        let word = Word::try_from(self.words.len()).unwrap_or(Word::MAX);
        self.words.push(text.to_owned());
        self.known.insert(text.to_owned(), word);
        word
    }

    /// Whether an entry is about a run of the workflow.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        let id = entry.run.as_deref().and_then(run_number);
        id.is_some_and(|id| self.at.contains_key(&id))
    }

    /// Takes in what an entry says about a run of the workflow.
    pub(super) fn read(&mut self, entry: &Entry, workflow: &str, zone: &Zone) {
        match entry.kind.as_str() {
            "seed.placed" => {
                let run = entry.text("seed").and_then(run_number);
                self.placed.extend(run);
            }
            "review.opened_by" | "review.read_by" => self.looked(entry),
            "run.accepted" if entry.text("workflow") == Some(workflow) => self.begin(entry, zone),
            _ => self.go_on(entry),
        }
    }

    /// What only reading needed is let go.
    pub(super) fn close(&mut self) {
        self.at = HashMap::new();
        self.tasks = HashMap::new();
    }

    fn begin(&mut self, entry: &Entry, zone: &Zone) {
        let Some(id) = entry.run.as_deref().and_then(run_number) else {
            return;
        };
        if self.placed.contains(&id) {
            return;
        }
        let release = self.word(entry.text("release").unwrap_or_default());
        let day = day_number(&zone.day(entry.at)).unwrap_or_default();
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Run {
            day,
            release,
            received: entry.at.micros(),
            ..Run::default()
        });
        self.at.insert(id, place);
        self.go_on(entry);
    }

    fn go_on(&mut self, entry: &Entry) {
        let id = entry.run.as_deref().and_then(run_number);
        let Some(place) = id.and_then(|id| self.at.get(&id).copied()) else {
            return;
        };
        self.call(entry, place);
        self.moves(entry, place);
        let outcome = entry.text("outcome").map(|w| self.word(w));
        let release = (entry.kind == "run.release_changed")
            .then(|| entry.text("release"))
            .flatten()
            .map(|w| self.word(w));
        let run = &mut self.all[place as usize];
        if let Some(outcome) = outcome {
            run.outcome = Some(outcome);
            run.finished = Some(entry.at.micros());
        }
        if let Some(release) = release {
            run.release = release;
        }
        // `action NAME BEFORE AFTER …`: it begins to be sent when it comes to it.
        let sends =
            |m: &String| m.starts_with("action ") && m.split(' ').skip(3).any(|w| w == "sending");
        if entry.moves.iter().any(sends) {
            let at = entry.at.micros();
            run.sent = Some(run.sent.map_or(at, |sent| sent.min(at)));
        }
        if entry.kind == "review.second_look" {
            run.wrong = entry.text("result").map(|r| r == "incorrect");
        }
    }

    /// A model call: what it took and what it cost, or that nobody knows.
    fn call(&mut self, entry: &Entry, place: u32) {
        let Some(took) = entry.int("took_us") else {
            return;
        };
        let again = entry.int("attempt").is_some_and(|n| n > 1);
        let known = entry.int("input_tokens").is_some();
        let currency = self.word(entry.text("currency").unwrap_or_default());
        let model = self.word(entry.text("model").unwrap_or_default());
        let run = &mut self.all[place as usize];
        run.model_us += took;
        run.calls_ms
            .push(u32::try_from(took.max(0) / 1_000).unwrap_or(u32::MAX));
        match entry.int("cost_micros") {
            Some(0) => {}
            Some(micros) => run.paid.push(Paid {
                again,
                currency,
                micros,
            }),
            None if known => run.unpriced.push(model),
            None => run.unreported += 1,
        }
    }

    /// Tasks that open, and tasks that are decided.
    fn moves(&mut self, entry: &Entry, place: u32) {
        for moved in &entry.moves {
            let parts: Vec<&str> = moved.split(' ').collect();
            match parts.as_slice() {
                ["review", id, "open"] => self.open(entry, place, id),
                ["review", id, _, after] if !WAITING.contains(after) => {
                    let decision = entry.text("decision").map(|w| self.word(w));
                    if let Some(task) = self.task(id) {
                        task.decided = Some(entry.at.micros());
                        task.decision = decision;
                    }
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, entry: &Entry, place: u32, id: &str) {
        let kind = self.word(entry.text("asks").unwrap_or_default());
        let tier = self.word(entry.text("tier").unwrap_or_default());
        let reason = entry.text("task_reason").map(|w| self.word(w));
        let is_output = entry.text("asks") == Some("output");
        let run = &mut self.all[place as usize];
        if reason.is_some() {
            run.reason = reason;
        }
        if is_output && run.tier.is_none() {
            run.tier = Some(tier);
        }
        let nth = u16::try_from(run.tasks.len()).unwrap_or(u16::MAX);
        run.tasks.push(Task {
            kind,
            reason,
            opened: entry.at.micros(),
            decided: None,
            decision: None,
            seen_ms: None,
        });
        if let Some(id) = review_number(id) {
            self.tasks.insert(id, (place, nth));
        }
    }

    fn task(&mut self, id: &str) -> Option<&mut Task> {
        let (place, nth) = *self.tasks.get(&review_number(id)?)?;
        let run = self.all.get_mut(place as usize)?;
        run.tasks.get_mut(usize::from(nth))
    }

    /// Somebody had a task in view.
    fn looked(&mut self, entry: &Entry) {
        let seen = entry.int("seen_ms").and_then(|ms| u64::try_from(ms).ok());
        let id = entry.text("review").map(str::to_owned);
        if let Some(task) = id.and_then(|id| self.task(&id)) {
            task.seen_ms = Some(task.seen_ms.unwrap_or(0) + seen.unwrap_or(0));
        }
    }

    /// How many runs have each reason why a person got them.
    pub(super) fn reasons<'a>(
        &'a self,
        runs: impl Iterator<Item = &'a Run>,
    ) -> BTreeMap<&'a str, i64> {
        let mut out = BTreeMap::new();
        for run in runs.filter(|r| self.was_asked(r)) {
            let word = run.reason.map_or("unclassified", |w| self.said(w));
            *out.entry(word).or_default() += 1;
        }
        out
    }

    /// Whether people had to look at the run before it went on.
    pub(super) fn was_asked(&self, run: &Run) -> bool {
        run.tasks.iter().any(|t| self.said(t.kind) != "second_look")
    }
}

fn run_number(text: &str) -> Option<u128> {
    text.parse::<RunId>().ok().map(|id| id.uuid().as_u128())
}

fn review_number(text: &str) -> Option<u128> {
    text.parse::<ReviewId>().ok().map(|id| id.uuid().as_u128())
}
