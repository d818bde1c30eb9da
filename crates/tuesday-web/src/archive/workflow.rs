//! The pages of one workflow: how it stood and what its runs came to, charter, rules, releases, runbook, and
//! why it ended.

use tuesday_domain::definition::Package;
use tuesday_domain::postmortem::PostmortemState;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CharterFact, LabelEvent, Postmortem, Release, RuleSetRow, Workflow};
use tuesday_engine::ops::{CharterView, PostmortemView};

use super::Making;
use super::markdown;
use super::page::{Answer, Block, Body, Cell, Link, Page, number, table};
use super::runs::{Told, list_name};
use crate::console::words::{author, code, count, local};
use crate::refusal::read_problem;

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

impl Making<'_> {
    /// Everything of a workflow but its runs, which were written before.
    pub(super) async fn workflow(&mut self, w: &Workflow, told: &Told) -> Result<(), Problem> {
        (self.progress)("workflow pages", 0);
        Box::pin(self.changes(Some(w))).await?;
        Box::pin(self.costs(w, told)).await?;
        Box::pin(self.charter(w)).await?;
        self.rules(w).await?;
        let runbook = self.releases(w).await?;
        let file = |name: &str| format!("workflows/{}/{name}.html", w.name);
        let mut links = vec![
            Link::new("Charter and label", file("charter")),
            Link::new("Decisions and changes", file("changes")),
            Link::new("Costs", file("costs")),
            Link::new("Rules, every version", file("rules")),
            Link::new("Releases, every one with its texts", file("releases")),
        ];
        if runbook {
            links.push(Link::new("Runbook", file("runbook")));
        }
        links.push(Link::new("Incidents", "incidents/index.html"));
        let mut blocks = vec![
            Block::new("How it stood", Body::Pairs(stood(w))),
            Block::new("Pages", Body::Links(links)),
            Block::new("Runs", months(w, told)),
            Block::new("How runs ended", ends(told)),
        ];
        for row in self.engine.postmortems(Some(&w.name)).await? {
            let seq = Some(row.seq);
            let view = self.engine.postmortem_of_workflow(&w.name, seq).await?;
            blocks.extend(ended(&view));
        }
        self.page(&Page {
            name: format!("workflows/{}/index.html", w.name),
            title: w.title.clone(),
            sub: format!("{}, {} runs.", w.name, count(told.total)),
            crumbs: Vec::new(),
            blocks,
            around: Vec::new(),
            at: self.at(),
        })
    }

    async fn charter(&mut self, w: &Workflow) -> Result<(), Problem> {
        let reader = self.engine.reader();
        let facts = reader.charter_facts(&w.name).await.map_err(read_problem)?;
        let labels = reader.label_events(&w.name).await.map_err(read_problem)?;
        let mut blocks = match self.engine.charter(&w.name).await {
            Ok(view) => sheets(&view),
            // What cannot be computed any more is said, and what people stated is there all the same.
            Err(p) => {
                let words = format!("It could not be computed: {}.", p.detail);
                vec![Block::new("Lists", Body::Words(words))]
            }
        };
        blocks.push(Block::new(
            "What happened to the label",
            label_moves(&labels),
        ));
        blocks.push(Block::new(
            "What people stated, newest first",
            stated(&facts),
        ));
        self.page(&Page {
            name: format!("workflows/{}/charter.html", w.name),
            title: format!("{}: charter and label", w.title),
            sub: "Computed from the records on the day this archive was made; what people stated is below, with its history."
                .to_owned(),
            crumbs: vec![self.of(w)],
            blocks,
            around: Vec::new(),
            at: self.at(),
        })
    }

    async fn rules(&mut self, w: &Workflow) -> Result<(), Problem> {
        let versions = self.engine.reader().rulesets(&w.name).await;
        let versions = versions.map_err(read_problem)?;
        let heads = vec!["Version", "State", "Made", "By", "Agreed by", "Reason"];
        let rows = versions.iter().map(|v| version(w, v)).collect();
        self.page(&Page {
            name: format!("workflows/{}/rules.html", w.name),
            title: format!("{}: rules", w.title),
            sub: "Every version, newest first. The page of a run names the version and the row that sent it where it went."
                .to_owned(),
            crumbs: vec![self.of(w)],
            blocks: vec![Block::new("", table(heads, rows))],
            around: Vec::new(),
            at: self.at(),
        })?;
        for v in &versions {
            self.page(&Page {
                name: rules_name(w, v.version),
                title: format!("{}: rules, version {}", w.title, v.version),
                sub: v.reason.clone(),
                crumbs: vec![
                    self.of(w),
                    Link::new("Rules", format!("workflows/{}/rules.html", w.name)),
                ],
                blocks: vec![Block::new("As it was written", Body::Text(v.csv.clone()))],
                around: Vec::new(),
                at: self.at(),
            })?;
        }
        Ok(())
    }

    /// Every release with its texts; answers whether the live one has a runbook.
    async fn releases(&mut self, w: &Workflow) -> Result<bool, Problem> {
        let releases = self.engine.reader().releases(&w.name).await;
        let releases = releases.map_err(read_problem)?;
        let (mut rows, mut runbook) = (Vec::new(), false);
        for r in &releases {
            rows.push(release_row(w, r));
            let mut blocks = vec![Block::new("", Body::Pairs(release_facts(r)))];
            match Package::from_bundle(&r.bundle) {
                Ok((package, _)) => {
                    if let Some(text) = package
                        .text("runbook.md")
                        .filter(|_| r.id == w.live_release)
                    {
                        self.runbook(w, text)?;
                        runbook = true;
                    }
                    let files = package.files.into_iter();
                    blocks.extend(files.map(|(name, text)| Block::new(name, Body::Text(text))));
                }
                Err(e) => blocks.push(Block::new(
                    "Texts",
                    Body::Words(format!("They cannot be read: {e}.")),
                )),
            }
            self.page(&Page {
                name: release_name(w, r.number),
                title: format!("{}: release {}", w.title, r.number),
                sub: String::new(),
                crumbs: vec![
                    self.of(w),
                    Link::new("Releases", format!("workflows/{}/releases.html", w.name)),
                ],
                blocks,
                around: Vec::new(),
                at: self.at(),
            })?;
        }
        let heads = vec!["Release", "State", "Made", "By", "Hash"];
        self.page(&Page {
            name: format!("workflows/{}/releases.html", w.name),
            title: format!("{}: releases", w.title),
            sub: "Newest first.".to_owned(),
            crumbs: vec![self.of(w)],
            blocks: vec![Block::new("", table(heads, rows))],
            around: Vec::new(),
            at: self.at(),
        })?;
        Ok(runbook)
    }

    fn runbook(&mut self, w: &Workflow, text: &str) -> Result<(), Problem> {
        let (title, html) = markdown::page(text, &|to| {
            let web = to.starts_with("https://") || to.starts_with("http://");
            web.then(|| to.to_owned())
        });
        self.page(&Page {
            name: format!("workflows/{}/runbook.html", w.name),
            title: if title.is_empty() {
                "Runbook".to_owned()
            } else {
                title
            },
            sub: String::new(),
            crumbs: vec![self.of(w)],
            blocks: vec![Block::new("", Body::Html(html))],
            around: Vec::new(),
            at: self.at(),
        })
    }
}

fn stood(w: &Workflow) -> Vec<(String, String)> {
    vec![
        pair("Label", code(w.label.word())),
        pair("Stage", code(w.stage.word())),
        pair("Switch", code(w.switch.word())),
        pair("Operator owner", w.owner.as_str()),
        pair("Rules in force", format!("version {}", w.rules_version)),
        pair("Installed", local(w.installed_at, None)),
    ]
}

fn months(w: &Workflow, told: &Told) -> Body {
    if told.months.is_empty() {
        return Body::Words("There were none.".to_owned());
    }
    let rows = told.months.iter().rev().map(|(month, m)| {
        let link = Link::new(month.as_str(), list_name(&w.name, month, 1));
        vec![Cell::from(link), number(count(m.runs))]
    });
    table(vec!["Month of receipt", "Runs"], rows.collect())
}

fn ends(told: &Told) -> Body {
    let ends = told.ends.iter();
    Body::Pairs(ends.map(|(end, n)| pair(end, count(*n))).collect())
}

/// Why it stopped, as people and records said.
fn ended(view: &PostmortemView) -> [Block; 2] {
    let row: &Postmortem = &view.row;
    let told = |a: &tuesday_domain::postmortem::Answer| {
        let word = match a.yes {
            Some(true) => "Yes",
            Some(false) => "No",
            None => "Nobody can tell",
        };
        let by = a.by.as_ref().map(|by| format!("says {by}"));
        let mut lines = vec![format!("{word}. {}", a.evidence)];
        lines.extend(by);
        Answer {
            question: a.question.asks().to_owned(),
            lines,
        }
    };
    let mut pairs = vec![
        pair("What for", code(row.stopped.word())),
        pair("Reason", row.reason.as_str()),
        pair("Opened", local(row.opened_at, None)),
        pair("What the answers come to", view.verdict.words()),
    ];
    if row.state == PostmortemState::Closed {
        let word = |w: Option<&'static str>| w.map(code).unwrap_or_default();
        pairs.push(pair("At the root", word(row.root.map(|r| r.word()))));
        pairs.push(pair("Wall it ran into", word(row.wall.map(|w| w.word()))));
        pairs.push(pair(
            "What is learnt",
            row.lessons.clone().unwrap_or_default(),
        ));
    } else {
        pairs.push(pair("State", "not closed"));
    }
    [
        Block::new(
            format!("Why it stopped, postmortem {}", row.seq),
            Body::Pairs(pairs),
        ),
        Block::new(
            format!("Seven questions of postmortem {}", row.seq),
            Body::Answers(view.answers.iter().map(told).collect()),
        ),
    ]
}

fn sheets(view: &CharterView) -> Vec<Block> {
    let heads = || vec!["What", "State", "What is there", "Stated or shown", "By"];
    view.sheets
        .iter()
        .map(|s| {
            let rows = s.items.iter().map(|i| {
                let day = i.at.as_deref().and_then(|at| at.get(..10));
                vec![
                    Cell::from(i.title),
                    code(i.state).into(),
                    i.words.as_str().into(),
                    day.unwrap_or_default().into(),
                    i.by.as_deref().unwrap_or_default().into(),
                ]
            });
            Block::new(s.title, table(heads(), rows.collect()))
                .noted(format!("{} of {} are in order.", s.clean, s.of))
        })
        .collect()
}

fn label_moves(events: &[LabelEvent]) -> Body {
    if events.is_empty() {
        return Body::Words("Nothing was recorded.".to_owned());
    }
    let rows = events.iter().map(|e| {
        vec![
            Cell::from(local(e.at, None)),
            code(e.kind.word()).into(),
            code(e.label.word()).into(),
            author(&e.by).into(),
            e.reasons.as_str().into(),
        ]
    });
    let heads = vec!["When", "What", "The label then", "By", "Because"];
    table(heads, rows.collect())
}

fn stated(facts: &[CharterFact]) -> Body {
    if facts.is_empty() {
        return Body::Words("Nobody stated anything.".to_owned());
    }
    let rows = facts.iter().rev().map(|f| {
        let mut what = vec![code(f.statement.word())];
        what.extend(Some(f.about.clone()).filter(|a| !a.is_empty()));
        let value = if f.value.is_empty() {
            "taken back"
        } else {
            f.value.as_str()
        };
        vec![
            Cell::from(local(f.at, None)),
            what.into(),
            value.into(),
            f.by.as_str().into(),
        ]
    });
    table(vec!["When", "What", "Statement", "By"], rows.collect())
}

fn rules_name(w: &Workflow, version: u64) -> String {
    format!("workflows/{}/rules/version-{version}.html", w.name)
}

fn version(w: &Workflow, v: &RuleSetRow) -> Vec<Cell> {
    let link = Link::new(format!("version {}", v.version), rules_name(w, v.version));
    vec![
        link.into(),
        code(v.state.word()).into(),
        local(v.created_at, None).into(),
        v.created_by.as_str().into(),
        v.decided_by.as_deref().unwrap_or_default().into(),
        v.reason.as_str().into(),
    ]
}

fn release_name(w: &Workflow, n: u32) -> String {
    format!("workflows/{}/releases/{n}.html", w.name)
}

fn release_row(w: &Workflow, r: &Release) -> Vec<Cell> {
    vec![
        Link::new(format!("release {}", r.number), release_name(w, r.number)).into(),
        code(r.state.word()).into(),
        local(r.created_at, None).into(),
        r.created_by.as_str().into(),
        hex::encode(&r.hash[..8]).into(),
    ]
}

fn release_facts(r: &Release) -> Vec<(String, String)> {
    vec![
        pair("Id", r.id.to_string()),
        pair("State", code(r.state.word())),
        pair(
            "Made",
            format!("{} by {}", local(r.created_at, None), r.created_by),
        ),
        pair("Hash", hex::encode(r.hash)),
    ]
}
