//! The runs of a workflow, newest first: a page for each, and lists by the month of receipt. A list is cut
//! after some hundred lines, so that neither the page nor what is held in memory grows with the runs.

use std::collections::BTreeMap;

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Run, Workflow};
use tuesday_engine::ops::KeptRun;
use tuesday_store::RunFilter;

use super::Making;
use super::page::{Answer, Block, Body, Cell, Link, Page, number, table};
use crate::console::words::{author, code, count, money, moved};
use crate::refusal::read_problem;

/// Runs read at once.
const READ: usize = 200;
/// Readings of a run that moves meanwhile.
const READINGS: u32 = 10;
/// Lines of a list.
const LINES: usize = 500;

/// What the runs of a workflow came to.
#[derive(Default)]
pub(super) struct Told {
    pub(super) total: u64,
    /// Runs and pages by month.
    pub(super) months: BTreeMap<String, Month>,
    /// Runs by how they ended.
    pub(super) ends: BTreeMap<String, u64>,
}

/// A month.
#[derive(Default)]
pub(super) struct Month {
    pub(super) runs: u64,
    pages: u32,
    /// Cost of model calls in millionths by currency.
    pub(super) cost: BTreeMap<String, i64>,
    /// Runs with a call whose cost nobody reported.
    pub(super) unknown: u64,
}

/// A list that is being filled.
#[derive(Default)]
struct List {
    month: String,
    rows: Vec<Vec<Cell>>,
}

/// Where the list ends before a run of this month: whether more of the list's month follow.
///
/// Ids grow with time, days of receipt only nearly: a list never goes back to a later month.
fn ends_before(month: &mut String, lines: usize, own: &str) -> Option<bool> {
    if month.is_empty() {
        own.clone_into(month);
        return None;
    }
    if own < month.as_str() {
        own.clone_into(month);
        return Some(false);
    }
    (lines == LINES).then_some(true)
}

/// The file of a list.
pub(super) fn list_name(workflow: &str, month: &str, page: u32) -> String {
    let tail = if page > 1 {
        format!("-{page}")
    } else {
        String::new()
    };
    format!("workflows/{workflow}/runs/{month}{tail}.html")
}

impl Making<'_> {
    /// A run with its story and contents, all of one moment: it is read again when it moved in between.
    async fn at_rest(&self, run: &Run) -> Result<(Run, KeptRun), Problem> {
        let mut run = run.clone();
        for _ in 0..READINGS {
            let kept = Box::pin(self.engine.kept_run(&run, self.wish.clearance)).await?;
            let now = self
                .engine
                .reader()
                .run(run.id)
                .await
                .map_err(read_problem)?;
            match now {
                Some(now) if now != run => run = now,
                _ => return Ok((run, kept)),
            }
        }
        let words = format!("{} does not stand still long enough to be read", run.id);
        Err(Problem::new("unavailable", words).way_out("pause its workflow, or try again later"))
    }

    /// Whether something of the run happened after the bound.
    fn is_later(&self, kept: &KeptRun) -> bool {
        let moments = kept.story.timeline.iter();
        moments
            .map(|m| m.index)
            .any(|i| i.is_none_or(|i| i >= self.entries))
    }

    /// Writes every run that was received up to the bound.
    pub(super) async fn runs(&mut self, w: &Workflow) -> Result<Told, Problem> {
        let filter = RunFilter {
            workflow: Some(w.name.clone()),
            ..RunFilter::default()
        };
        let mut told = Told::default();
        let mut list = List::default();
        let mut after = None;
        loop {
            let read = self.engine.reader().run_page(&filter, after, READ).await;
            let read = read.map_err(read_problem)?;
            after = read.last().map(|r| r.id);
            for run in &read {
                if run.received_at > self.at {
                    continue;
                }
                let (run, kept) = &Box::pin(self.at_rest(run)).await?;
                let own = run.batch.get(..7).unwrap_or("0000-00");
                let ended = list.month.clone();
                if let Some(more) = ends_before(&mut list.month, list.rows.len(), own) {
                    self.list(w, (&ended, more), &mut list.rows, &mut told)?;
                }
                self.run(w, run, kept, &list.month)?;
                list.rows.push(row(w, run, kept, &list.month));
                counted(&mut told, run, kept, &list.month);
                self.went_on += u64::from(self.is_later(kept));
                (self.progress)("runs", told.total);
            }
            if read.len() < READ {
                self.list(w, (&list.month, false), &mut list.rows, &mut told)?;
                return Ok(told);
            }
        }
    }

    /// Writes the list so far; whether `more` of the same month follow.
    fn list(
        &mut self,
        w: &Workflow,
        (name, more): (&str, bool),
        rows: &mut Vec<Vec<Cell>>,
        told: &mut Told,
    ) -> Result<(), Problem> {
        if rows.is_empty() {
            return Ok(());
        }
        let month = told.months.entry(name.to_owned()).or_default();
        month.pages += 1;
        let n = month.pages;
        let mut around = Vec::new();
        if n > 1 {
            around.push(Link::new("Newer", list_name(&w.name, name, n - 1)));
        }
        if more {
            around.push(Link::new("Older", list_name(&w.name, name, n + 1)));
        }
        let heads = vec!["Received", "Case", "How it ended", "Who decided", "Cost"];
        let part = if n > 1 || more {
            format!(", part {n}")
        } else {
            String::new()
        };
        let page = Page {
            name: list_name(&w.name, name, n),
            title: format!("{}: runs of {name}{part}", w.title),
            sub: "Newest first. Months are those of the workflow's time zone.".to_owned(),
            crumbs: vec![self.of(w)],
            blocks: vec![Block::new("", table(heads, std::mem::take(rows)))],
            around,
            at: self.at(),
        };
        self.page(&page)
    }

    fn run(&mut self, w: &Workflow, run: &Run, kept: &KeptRun, month: &str) -> Result<(), Problem> {
        let story = &kept.story;
        let mut blocks = vec![
            Block::new("The eight answers", Body::Answers(answers(kept))),
            Block::new("What happened", moments(kept)),
        ];
        blocks.push(Block::new("Is the record whole?", Body::Pairs(proof(kept))));
        for c in &kept.contents {
            let mut block = Block::new(
                format!("{} {}", code(&c.kind), c.n),
                Body::Text(c.text.clone()),
            )
            .noted(format!("Class {}.", c.class));
            if c.left_out > 0 {
                block.note.push_str(&format!(
                    " {} more characters are left out here; tuesday export has all of it.",
                    count(c.left_out as u64)
                ));
            }
            blocks.push(block);
        }
        if self.is_later(kept) {
            let words = format!(
                "It went on after {}, up to which this archive was taken. This page and its line in the list tell it as it \
                 was on {}; other pages were made before or after that.",
                self.bound(),
                self.at()
            );
            blocks.insert(0, Block::new("Not at rest", Body::Words(words)));
        }
        let crumbs = vec![self.of(w), Link::new(month, list_name(&w.name, month, 1))];
        self.page(&Page {
            name: run_name(&w.name, run, month),
            title: story.subject.clone(),
            sub: format!("{} {}", run.id, story.summary),
            crumbs,
            blocks,
            around: Vec::new(),
            at: self.at(),
        })
    }
}

fn run_name(workflow: &str, run: &Run, month: &str) -> String {
    format!("workflows/{workflow}/runs/{month}/{}.html", run.id)
}

fn row(w: &Workflow, run: &Run, kept: &KeptRun, month: &str) -> Vec<Cell> {
    let story = &kept.story;
    let decided = story.answers.iter().find(|a| a.name == "decided");
    let decided = decided.filter(|a| a.reached).map(|a| a.answer.as_str());
    let received = story
        .timeline
        .first()
        .map(|m| m.local.chars().take(16).collect());
    let cost = if run.cost_unknown {
        format!("at least {}", money(run.cost_micros))
    } else {
        money(run.cost_micros)
    };
    vec![
        received.unwrap_or_else(|| run.received_at.rfc3339()).into(),
        Link::new(story.subject.clone(), run_name(&w.name, run, month)).into(),
        code(story.outcome.as_deref().unwrap_or(&story.status)).into(),
        decided.unwrap_or_default().into(),
        number(format!("{cost} {}", currency(kept)).trim_end().to_owned()),
    ]
}

fn currency(kept: &KeptRun) -> String {
    let cost = kept.story.answers.iter().find(|a| a.name == "cost");
    let named = cost.and_then(|a| a.facts.get("currency"));
    named
        .and_then(|c| c.as_str())
        .unwrap_or_default()
        .to_owned()
}

fn counted(told: &mut Told, run: &Run, kept: &KeptRun, month: &str) {
    told.total += 1;
    let end = kept.story.outcome.as_deref().unwrap_or("not ended");
    *told.ends.entry(code(end)).or_default() += 1;
    let month = told.months.entry(month.to_owned()).or_default();
    month.runs += 1;
    month.unknown += u64::from(run.cost_unknown);
    *month.cost.entry(currency(kept)).or_default() += run.cost_micros;
}

fn answers(kept: &KeptRun) -> Vec<Answer> {
    let answers = kept.story.answers.iter();
    answers
        .map(|a| Answer {
            question: a.question.to_owned(),
            lines: a.answer.lines().map(str::to_owned).collect(),
        })
        .collect()
}

fn moments(kept: &KeptRun) -> Body {
    let rows = kept.story.timeline.iter().map(|m| {
        let place = m.index.map_or_else(|| "not sealed yet".to_owned(), count);
        vec![
            Cell::from(m.local.as_str()),
            author(&m.actor).into(),
            code(&m.kind.replace('.', " ")).into(),
            m.moves.iter().map(|m| moved(m)).collect::<Vec<_>>().into(),
            number(place),
        ]
    });
    let heads = vec![
        "When",
        "Who",
        "What",
        "Before and after",
        "Place in the log",
    ];
    table(heads, rows.collect())
}

fn proof(kept: &KeptRun) -> Vec<(String, String)> {
    let i = &kept.story.integrity;
    let list = |all: Vec<String>, none: &str| {
        if all.is_empty() {
            none.to_owned()
        } else {
            all.join("\n")
        }
    };
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let gaps = i.gaps.iter().map(ToString::to_string).collect();
    let erased = i
        .erased
        .iter()
        .map(|e| format!("{}: {}", e.payload, e.words));
    vec![
        pair("Whole", if i.whole { "yes" } else { "no" }.to_owned()),
        pair(
            "Entries of the log",
            format!(
                "{}, of them {} covered by a signed checkpoint",
                i.entries, i.sealed
            ),
        ),
        pair("Damaged", list(i.damaged.clone(), "nothing")),
        pair("Missing", list(gaps, "nothing")),
        pair("Erased", list(erased.collect(), "nothing")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists that runs of these months come to: month, lines, whether more of it follow.
    fn cut(runs: &[(&str, usize)]) -> Vec<(String, usize, bool)> {
        let (mut month, mut lines, mut out) = (String::new(), 0, Vec::new());
        for own in runs.iter().flat_map(|(m, n)| std::iter::repeat_n(*m, *n)) {
            let ended = month.clone();
            if let Some(more) = ends_before(&mut month, lines, own) {
                out.push((ended, lines, more));
                lines = 0;
            }
            lines += 1;
        }
        out.push((month, lines, false));
        out
    }

    #[test]
    fn lists_are_cut_by_month_and_length_and_never_go_back() {
        let told = cut(&[
            ("2026-11", 1_200),
            ("2026-10", 500),
            ("2026-11", 2),
            ("2026-09", 1),
        ]);
        let named: Vec<(&str, usize, bool)> = told
            .iter()
            .map(|(m, n, more)| (m.as_str(), *n, *more))
            .collect();
        assert_eq!(
            named,
            [
                ("2026-11", 500, true),
                ("2026-11", 500, true),
                ("2026-11", 200, false),
                ("2026-10", 500, true),
                ("2026-10", 2, false),
                ("2026-09", 1, false),
            ]
        );
        assert_eq!(
            list_name("w", "2026-11", 1),
            "workflows/w/runs/2026-11.html"
        );
        assert_eq!(
            list_name("w", "2026-11", 2),
            "workflows/w/runs/2026-11-2.html"
        );
    }
}
